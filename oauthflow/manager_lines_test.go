package oauthflow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// stuckLog keeps the lines of a logger that takes none until it is let go.
type stuckLog struct {
	hold chan struct{}
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *stuckLog) Write(p []byte) (int, error) {
	<-l.hold
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// naming returns how many lines hold a text.
func (l *stuckLog) naming(t *testing.T, text string) int {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for line := range bytes.Lines(l.text.Bytes()) {
		if !json.Valid(line) {
			t.Errorf("no line of JSON: %s", line)
		}
		if bytes.Contains(line, []byte(text)) {
			n++
		}
	}
	return n
}

func TestLinesOfOneTenantPushNoAlertOfAnotherOutOfTheLog(t *testing.T) {
	const many = 2000
	for name, flood := range map[string]func(w *world, v foreigner){
		"its alerts": func(w *world, _ foreigner) {
			for i := range many {
				r := tokenstore.Record{ID: fmt.Sprintf("connection/%s/c%d", rival, i), Due: time.Now(), Data: []byte("sealed elsewhere")}
				if err := w.store.Save(w.t.Context(), r); err != nil {
					w.t.Fatal(err)
				}
			}
		},
		"its routine lines": func(w *world, v foreigner) {
			v.copied(w.store, mainRecord, many, time.Now(), func(_ int, fields map[string]any) { fields["Refresh"] = "of-the-rival-0815" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				v := w.unlocked()
				w.connect(w.manager(silent), mainKey)
				flood(w, v)
				log := &stuckLog{hold: make(chan struct{})}
				m := w.manager(silent, func(c *oauthflow.ManagerConfig) {
					c.Logger = slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				})
				w.keptAlive(5*time.Minute, m)
				if err := w.store.Save(t.Context(), tokenstore.Record{ID: "connection/acme/other", Due: time.Now(), Data: []byte("sealed elsewhere")}); err != nil {
					t.Fatal(err)
				}
				w.keptAlive(5*time.Minute, m)
				close(log.hold)
				synctest.Wait()
				if n := log.naming(t, `"record":"connection/acme/other"`); n != 1 {
					t.Errorf("acme's foreign record has %d lines, want one", n)
				}
				if n := log.naming(t, rival); n < 100 || n > 1000 {
					t.Errorf("the rival's trouble has %d lines, want a part of them", n)
				}
			})
		})
	}
}
