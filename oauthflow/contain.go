package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// contain turns a panic of somebody else's code (transport, store) into an error.
func (m *Manager) contain(err *error) {
	r := recover()
	if r == nil {
		return
	}
	m.logPanic(r)
	if err != nil {
		*err = &Error{Op: opRefresh, Kind: KindStore, Err: fmt.Errorf("a transport or store panicked (%T)", r)}
	}
}

func (m *Manager) logPanic(r any) {
	m.logf(slog.LevelError, "code that was called panicked", "type", fmt.Sprintf("%T", r), "stack", string(debug.Stack()))
}

// logf hands a line to the goroutine that delivers events: a logger is somebody else's code, which may be slow or panic.
// Lines that find 256 others waiting are dropped.
func (m *Manager) logf(level slog.Level, msg string, args ...any) {
	select {
	case m.lines <- line{level, msg, args}:
	default:
	}
}

type line struct {
	level slog.Level
	msg   string
	args  []any
}

func (m *Manager) logOne(l line) {
	defer m.handed.Add(1)
	defer func() { _ = recover() }()
	m.log.Log(context.Background(), l.level, l.msg, l.args...)
}

// guardedStore contains the panics of a store, so that a result that must be stored is tried again, and bounds its calls,
// so that one that hangs holds up neither a refresh nor the keep-alive.
type guardedStore struct{ Store }

func (s guardedStore) Load(ctx context.Context, id string) (r Record, err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.Store.Load(ctx, id)
}

func (s guardedStore) Save(ctx context.Context, r Record) (err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.Store.Save(ctx, r)
}

func (s guardedStore) Delete(ctx context.Context, id string, version uint64) (err error) {
	defer recovered(&err)
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	return s.Store.Delete(ctx, id, version)
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the store panicked (%T)", r)
	}
}

var errStopped = errors.New("the goroutine was ended by the code that it called")

// sleep waits for d or until ctx is done, and reports whether the time has passed.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
