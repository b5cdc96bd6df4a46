package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestF44TheDiskItselfFailsBetweenAnswerAndSave(t *testing.T) {
	each := size(10, 200)
	for _, kind := range []struct {
		name       string
		spoil, fix func(disk string) error
	}{
		{"a full disk", func(disk string) error {
			_ = os.WriteFile(filepath.Join(disk, "filler"), make([]byte, 2<<20), 0o600) // as far as it goes
			return nil
		}, func(disk string) error { return os.Remove(filepath.Join(disk, "filler")) }},
		{"a disk that is mounted read-only", remount("ro"), remount("rw")},
	} {
		r := drill(t, 44, fmt.Sprintf("%s, from the answer on for up to 0.3 s, %d refreshes", kind.name, each), "0 lost, 0 replays, 1 request each: the result waits for the disk")
		disk := mount(t, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
		s := newSceneAt(t, place{On: files, Name: filepath.Join(disk, "store")}, each, orgtest.Config{})
		s.org.ExpireSessions()
		mark := s.mark()
		var spoiled, late atomic.Int32
		base := s.server.Transport()
		store := &counting{Store: s.open()}
		m := s.manager(store, s.over(roundTrip(func(req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			if err == nil && req.URL.Path == tokenPath {
				must(t, kind.spoil(disk))
				spoiled.Add(1)
				time.AfterFunc(time.Duration(50+rand.IntN(250))*time.Millisecond, func() {
					for kind.fix(disk) != nil { // busy
						time.Sleep(time.Millisecond)
						late.Add(1)
					}
				})
			}
			return resp, err
		})))
		good := 0
		for _, k := range s.conns {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if err := use(ctx, m, s, k); err == nil {
				good++
			}
			cancel()
		}
		base.CloseIdleConnections()
		a := s.since(mark)
		healthy, bad := s.healthy(20 * time.Second)
		r.must(good == each && healthy == each && a.replays == 0 && a.posts == each, "%d served, %d lost (%v), %d replays, %d requests", good, each-healthy, bad, a.replays, a.posts)
		r.must(int(spoiled.Load()) == each && int(store.failed.Load()) >= each, "the disk failed %d times, and %d saves with it", spoiled.Load(), store.failed.Load())
		r.saw("%d saves failed, %d lost, %d replays, %d requests for %d connections", store.failed.Load(), each-healthy, a.replays, a.posts, each)
	}
}

func remount(how string) func(disk string) error {
	return func(disk string) error { return exec.Command("mount", "-o", "remount,"+how, disk).Run() }
}

// counting counts the saves that fail.
type counting struct {
	tokenstore.Store
	failed atomic.Int32
}

func (c *counting) Save(ctx context.Context, r tokenstore.Record) error {
	err := c.Store.Save(ctx, r)
	if err != nil {
		c.failed.Add(1)
	}
	return err
}

func TestF44EveryThirdFsyncFails(t *testing.T) {
	each := size(10, 200)
	r := drill(t, 44, fmt.Sprintf("every third fsync fails with EIO, of files and of their directory, %d refreshes", each), "0 lost, 0 replays, 1 request each")
	if err := exec.Command(needs.Program(t, "strace"), "-qq", "-o", os.DevNull, "-e", "inject=fsync:error=EIO:when=3+3", "true").Run(); err != nil {
		needs.Missing(t, "no strace that may trace and inject: %v", err)
	}
	s := newSceneOn(t, files, each, orgtest.Config{})
	s.org.ExpireSessions()
	mark := s.mark()
	w := s.worker(func(sc *script) {
		sc.Under = []string{"strace", "-f", "-qq", "-o", filepath.Join(t.TempDir(), "log"), "-e", "trace=fsync", "-e", "inject=fsync:error=EIO:when=3+3"}
	})
	served := 0
	for _, i := range s.indices() { // an intent that cannot be saved is an error, and nothing is sent
		for range 50 {
			if reply, _ := w.do(order{Op: "call", Conns: []int{i}, Each: 1, Within: 30 * time.Second}); reply.Outcomes["ok"] == 1 {
				served++
				break
			}
		}
	}
	last, _ := w.do(order{Op: "call", Conns: []int{0}, Each: 1})
	w.kill()
	a := s.since(mark)
	good, bad := s.healthy(20 * time.Second)
	r.must(served == each && good == each && a.replays == 0 && a.posts == each, "%d served, %d lost (%v), %d replays, %d requests", served, each-good, bad, a.replays, a.posts)
	r.must(last.Failed >= each, "only %d saves failed", last.Failed)
	r.saw("%d saves failed, %d lost, %d replays, %d requests for %d connections", last.Failed, each-good, a.replays, a.posts, each)
}
