package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// eventLog keeps what an observer was told.
type eventLog struct {
	mu   sync.Mutex
	told []oauthflow.Event
}

func newEventLog() *eventLog { return &eventLog{} }

// observe sets the log up as a manager's observer.
func (l *eventLog) observe(c *oauthflow.ManagerConfig) {
	c.Observe = func(e oauthflow.Event) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.told = append(l.told, e)
	}
}

func (l *eventLog) count(t oauthflow.EventType) int {
	n := 0
	for _, e := range l.all() {
		if e.Type == t {
			n++
		}
	}
	return n
}

func (l *eventLog) all() []oauthflow.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.told)
}

// eventCase is one cause and all events that it has, in order.
type eventCase struct {
	name  string
	cause func(t *testing.T, w *world, m *oauthflow.Manager)
	want  []oauthflow.EventType
}

func TestEachEventHasItsCauseAndIsToldOnce(t *testing.T) {
	renewed := func(t *testing.T, w *world, m *oauthflow.Manager) {
		if err := m.Renew(t.Context(), mainKey); err != nil {
			t.Error(err)
		}
	}
	fails := func(t *testing.T, m *oauthflow.Manager, kind oauthflow.ErrorKind) {
		if err := m.Renew(t.Context(), mainKey); kindOf(err) != kind {
			t.Errorf("got %v, want %q", err, kind)
		}
	}
	inject := func(t *testing.T, w *world, f orgtest.Fault) {
		if err := w.org.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	refusal := func(code, description string) orgtest.Fault {
		return orgtest.Fault{Path: tokenEndpoint, Status: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json"}},
			Body: fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description)}
	}
	for _, tt := range []eventCase{
		{"a login", func(t *testing.T, w *world, m *oauthflow.Manager) { w.connect(m, mainKey) }, []oauthflow.EventType{oauthflow.EventConnected}},
		{"a login that never comes back, swept by two", func(t *testing.T, w *world, m *oauthflow.Manager) {
			w.begin(m, targetKey)
			time.Sleep(16 * time.Minute)
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := m.KeepAlive(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			}
		}, []oauthflow.EventType{oauthflow.EventAbandoned}},
		{"an adoption, repeated", func(t *testing.T, w *world, m *oauthflow.Manager) {
			token := w.inherited()
			for range 3 {
				if _, err := m.Adopt(t.Context(), targetKey, w.client(), token); err != nil {
					t.Error(err)
				}
			}
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventConnected}},
		{"an adoption that fails half-way, repeated", func(t *testing.T, w *world, m *oauthflow.Manager) {
			token := w.inherited()
			inject(t, w, refusal("invalid_app_access", "this app is blocked by admin"))
			_, err := m.Adopt(t.Context(), targetKey, w.client(), token)
			wantKind(t, err, oauthflow.KindUserPolicy)
			time.Sleep(time.Hour)
			for range 3 {
				if _, err := m.Adopt(t.Context(), targetKey, w.client(), token); err != nil {
					t.Error(err)
				}
			}
		}, []oauthflow.EventType{oauthflow.EventSuspended, oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventRepaired, oauthflow.EventConnected}},
		{"an adoption that is repeated after it was proved by a caller", func(t *testing.T, w *world, m *oauthflow.Manager) {
			token := w.inherited()
			inject(t, w, orgtest.Fault{Path: tokenEndpoint, Status: http.StatusTooManyRequests, Body: busyWords})
			_, err := m.Adopt(t.Context(), targetKey, w.client(), token)
			wantKind(t, err, oauthflow.KindBusy)
			time.Sleep(time.Hour)
			if _, err := m.Source(targetKey).TokenContext(t.Context()); err != nil {
				t.Error(err)
			}
			for range 3 {
				if _, err := m.Adopt(t.Context(), targetKey, w.client(), token); err != nil {
					t.Error(err)
				}
			}
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventConnected}},
		{"a refresh that rotates", renewed, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated}},
		{"a refresh that was never acted on", func(t *testing.T, w *world, m *oauthflow.Manager) {
			inject(t, w, orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore})
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventInDoubt, oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventRepaired}},
		{"a refresh whose answer is lost", func(t *testing.T, w *world, m *oauthflow.Manager) {
			dead := w.token(m.Source(mainKey))
			w.org.ExpireSessions()
			inject(t, w, orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropAfter})
			_, err := m.Source(mainKey).Replace(t.Context(), dead)
			wantKind(t, err, oauthflow.KindGrantDead)
		}, []oauthflow.EventType{oauthflow.EventInDoubt, oauthflow.EventBroken}},
		{"an admin's switch, there and back", func(t *testing.T, w *world, m *oauthflow.Manager) {
			blocked := refusal("invalid_app_access", "this app is blocked by admin")
			blocked.Times = 2
			inject(t, w, blocked)
			for began := time.Now(); ; time.Sleep(time.Second) {
				if err := m.Renew(t.Context(), mainKey); err == nil {
					return
				}
				if time.Since(began) > time.Hour {
					t.Fatal("it does not heal")
				}
			}
		}, []oauthflow.EventType{oauthflow.EventSuspended, oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventRepaired}},
		{"a grant that dies of another's hand", func(t *testing.T, w *world, m *oauthflow.Manager) {
			renewed(t, w, m)
			if err := w.org.RevokeAll(appName); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				fails(t, m, oauthflow.KindGrantDead)
			}
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventReplay, oauthflow.EventBroken}},
		{"a new secret that works", func(t *testing.T, w *world, m *oauthflow.Manager) {
			next := w.client()
			next.Kind = oauthflow.ConnectedAppKind
			if err := m.SetClient(t.Context(), mainKey, next); err != nil {
				t.Fatal(err)
			}
			renewed(t, w, m)
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventClient, oauthflow.EventRefreshed, oauthflow.EventRotated}},
		{"a secret that is refused, and another that works", func(t *testing.T, w *world, m *oauthflow.Manager) {
			inject(t, w, refusal("invalid_client", "invalid client credentials"))
			fails(t, m, oauthflow.KindClient)
			next := w.client()
			next.Kind = oauthflow.ConnectedAppKind
			if err := m.SetClient(t.Context(), mainKey, next); err != nil {
				t.Fatal(err)
			}
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventBroken, oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventClient, oauthflow.EventRepaired}},
		{"a move, repeated", func(t *testing.T, w *world, m *oauthflow.Manager) {
			for range 3 {
				if err := m.Move(t.Context(), mainKey, targetKey); err != nil {
					t.Error(err)
				}
			}
		}, []oauthflow.EventType{oauthflow.EventMoved}},
		{"an answer for another org", func(t *testing.T, w *world, m *oauthflow.Manager) {
			w.wire.tap(nil, replaceIn(w.org.ID()[:15], "00DTEST00000099"))
			for range 2 {
				if err := m.Renew(t.Context(), mainKey); err == nil {
					t.Error("it succeeded")
				}
			}
		}, []oauthflow.EventType{oauthflow.EventOrgChanged}},
		{"records resealed", func(t *testing.T, w *world, m *oauthflow.Manager) {
			if err := m.Reseal(t.Context(), nil); err != nil {
				t.Error(err)
			}
		}, []oauthflow.EventType{oauthflow.EventResealed}},
		{"a disconnection that needs two tries", func(t *testing.T, w *world, m *oauthflow.Manager) {
			inject(t, w, orgtest.Fault{Path: revokeEndpoint, Status: http.StatusInternalServerError})
			if err := m.Disconnect(t.Context(), mainKey); err == nil {
				t.Error("it succeeded")
			}
			for range 2 {
				if err := m.Disconnect(t.Context(), mainKey); err != nil {
					t.Error(err)
				}
			}
		}, []oauthflow.EventType{oauthflow.EventRevoked}},
		{"another instance", func(t *testing.T, w *world, m *oauthflow.Manager) {
			if err := w.org.RenameMyDomain("renamed"); err != nil {
				t.Fatal(err)
			}
			renewed(t, w, m)
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventInstance, oauthflow.EventRefreshed, oauthflow.EventRotated}},
		{"a signature of another secret", func(t *testing.T, w *world, m *oauthflow.Manager) {
			w.wire.tap(nil, replaceIn(`"signature":"`, `"signature":"AAAA`))
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventSignature}},
		{"a store that is down", func(t *testing.T, w *world, m *oauthflow.Manager) {
			w.store.(*hooked).onLoad(func(string) error { return errStoreDown })
			fails(t, m, oauthflow.KindStore)
		}, nil},
		{"a refresh that meets another one", func(t *testing.T, w *world, m *oauthflow.Manager) {
			busy := refusal("invalid_grant", "token request is already being processed")
			busy.Times = 2
			inject(t, w, busy)
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated}},
		{"a host that is busy for a while", func(t *testing.T, w *world, m *oauthflow.Manager) {
			inject(t, w, orgtest.Fault{Path: tokenEndpoint, Status: http.StatusTooManyRequests, Body: busyWords, Times: 3})
			for range 3 {
				fails(t, m, oauthflow.KindBusy)
				time.Sleep(time.Hour)
			}
			renewed(t, w, m)
		}, []oauthflow.EventType{oauthflow.EventRefreshed, oauthflow.EventRotated}},
		{"a host that is busy", func(t *testing.T, w *world, m *oauthflow.Manager) {
			inject(t, w, orgtest.Fault{Path: tokenEndpoint, Status: http.StatusTooManyRequests, Body: busyWords})
			fails(t, m, oauthflow.KindBusy)
		}, nil},
		{"a foreign record in the keep-alive's way", func(t *testing.T, w *world, m *oauthflow.Manager) {
			r := tokenstore.Record{ID: "connection/acme/foreign", Due: time.Now(), Data: []byte("sealed elsewhere")}
			if err := w.store.Save(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := m.KeepAlive(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}, []oauthflow.EventType{oauthflow.EventForeign}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				w.store = &hooked{Store: w.store}
				e := newEventLog()
				m := w.manager(e.observe)
				if tt.name != "a login" {
					w.connect(w.manager(), mainKey)
				}
				tt.cause(t, w, m)
				synctest.Wait()
				var got []oauthflow.EventType
				for _, e := range e.all() {
					got = append(got, e.Type)
					if e.At.IsZero() {
						t.Errorf("%q does not say when", e.Type)
					}
					if e.Type != oauthflow.EventResealed && e.Key.Tenant != "acme" {
						t.Errorf("%q does not say of which connection", e.Type)
					}
				}
				if !slices.Equal(got, tt.want) {
					t.Errorf("told of %q, want %q", got, tt.want)
				}
			})
		})
	}
}
