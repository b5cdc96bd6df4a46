package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// The fleet starts this binary again as its workers.
func TestMain(m *testing.M) {
	if os.Getenv(workerVariable) != "" {
		os.Exit(work(os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

type result struct {
	code           int
	stdout, stderr string
}

func fleetOf(ctx context.Context, env map[string]string, args ...string) result {
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, func(name string) string { return env[name] }, &stdout, &stderr)
	fmt.Printf("%s%s", &stdout, &stderr) // what is printed is looked through for secrets
	return result{code, stdout.String(), stderr.String()}
}

// entry returns a line of the ledger.
func (r result) entry(t *testing.T, what string) (n int) {
	t.Helper()
	found := regexp.MustCompile(`(?m)^  ` + what + ` +(\d+)$`).FindStringSubmatch(r.stdout)
	if found == nil {
		t.Fatalf("the ledger has no %q:\n%s%s", what, r.stdout, r.stderr)
	}
	_, _ = fmt.Sscan(found[1], &n)
	return n
}

// clean wants a run whose ledger shows work and no loss.
func (r result) clean(t *testing.T) {
	t.Helper()
	for _, what := range []string{"requests answered", "refreshes", "processes stopped"} {
		if r.entry(t, what) == 0 {
			t.Errorf("no %s", what)
		}
	}
	for _, what := range []string{"requests failed", "refresh tokens used twice", "connections lost"} {
		if n := r.entry(t, what); n > 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	if r.code != 0 || r.stderr != "" {
		t.Errorf("got status %d and %q, want 0 and nothing", r.code, r.stderr)
	}
}

func TestProcessesThatAreStoppedInGoodOrderLoseNothing(t *testing.T) {
	needs.Patience(t)
	t.Parallel()
	r := fleetOf(t.Context(), nil, "-for", "3s", "-workers", "3", "-kill=false")
	r.clean(t)
	if strings.Contains(r.stdout, "\x1b") || strings.Count(r.stdout, " requests, ") < 2 {
		t.Errorf("want plain lines, got %q", r.stdout)
	}
	dir := regexp.MustCompile(`/\S+`).FindString(r.stdout)
	if _, err := os.Stat(dir); dir == "" || !os.IsNotExist(err) {
		t.Errorf("the directory %q is still there", dir)
	}
}

func TestKilledProcessesLoseNothingButWhatTheyHadInFlight(t *testing.T) {
	needs.Patience(t)
	t.Parallel()
	r := fleetOf(t.Context(), nil, "-for", "3s", "-workers", "2", "-connections", "1")
	r.clean(t)
	if r.entry(t, "processes killed") == 0 {
		t.Error("nobody was killed")
	}
}

func TestAnInterruptEndsTheRunWithTheLedger(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"-for", "10m", "-workers", "2", "-kill=false"}, func(string) string { return "" }, &untilRefreshed{&stdout, interrupt}, &stderr)
	fmt.Printf("%s%s", &stdout, &stderr)
	result{code, stdout.String(), stderr.String()}.clean(t)
}

// untilRefreshed interrupts a run that has answered requests and refreshed a token.
type untilRefreshed struct {
	*bytes.Buffer
	interrupt func()
}

var hasRefreshed = regexp.MustCompile(`[1-9]\d* requests, \d+ of them failed, [1-9]\d* refreshes`)

func (u *untilRefreshed) Write(p []byte) (int, error) {
	if hasRefreshed.Match(p) {
		u.interrupt()
	}
	return u.Buffer.Write(p)
}

func TestProcessesShareAPostgreSQLDatabase(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SFAUTH_POSTGRES": needs.Service(t, "SFAUTH_POSTGRES")}
	r := fleetOf(t.Context(), env, "-for", "3s", "-workers", "2")
	r.clean(t)
	if !strings.Contains(r.stdout, "PostgreSQL table") {
		t.Errorf("got %q", r.stdout)
	}
}

func TestTheTableIsDrawnOverOnATerminal(t *testing.T) {
	t.Parallel()
	person, program := needs.Terminal(t)
	shown := make(chan string)
	go func() {
		var all []byte
		b := make([]byte, 4096)
		for {
			n, err := person.Read(b)
			all = append(all, b[:n]...)
			if err != nil || bytes.Contains(all, []byte("processes killed")) {
				shown <- string(all)
				return
			}
		}
	}()
	code := run(t.Context(), []string{"-for", "2s", "-workers", "2"}, func(string) string { return "" }, program, program)
	screen := <-shown
	if code != 0 || !strings.Contains(screen, "\x1b[5F\x1b[J") || !strings.Contains(screen, "running") {
		t.Errorf("got status %d and %q, want a table that is drawn over", code, screen)
	}
	for line := range strings.Lines(screen) {
		if len(strings.TrimSpace(line)) > 80 && strings.Contains(line, "requests") {
			t.Errorf("wider than 80 columns, so that what is above it is not drawn over: %q", line)
		}
	}
}

func TestBadInputIsOneLine(t *testing.T) {
	tests := []struct {
		name, args, postgres, want string
	}{
		{"an unknown flag", "-force", "", "-force"},
		{"a word", "fast", "", `"fast" is no flag`},
		{"no duration", "-for ever", "", "-for"},
		{"too short", "-for 1s", "", "2s to 10m"},
		{"too long", "-for 11m", "", "2s to 10m"},
		{"no workers", "-workers 0", "", "1 to 16"},
		{"too many workers", "-workers 17", "", "1 to 16"},
		{"no connections", "-connections 0", "", "1 to 16"},
		{"no name of a database", "", "://", "SFAUTH_POSTGRES"},
		{"a database that is not there", "", "postgres://user:hunter2@127.0.0.1:1/test", "SFAUTH_POSTGRES"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := fleetOf(t.Context(), map[string]string{"SFAUTH_POSTGRES": tt.postgres}, strings.Fields(tt.args)...)
			if r.code != 2 || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, tt.want) || strings.Contains(r.stderr, "hunter2") {
				t.Errorf("got status %d, %q and %q, want 2 and a line with %q", r.code, r.stdout, r.stderr, tt.want)
			}
		})
	}
}

func TestHelpNeedsNothing(t *testing.T) {
	if r := fleetOf(t.Context(), nil, "-h"); r.code != 0 || !strings.Contains(r.stdout, "SFAUTH_POSTGRES") || r.stderr != "" {
		t.Errorf("got status %d, %q and %q", r.code, r.stdout, r.stderr)
	}
}

func TestAWorkerIsNotStartedByHand(t *testing.T) {
	var stderr bytes.Buffer
	if code := work(strings.NewReader("hello"), &stderr, &stderr); code != 2 || !strings.Contains(stderr.String(), "not by hand") {
		t.Errorf("got status %d and %q, want 2", code, stderr.String())
	}
}
