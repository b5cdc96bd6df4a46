package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/fullcast/sfauth/fullcast" // what the program is made of: a change of it runs this test again
	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/internal/needs"
)

// What a process leaves behind, and what others on the machine see of it: output, files, environment and command line.
func TestALifeLeavesNoSecretInOutputFilesOrEnvironment(t *testing.T) {
	needs.Patience(t)
	needs.Program(t, "go")
	over, home := t.TempDir(), t.TempDir()
	if err := writeOverlay("../..", over); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(over, "live")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(over, "overlay.json"), "-o", program, "./testdata/live")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	values := filepath.Join(over, "values")
	live := exec.CommandContext(t.Context(), program)
	live.Dir = home
	live.Env = []string{"HOME=" + home, "TMPDIR=" + home, "GOTRACEBACK=all", "SFAUTH_CANARY=" + values}
	input, err := live.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	output, err := live.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	live.Stderr = &log
	if err := live.Start(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	said := bufio.NewScanner(output)
	for said.Scan() && said.Text() != "ready" {
		seen["output"] += said.Text() + "\n"
	}
	for _, name := range []string{"environ", "cmdline"} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", live.Process.Pid, name))
		if err != nil {
			t.Error(err)
		}
		seen[name] = string(text)
	}
	live.Process.Kill() // so that files stay that an orderly end would remove
	rest, err := io.ReadAll(output)
	seen["output"] += string(rest)
	if err != nil {
		t.Error(err)
	}
	live.Wait()
	seen["log"] = log.String()
	for _, want := range []string{"output|goroutine ", "output|memstats", "output|connected", "log|DEBUG", "environ|TMPDIR=", "cmdline|live"} {
		where, what, _ := strings.Cut(want, "|")
		if !strings.Contains(seen[where], what) {
			t.Errorf("%s does not hold %q, so that it was not all there to be looked at:\n%s", where, what, seen[where])
		}
	}

	known, err := readValues(values)
	if err != nil {
		t.Fatal(err)
	}
	f := search.New(known)
	for where, text := range seen {
		for line := range strings.Lines(text) {
			if what := f.Find(line); what != "" {
				t.Errorf("%s of the process holds %s: %s", where, what, line)
			}
		}
	}
	hits, files := lookThrough(t, f, home)
	if hits > 0 || files < 1 { // the connection
		t.Errorf("%d secrets in %d files", hits, files)
	}

	// The same eyes see one that is there.
	left := base64.StdEncoding.EncodeToString([]byte(known[len(known)-1]))
	if err := os.WriteFile(filepath.Join(home, "left.tmp"), []byte("\x00\x01"+left+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if hits, _ := lookThrough(t, f, home); hits != 1 {
		t.Errorf("of one secret in a file %d are found", hits)
	}
}

// lookThrough counts the files below dir, and those that hold a secret.
func lookThrough(t *testing.T, f *search.Finder, dir string) (hits, files int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for line := range strings.Lines(path + "\n" + string(text)) {
			if what := f.Find(line); what != "" {
				t.Logf("%s holds %s", path, what)
				hits++
				break
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return hits, files
}
