package filestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// The system calls on the store's files at which a worker is killed or gets an error.
var calls = []string{"mkdirat", "openat", "fcntl", "fstat", "fstatfs", "flock", "pread64", "write", "fsync", "close", "renameat", "unlinkat"}

// A crash scene is a store in which a worker is about to change the victim.
type crashScene struct {
	dir   string
	paths []string // directory, record, temporary file and lock
}

// newCrashScene makes a store with what the task needs.
func newCrashScene(t *testing.T, task string) crashScene {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	must(t, s.Save(t.Context(), recordAt(victim, 0))) // also to learn the names
	record := only(t, dir, ".rec")
	if task == "create" {
		must(t, s.Delete(t.Context(), victim, 1))
	}
	lock := only(t, dir, ".lock")
	return crashScene{dir, []string{dir, record, strings.TrimSuffix(lock, "lock") + "tmp", lock}}
}

// run runs a worker under strace, which does the injection at calls on the paths; the log holds these calls. It returns
// what the worker printed.
func (sc crashScene) run(t *testing.T, task, injection string, paths ...string) (out string, killed bool, log string) {
	t.Helper()
	logFile := filepath.Join(t.TempDir(), "log")
	args := []string{"-f", "-qq", "-o", logFile}
	for _, p := range paths {
		args = append(args, "-P", p)
	}
	if injection != "" {
		args = append(args, "-e", "inject="+injection)
	}
	cmd := exec.Command("strace", append(args, os.Args[0])...)
	cmd.Env = workerEnv(task, sc.dir)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		killed = exit.Sys().(syscall.WaitStatus).Signaled() // strace ends as its child did
	} else {
		must(t, err)
	}
	b, err := os.ReadFile(logFile)
	must(t, err)
	return stdout.String(), killed, string(b)
}

// check sees that the victim is as before the task or as after it, and as after it when that was acknowledged; and that
// the store works on and keeps no litter.
func (sc crashScene) check(t *testing.T, task string, acknowledged bool) (happened bool) {
	t.Helper()
	before, after := uint64(1), map[string]uint64{"create": 1, "update": 2, "delete": 0}[task]
	if task == "create" {
		before = 0
	}
	s := open(t, sc.dir)
	r, err := s.Load(t.Context(), victim)
	switch {
	case errors.Is(err, tokenstore.ErrNotFound):
	case err != nil:
		t.Fatalf("Load: %v", err)
	case !isWhole(r):
		t.Fatalf("the record is torn: %v", r)
	}
	if r.Version != before && r.Version != after {
		t.Fatalf("got version %d, want %d or %d", r.Version, before, after)
	}
	if acknowledged && r.Version != after {
		t.Fatalf("got version %d after the change was acknowledged, want %d", r.Version, after)
	}
	must(t, s.Save(t.Context(), recordAt(victim, r.Version)))
	if litter, _ := filepath.Glob(filepath.Join(sc.dir, "*.tmp")); len(litter) > 0 {
		t.Fatalf("%v is left", litter)
	}
	return r.Version == after
}

// needStrace ends the test where strace cannot inject.
func needStrace(t *testing.T) {
	t.Helper()
	needs.Patience(t)
	if err := exec.Command("strace", "-qq", "-o", os.DevNull, "-e", "inject=close:delay_exit=1", "true").Run(); err != nil {
		needs.Missing(t, "no strace that may trace and inject: %v", err)
	}
}

func TestAProcessKilledOrFailedAtAnySystemCallLeavesTheOldRecordOrTheNewOne(t *testing.T) {
	needStrace(t)
	name := regexp.MustCompile(`(?m)^\d+ +(\w+)\(`)
	killed, at := 0, map[string]int{}
	for _, task := range []string{"create", "update", "delete"} {
		t.Run(task, func(t *testing.T) {
			sc := newCrashScene(t, task)
			_, _, log := sc.run(t, task, "", sc.paths...)
			times := map[string]int{}
			for _, m := range name.FindAllStringSubmatch(log, -1) {
				times[m[1]]++
			}
			for _, call := range calls {
				for n := 1; n <= times[call]; n++ {
					sc := newCrashScene(t, task)
					out, _, _ := sc.run(t, task, fmt.Sprintf("%s:error=EIO:when=%d", call, n), sc.paths...)
					sc.check(t, task, strings.Contains(out, "done"))

					sc = newCrashScene(t, task)
					// strace counts by thread and Go changes threads, so that not every number comes up.
					out, hit, _ := sc.run(t, task, fmt.Sprintf("%s:signal=KILL:when=%d", call, n), sc.paths...)
					if hit {
						killed++
						at[call]++
					}
					sc.check(t, task, strings.Contains(out, "done"))
				}
			}
		})
	}
	t.Logf("killed %d times, at %v", killed, at)
	if killed < 40 {
		t.Errorf("killed %d times, want at least 40", killed)
	}
	for _, call := range []string{"openat", "flock", "write", "fsync", "close", "renameat", "unlinkat"} {
		if at[call] == 0 {
			t.Errorf("never killed at %s", call)
		}
	}
}

func TestAnErrorOfAnySystemCallIsAFailedSave(t *testing.T) {
	needStrace(t)
	const directory, record, temp, lock = 0, 1, 2, 3
	tests := []struct {
		name      string
		injection string
		path      int
		task      string
		mayHappen bool // the change may be seen although it failed
	}{
		{"the file's fsync", "fsync:error=EIO", temp, "update", false},
		{"the file's write", "write:error=ENOSPC", temp, "update", false},
		{"the file's close", "close:error=EIO", temp, "update", false},
		{"the rename", "renameat:error=EIO", directory, "update", false},
		{"the rename of a new record", "renameat:error=ENOSPC", directory, "create", false},
		{"the directory's fsync", "fsync:error=EIO", directory, "update", true},
		{"the directory's fsync after a Delete", "fsync:error=EIO", directory, "delete", true},
		{"the removal", "unlinkat:error=EROFS", directory, "delete", false},
		{"reading the record", "pread64:error=EIO", record, "update", false},
		{"the lock", "flock:error=ENOLCK", lock, "update", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sc := newCrashScene(t, tt.task)
			out, _, log := sc.run(t, tt.task, tt.injection, sc.paths[tt.path])
			if !strings.Contains(log, "INJECTED") {
				t.Fatalf("nothing was injected; the calls were:\n%s", log)
			}
			if strings.Contains(out, "done") || !strings.Contains(out, "error:") {
				t.Errorf("the worker says %q, want an error", out)
			}
			if sc.check(t, tt.task, false) && !tt.mayHappen {
				t.Errorf("the change was made although it failed")
			}
		})
	}
}
