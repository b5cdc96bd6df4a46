package oauthflow_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

func TestAnObserverThatEndsItsGoroutineIsToldOfWhatFollows(t *testing.T) {
	w := rotating(t)
	var events atomic.Int32
	m := w.manager(func(c *oauthflow.ManagerConfig) {
		c.Observe = func(oauthflow.Event) {
			if events.Add(1) == 1 {
				runtime.Goexit()
			}
		}
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
