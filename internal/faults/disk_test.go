package faults

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func recordID(k oauthflow.Key) string { return "connection/" + k.Tenant + "/" + k.Name }

// traced has strace run the worker: it watches the files of one connection, and does what is injected.
func (s *scene) traced(conn int, log, injection string) func(*script) {
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(recordID(key(conn)))))
	line := []string{"strace", "-f", "-qq", "-o", log}
	for _, file := range []string{"", name + ".rec", name[:2] + ".lock", name[:2] + ".tmp"} {
		line = append(line, "-P", filepath.Join(s.place.Name, file))
	}
	if injection != "" {
		line = append(line, "-e", "inject="+injection)
	}
	return func(sc *script) { sc.Under, sc.Quiet = line, true }
}

func TestF18KilledAtEachSystemCallOfARefresh(t *testing.T) {
	which := []string{"chosen by chance among all", "of all, one by one"}[size(0, 1)]
	r := drill(t, 18, "kill -9 at system calls on the files of a connection that is being refreshed, "+which,
		"≥ 24 crash points, every record whole, what was acknowledged is there, 0 replays, lost only what the org had answered")
	if err := exec.Command(needs.Program(t, "strace"), "-qq", "-o", os.DevNull, "-e", "inject=close:delay_exit=1", "true").Run(); err != nil {
		needs.Missing(t, "no strace that may trace and inject: %v", err)
	}
	s := newSceneOn(t, files, 1, orgtest.Config{}).hasty()
	log := filepath.Join(t.TempDir(), "log")
	refresh := func(conn int, log, injection string) (acknowledged bool) {
		w, err := s.spawn(s.traced(conn, log, injection))
		if err != nil {
			return false // it did not get that far
		}
		defer w.kill()
		reply, alive := w.do(order{Op: "call", Conns: []int{conn}, Each: 1, Within: 20 * time.Second})
		return alive && reply.Outcomes["ok"] == 1
	}
	s.org.ExpireSessions()
	if !refresh(0, log, "") {
		t.Fatal("no refresh under strace")
	}
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var injections []string
	times := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\d+ +(\w+)\(`).FindAllStringSubmatch(string(calls), -1) {
		// strace counts by thread and Go changes threads, so that not every number comes up.
		times[m[1]]++
		injections = append(injections, fmt.Sprintf("%s:signal=KILL:when=%d", m[1], times[m[1]]))
	}
	rand.Shuffle(len(injections), func(i, j int) { injections[i], injections[j] = injections[j], injections[i] })
	injections = injections[:min(size(60, len(injections)), len(injections))]
	s.connect(len(injections))
	s.org.ExpireSessions()
	mark := s.mark()
	judge := s.manager(s.open())
	var mu sync.Mutex
	var all sync.WaitGroup
	killed, torn, forgotten, lost := 0, 0, 0, 0
	slots := make(chan struct{}, 6)
	logs := t.TempDir()
	for i, injection := range injections {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			acknowledged := refresh(i+1, filepath.Join(logs, fmt.Sprint(i)), injection)
			k := s.conns[i+1]
			_, loaded := judge.Load(t.Context(), k)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			served := use(ctx, judge, s, k)
			mu.Lock()
			defer mu.Unlock()
			if !acknowledged {
				killed++
			}
			if loaded != nil {
				torn++
			}
			switch o := outcome(served); {
			case served == nil:
			case acknowledged:
				forgotten++
			case o == "left" || o == string(oauthflow.KindBusy):
				lost++
			default:
				t.Errorf("%s: %v", injection, served)
			}
		})
	}
	all.Wait()
	a := s.since(mark)
	n := len(injections)
	r.must(killed >= 24 && torn == 0 && forgotten == 0, "%d crash points, %d torn, %d forgotten", killed, torn, forgotten)
	// Each connection is refreshed once: by who was killed, or by who came after him. Else a token would be sent twice.
	r.must(a.replays == 0 && a.posts == n && a.rotations == n, "%d replays, %d requests and %d rotations for %d connections", a.replays, a.posts, a.rotations, n)
	r.must(lost < killed/2, "%d lost of %d", lost, killed)
	r.saw("%d crash points of %d calls, %d torn, %d forgotten, %d replays, %d caught after the org's answer", killed, n, torn, forgotten, a.replays, lost)
}

// mount mounts a file system until the end of the test.
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

func TestF19ThePowerIsCut(t *testing.T) {
	cuts := size(10, 100)
	r := drill(t, 19, fmt.Sprintf("power cut at %d random instants of refreshes on ext4, and as many with commit=1", cuts),
		"0 acknowledged saves lost, 0 torn")
	saves, tried, lost, torn := 0, 0, 0, 0
	for _, options := range []string{"loop", "loop,commit=1"} {
		image := filepath.Join(t.TempDir(), "image")
		err := os.WriteFile(image, nil, 0o600)
		if err == nil {
			err = os.Truncate(image, 24<<20)
		}
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(needs.Program(t, "mkfs.ext4", "/sbin/mkfs.ext4"), "-q", "-F", image).CombinedOutput(); err != nil {
			t.Fatalf("mkfs.ext4: %v %s", err, out)
		}
		s := newSceneAt(t, place{On: files, Name: filepath.Join(mount(t, "-o", options, image), "store")}, 10, orgtest.Config{}).hasty()
		acks := filepath.Join(t.TempDir(), "acknowledged") // on another disk
		w := s.worker(func(sc *script) { sc.Acks = acks })
		w.do(order{Op: "hammer", Conns: s.indices(), Each: 16, Within: 20 * time.Second})
		stop := s.expireEvery(30 * time.Millisecond)
		for cut := range cuts {
			time.Sleep(20*time.Millisecond + time.Duration(rand.Int64N(int64(40*time.Millisecond))))
			w.pause()
			acknowledged := s.acknowledged(acks)
			copied := fmt.Sprintf("%s.%d", image, cut)
			// What is in the copy is what the disk had got.
			if out, err := exec.Command("cp", "--sparse=always", image, copied).CombinedOutput(); err != nil {
				t.Fatalf("cp: %s", out)
			}
			w.signal(syscall.SIGCONT)
			tried++
			forgotten, spoiled := s.after(copied, acknowledged)
			lost, torn = lost+forgotten, torn+spoiled
			if err := os.Remove(copied); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		for _, v := range s.acknowledged(acks) {
			saves += int(v) - 1
		}
		w.do(order{Op: "halt"})
		a := s.since(0)
		r.must(a.replays == 0, "%d replays", a.replays)
		w.kill()
	}
	r.must(lost == 0 && torn == 0 && tried == 2*cuts, "%d cuts, %d acknowledged saves lost, %d torn", tried, lost, torn)
	r.must(saves > 10*cuts, "only %d saves", saves)
	r.saw("%d cuts during %d saves: %d lost, %d torn", tried, saves, lost, torn)
}

// acknowledged returns the last acknowledged version of each record.
func (s *scene) acknowledged(acks string) map[string]uint64 {
	s.t.Helper()
	b, err := os.ReadFile(acks)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.t.Fatal(err)
	}
	last := map[string]uint64{}
	for line := range strings.Lines(string(b)) {
		var id string
		var version uint64
		if _, err := fmt.Sscanln(line, &id, &version); err != nil {
			s.t.Fatalf("a worker has noted %q", line)
		}
		last[id] = version
	}
	return last
}

// after looks at what a power cut has left on a disk.
func (s *scene) after(image string, acknowledged map[string]uint64) (lost, torn int) {
	s.t.Helper()
	disk := mount(s.t, "-o", "loop", image)
	defer unmount(s.t, disk)
	store, done, err := place{On: files, Name: filepath.Join(disk, "store")}.open(context.Background(), 1)
	if err != nil {
		s.t.Error(err)
		return len(s.conns), 0
	}
	defer done.Close()
	m := s.manager(store)
	for _, k := range s.conns {
		r, err := store.Load(s.t.Context(), recordID(k))
		if err != nil || r.Version < acknowledged[recordID(k)] {
			lost++
		}
		if _, err := m.Load(s.t.Context(), k); err != nil { // the seal is bound to the version
			torn++
		}
	}
	return lost, torn
}

// pause stops a process and waits until none of its threads runs.
func (w *worker) pause() {
	w.signal(syscall.SIGSTOP)
	for running := true; running; time.Sleep(time.Millisecond) {
		running = false
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", w.command.Process.Pid))
		for _, stat := range stats {
			b, _ := os.ReadFile(stat)
			_, state, _ := strings.Cut(string(b), ") ")
			running = running || state != "" && !strings.HasPrefix(state, "T")
		}
	}
}
