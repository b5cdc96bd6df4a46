package oauthflow_test

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// A connection is removed and made again, so that its record's versions begin again. Then the store holds a record of the former
// life, under a version that it has now.
func TestARecordOfAConnectionsFormerLifeIsAskedAboutBeforeItIsUsed(t *testing.T) {
	for name, later := range map[string]struct {
		by       func(p, q *oauthflow.Manager) *oauthflow.Manager // who makes the connection again
		renewals int                                              // of the later life
		former   func(all []tokenstore.Record) tokenstore.Record
	}{
		"this process has connected it":                   {func(p, _ *oauthflow.Manager) *oauthflow.Manager { return p }, 0, earliest},
		"this process has connected and refreshed it":     {func(p, _ *oauthflow.Manager) *oauthflow.Manager { return p }, 3, earliest},
		"another process has connected it":                {func(_, q *oauthflow.Manager) *oauthflow.Manager { return q }, 0, latest},
		"another process has connected and refreshed it":  {func(_, q *oauthflow.Manager) *oauthflow.Manager { return q }, 3, earliest},
		"another process has, and the record is the last": {func(_, q *oauthflow.Manager) *oauthflow.Manager { return q }, 8, latest},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
				p, q := w.manager(), w.manager()
				w.connect(p, mainKey)
				var former []tokenstore.Record
				former = append(former, w.record(mainKey))
				for range 3 {
					if err := p.Renew(t.Context(), mainKey); err != nil {
						t.Fatal(err)
					}
					former = append(former, w.record(mainKey))
				}
				s := p.Source(mainKey) // somebody holds it
				was := w.token(s)
				if err := later.by(p, q).Disconnect(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				w.delete(mainRecord)
				time.Sleep(time.Minute)
				w.connect(later.by(p, q), mainKey)
				for range later.renewals {
					if err := later.by(p, q).Renew(t.Context(), mainKey); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(2 * time.Minute)
				if now := w.token(s); now == was || !w.alive(now) {
					t.Fatal("the process has not seen the later life")
				}
				time.Sleep(2 * time.Minute)
				old := later.former(former)
				w.putBack(old)
				seen := len(w.org.Ledger())
				if tok, err := s.TokenContext(t.Context()); err == nil && !w.alive(tok.AccessToken) {
					t.Error("a token of the former life is handed out")
				}
				w.org.ExpireSessions()
				ctx, cancel := withTimeout(t, 20*time.Minute)
				defer cancel()
				if tok, err := s.TokenContext(ctx); err == nil {
					_, err = s.Replace(ctx, tok.AccessToken)
					t.Logf("then %v", err)
				}
				if n := w.beforeIntrospection(seen); n != 0 {
					t.Errorf("%d refresh tokens were sent before the org was asked about them", n)
				}
				w.wantEvents("refresh", "reuse", 0)
				runtime.KeepAlive(s)
			})
		})
	}
}

func TestAFormerLifeThatAProcessHasNotSeenIsTakenForANewLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
		q := w.manager()
		w.connect(q, mainKey)
		for range 3 {
			if err := q.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
		}
		former := w.record(mainKey)
		if err := q.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		w.delete(mainRecord)
		w.connect(q, mainKey)
		p := w.manager()
		dead := w.token(p.Source(mainKey))
		w.putBack(former)
		time.Sleep(2 * time.Minute)
		seen := len(w.org.Ledger())
		tok, err := p.Source(mainKey).TokenContext(t.Context())
		if err != nil || tok.AccessToken == dead || w.alive(tok.AccessToken) {
			t.Fatalf("%v: what stood there is noticed now: say so in SECURITY.md", err)
		}
		_, _ = p.Source(mainKey).Replace(t.Context(), tok.AccessToken)
		if w.beforeIntrospection(seen) == 0 {
			t.Error("the org is asked first now: say so in SECURITY.md")
		}
	})
}

func earliest(all []tokenstore.Record) tokenstore.Record { return all[0] }
func latest(all []tokenstore.Record) tokenstore.Record   { return all[len(all)-1] }

// putBack makes an earlier record the store's, whatever it holds.
func (w *world) putBack(r tokenstore.Record) {
	w.t.Helper()
	w.delete(r.ID)
	for version := range r.Version {
		next := r
		next.Version = version
		if err := w.store.Save(w.t.Context(), next); err != nil {
			w.t.Fatal(err)
		}
	}
}

// delete removes a record, as the keep-alive does with that of a connection that ended long ago.
func (w *world) delete(id string) {
	w.t.Helper()
	now, err := w.store.Load(w.t.Context(), id)
	if err == nil {
		err = w.store.Delete(w.t.Context(), id, now.Version)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
