package oauthflow_test

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// inventing lists one record more than the store has.
type inventing struct {
	tokenstore.Store
	id string
}

func (s inventing) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		yield(tokenstore.Record{ID: s.id, Version: 1, Data: []byte("x"), Due: time.Unix(1, 0)}, nil)
	}
}

// lockedBuffer is written by the manager's goroutine and read by the test.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func TestAnIDThatAStoreInventsReachesTheLogQuotedAndShort(t *testing.T) {
	for _, prefix := range []string{"", "zzz/"} {
		w := rotating(t)
		var out lockedBuffer
		id := prefix + "zzz\u202e\u200b\u0430" + strings.Repeat("x", 1<<20)
		m := w.manager(func(cfg *oauthflow.ManagerConfig) {
			cfg.Store = inventing{w.store, id}
			cfg.Logger = slog.New(slog.NewTextHandler(&out, nil))
		})
		for range m.List(t.Context(), "") {
		}
		if err := m.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		out.mu.Lock()
		text := out.b.String()
		out.mu.Unlock()
		if !strings.Contains(text, "foreign") {
			t.Fatalf("nothing is logged: %.300q", text)
		}
		if len(text) > 4000 || strings.ContainsAny(text, "\u202e\u200b\u0430") {
			t.Errorf("%d bytes are logged, with %.200q", len(text), text)
		}
	}
}

func TestAnIDThatAStoreInventsReachesAnErrorQuotedAndShort(t *testing.T) {
	w := rotating(t)
	m := w.manager(func(cfg *oauthflow.ManagerConfig) {
		cfg.Store = inventing{w.store, "connection/acme/\u202e\u0430" + strings.Repeat("\x00", 1<<20)}
	})
	told := 0
	for _, err := range m.List(t.Context(), "") {
		if err == nil {
			continue
		}
		told++
		if text := err.Error(); len(text) > 4000 || strings.ContainsAny(text, "\u202e\u0430") {
			t.Errorf("an error of %d bytes, with %.200q", len(text), text)
		}
	}
	if told == 0 {
		t.Error("no error")
	}
}
