package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

func TestAPipeIsNotWaitedFor(t *testing.T) {
	project(t, external(fullcast.Production))
	if err := os.Mkdir("pipes", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"x.eca", "OauthOidc.settings", "package.xml"} {
		pipe := filepath.Join("pipes", name)
		if err := syscall.Mkfifo(pipe, 0o600); err != nil {
			t.Fatal(err)
		}
		check(t, "", "pipes").want(t, 2, "", "")
		if err := os.Remove(pipe); err != nil {
			t.Fatal(err)
		}
	}
	check(t, "", ".").want(t, 0, "0 findings", "")
}
