package main

import (
	"io"
	"strings"
	"testing"
)

func TestBadInputIsOneLineAndStatus2(t *testing.T) {
	const key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	tests := []struct {
		name          string
		args          []string
		key, postgres string
		want          string
	}{
		{"a site with a path", []string{"-site", "https://app.fullcast.io/app"}, "", "", "-site"},
		{"a site without TLS", []string{"-site", "http://app.fullcast.io"}, "", "", "-site"},
		{"files without a key", []string{"-site", "http://localhost:8080", "-dir", "x"}, "", "", "SFAUTH_KEY is not set"},
		{"files with a short key", []string{"-site", "http://localhost:8080", "-listen", "localhost:0", "-dir", "x"}, "c2hvcnQ=", "", "SFAUTH_KEY must be 32 random bytes"},
		{"files for a simulated org", []string{"-dir", "x"}, "", "", "-dir needs -site"},
		{"a database without a key", []string{"-site", "http://localhost:8080"}, "", "postgres://localhost/x", "SFAUTH_KEY is not set"},
		{"two places", []string{"-site", "http://localhost:8080", "-dir", "x"}, "", "postgres://localhost/x", "exclude each other"},
		{"a database by no name", []string{"-site", "http://localhost:8080", "-listen", "localhost:0"}, key, "postgres://a:canary@b:c/d", "SFAUTH_POSTGRES"},
		{"an address that is none", []string{"-listen", "localhost:none"}, "", "", "cannot listen"},
		{"an unknown flag", []string{"-nonsense"}, "", "", "-nonsense; webapp -h shows all flags"},
		{"a word too many", []string{"serve"}, "", "", `"serve" is not a flag`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr strings.Builder
			env := map[string]string{"SFAUTH_KEY": tt.key, "SFAUTH_POSTGRES": tt.postgres}
			code := run(t.Context(), tt.args, func(name string) string { return env[name] }, io.Discard, &stderr)
			if code != 2 || !strings.Contains(stderr.String(), tt.want) || strings.Count(stderr.String(), "\n") != 1 ||
				strings.Contains(stderr.String(), "canary") {
				t.Errorf("status %d:\n%s", code, &stderr)
			}
		})
	}
}
