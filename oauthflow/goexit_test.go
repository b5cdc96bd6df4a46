package oauthflow_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// exiting is a handler that ends the goroutine which calls it, once.
type exiting struct {
	slog.Handler
	lines *atomic.Int32
}

func (exiting) Enabled(context.Context, slog.Level) bool { return true }

func (e exiting) Handle(context.Context, slog.Record) error {
	if e.lines.Add(1) == 1 {
		runtime.Goexit()
	}
	return nil
}

func TestAnObserverOrLoggerThatEndsItsGoroutineIsToldOfWhatFollows(t *testing.T) {
	w := rotating(t)
	var events, lines atomic.Int32
	m := w.manager(func(c *oauthflow.ManagerConfig) {
		c.Observe = func(oauthflow.Event) {
			if events.Add(1) == 1 {
				runtime.Goexit()
			}
		}
		c.Logger = slog.New(exiting{slog.DiscardHandler, &lines})
	})
	w.connect(m, mainKey)
	access := w.token(m.Source(mainKey))
	if _, err := m.Source(mainKey).Replace(t.Context(), access); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if events.Load() < 2 {
		t.Errorf("%d events are told of", events.Load())
	}
}
