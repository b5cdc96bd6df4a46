package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

func TestATerminalGetsABarAndAFileGetsLines(t *testing.T) {
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	person, program := needs.Terminal(t)
	state := metadata.DeployResult{Status: "InProgress", Components: metadata.Counts{Total: 5, Finished: 3}}
	for _, w := range []*os.File{file, program} {
		progress(w)(state)
	}
	written, err := os.ReadFile(file.Name())
	if err != nil || string(written) != "InProgress: 3 of 5 components\n" {
		t.Errorf("a file gets %q, %v", written, err)
	}
	if err := person.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	screen := ""
	for b := make([]byte, 1024); !strings.Contains(screen, "3/5"); {
		n, err := person.Read(b)
		if screen += string(b[:n]); err != nil {
			t.Fatalf("a terminal gets %q, %v", screen, err)
		}
	}
	if strings.Contains(screen, "3 of 5") {
		t.Errorf("a terminal gets lines: %q", screen)
	}
}
