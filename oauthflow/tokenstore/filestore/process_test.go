//go:build linux || darwin

package filestore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestFourProcessesThatCountLoseNothing(t *testing.T) {
	const processes, each = 4, 75
	dir := filepath.Join(t.TempDir(), "store")
	s := open(t, dir)
	must(t, s.Save(t.Context(), recordAt("counter", 0)))
	var running []func() error
	for range processes {
		var out strings.Builder
		cmd := worker("count", dir, "75")
		cmd.Stdout, cmd.Stderr = &out, &out
		must(t, cmd.Start())
		running = append(running, func() error {
			if err := cmd.Wait(); err != nil {
				return errors.New(err.Error() + ": " + out.String())
			}
			return nil
		})
	}
	for _, wait := range running {
		must(t, wait())
	}
	r, err := s.Load(t.Context(), "counter")
	if must(t, err); r.Version != 1+processes*each {
		t.Errorf("got version %d, want %d", r.Version, 1+processes*each)
	}
}

// holdLock locks a file as another process that changes the record.
func holdLock(t *testing.T, path string) (release func()) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	must(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	return func() { must(t, f.Close()) }
}

func TestWhoWaitsForALockLeavesWithItsContextAndChangesNothing(t *testing.T) {
	sc := newScene(t)
	release := holdLock(t, sc.lock)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		start := time.Now()
		if err := sc.store.Save(ctx, recordAt(victim, 1)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Save: got %v, want an error wrapping context.DeadlineExceeded", err)
		}
		if err := sc.store.Delete(ctx, victim, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Delete: got %v, want an error wrapping context.DeadlineExceeded", err)
		}
		if spent := time.Since(start); needs.Late(spent, time.Second) {
			t.Errorf("they left after %v", spent)
		}
		cancel()
	}
	if r, err := sc.store.Load(t.Context(), victim); err != nil || r.Version != 1 {
		t.Errorf("Load beside the lock: got %v and %v", r, err)
	}
	release()
	must(t, sc.store.Save(t.Context(), recordAt(victim, 1))) // would be a conflict if one of them had gone on
}

func TestALockFileThatIsRemovedWhileSomebodyWaitsExcludesNobodyAnyMore(t *testing.T) {
	sc := newScene(t)
	releaseOld := holdLock(t, sc.lock)
	saved := make(chan error, 1)
	go func() { saved <- sc.store.Save(t.Context(), recordAt(victim, 1)) }()
	time.Sleep(50 * time.Millisecond) // now it waits
	must(t, replaced(sc.lock, func(p string) error { return os.WriteFile(p, nil, 0o600) }))
	releaseNew := holdLock(t, sc.lock)
	releaseOld()
	select {
	case err := <-saved:
		t.Errorf("Save returned %v with the lock of a file that is gone, beside the holder of the new one", err)
	case <-time.After(100 * time.Millisecond):
	}
	releaseNew()
	must(t, <-saved)
}

func TestALockEndsWithTheProcessThatHeldIt(t *testing.T) {
	sc := newScene(t)
	cmd := worker("saves", sc.dir)
	must(t, cmd.Start())
	time.Sleep(200 * time.Millisecond)
	must(t, cmd.Process.Kill())
	_ = cmd.Wait() // says that it was killed
	for i := range 4 {
		id := "record-" + string(rune('0'+i))
		r, err := sc.store.Load(t.Context(), id)
		if errors.Is(err, tokenstore.ErrNotFound) {
			r, err = recordAt(id, 0), nil
		}
		must(t, err)
		must(t, sc.store.Save(t.Context(), recordAt(id, r.Version)))
	}
}

func TestOpenRemovesWhatKilledWritersLeftAndNothingOfLivingOnes(t *testing.T) {
	sc := newScene(t)
	dead := strings.TrimSuffix(sc.lock, "lock") + "tmp"
	must(t, os.WriteFile(dead, []byte("half a rec"), 0o600))
	release := holdLock(t, sc.lock)
	open(t, sc.dir)
	if _, err := os.Lstat(dead); err != nil {
		t.Errorf("the file of a writer that still holds the lock: %v", err)
	}
	release()
	open(t, sc.dir)
	if _, err := os.Lstat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a writer that is gone: got %v, want it removed", err)
	}
}

func TestAfterCloseNothingWorks(t *testing.T) {
	sc := newScene(t)
	s := open(t, sc.dir)
	must(t, s.Close())
	must(t, s.Close())
	if _, err := s.Load(t.Context(), victim); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Load: got %v, want an error wrapping os.ErrClosed", err)
	}
	if err := s.Save(t.Context(), recordAt(victim, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Save: got %v, want an error wrapping os.ErrClosed", err)
	}
	if err := onlyError(t, s); !errors.Is(err, os.ErrClosed) {
		t.Errorf("List: got %v, want an error wrapping os.ErrClosed", err)
	}
}

func TestADirectoryThatWasRemovedIsNoStoreWithoutRecords(t *testing.T) {
	sc := newScene(t)
	must(t, os.RemoveAll(sc.dir))
	if _, err := sc.store.Load(t.Context(), victim); err == nil || errors.Is(err, tokenstore.ErrNotFound) {
		t.Errorf("Load: got %v, want another error than ErrNotFound", err)
	}
	if err := sc.store.Save(t.Context(), recordAt(victim, 1)); err == nil || errors.Is(err, tokenstore.ErrConflict) {
		t.Errorf("Save: got %v, want another error than ErrConflict", err)
	}
	if err := onlyError(t, sc.store); err == nil {
		t.Error("List: got no error")
	}
}

func onlyError(t *testing.T, s tokenstore.Store) (end error) {
	for r, err := range s.List(t.Context(), "", time.Now()) {
		if end = err; err == nil {
			t.Errorf("got %s", r.ID)
		}
	}
	return end
}
