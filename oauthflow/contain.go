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
