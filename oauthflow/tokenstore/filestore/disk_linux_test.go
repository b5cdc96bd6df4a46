package filestore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// mount mounts a file system until the end of the test, which it skips where that is not allowed.
func mount(t *testing.T, args ...string) (dir string) {
	t.Helper()
	needs.Mounts(t)
	dir = t.TempDir()
	if out, err := exec.Command("mount", append(args, dir)...).CombinedOutput(); err != nil {
		needs.Missing(t, "mounting is not allowed here: %s", out)
	}
	t.Cleanup(func() { unmount(t, dir) })
	return dir
}

func unmount(t *testing.T, dir string) {
	if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil && !strings.Contains(string(out), "not mounted") {
		t.Errorf("umount: %s", out)
	}
}

func TestAFullDiskRefusesSavesAndLosesNothing(t *testing.T) {
	disk := mount(t, "-t", "tmpfs", "-o", "size=96k", "tmpfs")
	s := open(t, filepath.Join(disk, "store"))
	versions := map[string]uint64{}
	for i := range 4 {
		id := fmt.Sprintf("record-%d", i)
		must(t, s.Save(t.Context(), recordAt(id, 0)))
		versions[id] = 1
	}
	filler := filepath.Join(disk, "filler")
	refused := 0
	for round := range 25 {
		if err := os.WriteFile(filler, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("filling the disk: got %v, want ENOSPC", err)
		}
		for id, version := range versions {
			switch err := s.Save(t.Context(), recordAt(id, version)); {
			case err == nil:
				versions[id]++
			case errors.Is(err, syscall.ENOSPC):
				refused++
			default:
				t.Fatalf("round %d: Save: got %v, want ENOSPC", round, err)
			}
		}
		checkVersions(t, s, versions)
		must(t, os.Remove(filler))
		for id, version := range versions {
			must(t, s.Save(t.Context(), recordAt(id, version)))
			versions[id]++
		}
		checkVersions(t, s, versions)
	}
	if refused == 0 {
		t.Error("the disk was never full")
	}
}

func TestADiskThatBecomesReadOnlyStillServesLoads(t *testing.T) {
	disk := mount(t, "-t", "tmpfs", "tmpfs")
	dir := filepath.Join(disk, "store")
	s := open(t, dir)
	must(t, s.Save(t.Context(), recordAt(victim, 0)))
	remount := func(how string) {
		out, err := exec.Command("mount", "-o", "remount,"+how, disk).CombinedOutput()
		if err != nil {
			t.Fatalf("remount: %s", out)
		}
	}
	remount("ro")
	if err := s.Save(t.Context(), recordAt(victim, 1)); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Save: got %v, want EROFS", err)
	}
	if err := s.Delete(t.Context(), victim, 1); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Delete: got %v, want EROFS", err)
	}
	checkVersions(t, s, map[string]uint64{victim: 1})
	checkVersions(t, open(t, dir), map[string]uint64{victim: 1})
	remount("rw")
	must(t, s.Save(t.Context(), recordAt(victim, 1)))
}

func TestAFileSystemThatIsNotKnownToBeLocalMustBeNamed(t *testing.T) {
	t.Run("proc", func(t *testing.T) {
		_, err := filestore.Open(filestore.Config{Dir: "/proc"})
		if !errors.Is(err, filestore.ErrFilesystem) || !strings.Contains(err.Error(), "lies on proc") {
			t.Errorf("got %v, want an error wrapping ErrFilesystem that names proc", err)
		}
	})
	t.Run("ramfs", func(t *testing.T) {
		dir := filepath.Join(mount(t, "-t", "ramfs", "ramfs"), "store")
		_, err := filestore.Open(filestore.Config{Dir: dir, Filesystems: []string{"nfs", "ext"}})
		if !errors.Is(err, filestore.ErrFilesystem) || !strings.Contains(err.Error(), "lies on ramfs") {
			t.Errorf("not named: got %v, want an error wrapping ErrFilesystem that names ramfs", err)
		}
		s, err := filestore.Open(filestore.Config{Dir: dir, Filesystems: []string{"ramfs"}})
		must(t, err)
		defer s.Close()
		must(t, s.Save(t.Context(), recordAt(victim, 0)))
	})
}

// A power cut is a copy of the disk, taken at once while a process is saving: what is in the copy is what the disk had
// got.
func TestAPowerCutLosesNothingThatWasAcknowledged(t *testing.T) {
	for _, options := range []string{"loop", "loop,commit=1"} {
		t.Run(options, func(t *testing.T) {
			image := filepath.Join(t.TempDir(), "image")
			must(t, os.WriteFile(image, nil, 0o600))
			must(t, os.Truncate(image, 24<<20))
			if out, err := exec.Command(needs.Program(t, "mkfs.ext4", "/sbin/mkfs.ext4"), "-q", "-F", image).CombinedOutput(); err != nil {
				t.Fatalf("mkfs.ext4: %v %s", err, out)
			}
			disk := mount(t, "-o", options, image)
			acks, err := os.Create(filepath.Join(t.TempDir(), "acknowledged")) // on another disk
			must(t, err)
			defer acks.Close()
			cmd := worker("saves", filepath.Join(disk, "store"))
			cmd.Stdout = acks
			must(t, cmd.Start())
			defer func() {
				must(t, cmd.Process.Kill())
				_ = cmd.Wait() // says that it was killed
			}()
			for cut := range 20 {
				time.Sleep(20*time.Millisecond + time.Duration(rand.Int64N(int64(20*time.Millisecond))))
				stop(t, cmd.Process)
				acknowledged := readAcks(t, acks.Name())
				copied := fmt.Sprintf("%s.%d", image, cut)
				if out, err := exec.Command("cp", "--sparse=always", image, copied).CombinedOutput(); err != nil {
					t.Fatalf("cp: %s", out)
				}
				must(t, cmd.Process.Signal(syscall.SIGCONT))
				func() {
					after := mount(t, "-o", "loop", copied)
					defer unmount(t, after)
					s, err := filestore.Open(filestore.Config{Dir: filepath.Join(after, "store")})
					if err != nil && len(acknowledged) == 0 {
						return // it had not begun
					}
					must(t, err)
					defer s.Close()
					checkAtLeast(t, s, acknowledged)
				}()
				must(t, os.Remove(copied))
			}
			if len(readAcks(t, acks.Name())) == 0 {
				t.Error("the process saved nothing")
			}
		})
	}
}

// stop stops a process and waits until none of its threads runs.
func stop(t *testing.T, p *os.Process) {
	t.Helper()
	must(t, p.Signal(syscall.SIGSTOP))
	for {
		running := false
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid))
		must(t, err)
		for _, stat := range stats {
			b, err := os.ReadFile(stat)
			must(t, err)
			_, after, _ := strings.Cut(string(b), ") ")
			running = running || !strings.HasPrefix(after, "T")
		}
		if !running {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// readAcks returns the last version of each id in the output of a worker.
func readAcks(t *testing.T, path string) map[string]uint64 {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	last := map[string]uint64{}
	for line := range strings.Lines(string(b)) {
		var id string
		var version uint64
		if _, err := fmt.Sscanln(line, &id, &version); err != nil {
			t.Fatalf("the worker says %q", line)
		}
		last[id] = version
	}
	return last
}

func checkVersions(t *testing.T, s *filestore.Store, want map[string]uint64) {
	t.Helper()
	for id, version := range want {
		if r, err := s.Load(t.Context(), id); err != nil || r.Version != version || !isWhole(r) {
			t.Errorf("Load of %s: got version %d and %v, want version %d", id, r.Version, err, version)
		}
	}
}

// checkAtLeast sees that no acknowledged version is lost, and at most the next one is there in its place.
func checkAtLeast(t *testing.T, s *filestore.Store, acknowledged map[string]uint64) {
	t.Helper()
	for i := range 4 {
		id := fmt.Sprintf("record-%d", i)
		r, err := s.Load(t.Context(), id)
		if errors.Is(err, tokenstore.ErrNotFound) && acknowledged[id] == 0 {
			continue
		}
		if err != nil || !isWhole(r) || r.Version < acknowledged[id] || r.Version > acknowledged[id]+1 {
			t.Errorf("Load of %s: got version %d and %v, want version %d or the next", id, r.Version, err, acknowledged[id])
		}
	}
}
