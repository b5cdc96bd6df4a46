package fullcast_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// mistaken is a store that answers with the record of main where another customer's is asked for, once it lies.
type mistaken struct {
	tokenstore.Store
	lies    atomic.Bool
	renamed bool // to the id that was asked for
}

var capital = oauthflow.Key{Tenant: "Acme", Name: "main"} // another customer than main's

const capitalID, mainID = "connection/Acme/main", "connection/acme/main"

func (s *mistaken) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if id != capitalID || !s.lies.Load() {
		return s.Store.Load(ctx, id)
	}
	r, err := s.Store.Load(ctx, mainID)
	if s.renamed {
		r.ID = id
	}
	return r, err
}

func (s *mistaken) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	if !s.lies.Load() || !strings.HasPrefix(capitalID, prefix) {
		return s.Store.List(ctx, prefix, before)
	}
	return func(yield func(tokenstore.Record, error) bool) {
		r, err := s.Load(ctx, capitalID)
		yield(r, err)
	}
}

func TestNoDeedOfAConnectorReachesAnotherCustomersConnectionThroughAStoreThatMistakesThem(t *testing.T) {
	ofSF := func(f func(sf *fullcast.Connector, ctx context.Context) (any, error)) func(context.Context, *world, *fullcast.Connector, *fullcast.Connection) (any, error) {
		return func(ctx context.Context, _ *world, sf *fullcast.Connector, _ *fullcast.Connection) (any, error) {
			return f(sf, ctx)
		}
	}
	ofConn := func(f func(ctx context.Context, conn *fullcast.Connection) (any, error)) func(context.Context, *world, *fullcast.Connector, *fullcast.Connection) (any, error) {
		return func(ctx context.Context, _ *world, _ *fullcast.Connector, conn *fullcast.Connection) (any, error) {
			return f(ctx, conn)
		}
	}
	refresh := oauthflow.NewSecret("5Aep861adopted0123456789")
	deeds := map[string]func(ctx context.Context, w *world, sf *fullcast.Connector, conn *fullcast.Connection) (any, error){
		"Open": ofSF(func(sf *fullcast.Connector, ctx context.Context) (any, error) { return sf.Open(ctx, capital) }),
		"Disconnect": ofSF(func(sf *fullcast.Connector, ctx context.Context) (any, error) {
			return nil, sf.Disconnect(ctx, capital)
		}),
		"DisconnectAll": ofSF(func(sf *fullcast.Connector, ctx context.Context) (any, error) {
			return nil, sf.DisconnectAll(ctx, fullcast.Filter{Tenant: capital.Tenant}, nil)
		}),
		"List": ofSF(func(sf *fullcast.Connector, ctx context.Context) (any, error) {
			var found []oauthflow.Connection
			var errs []error
			for c, err := range sf.List(ctx, fullcast.Filter{Tenant: capital.Tenant}) {
				if errs = append(errs, err); err == nil {
					found = append(found, c)
				}
			}
			return found, errors.Join(errs...)
		}),
		"Reconnect": ofSF(func(sf *fullcast.Connector, ctx context.Context) (any, error) {
			return sf.Reconnect(ctx, capital, fullcast.BeginOptions{Binding: session})
		}),
		"Adopt": func(ctx context.Context, w *world, sf *fullcast.Connector, _ *fullcast.Connection) (any, error) {
			c := w.client(t, "Fullcast")
			c.Kind = metadata.KindConnectedApp
			return sf.Adopt(ctx, capital, c, refresh)
		},
		"UpdateCredentials": func(ctx context.Context, w *world, sf *fullcast.Connector, _ *fullcast.Connection) (any, error) {
			return sf.UpdateCredentials(ctx, capital, w.client(t, "Fullcast"))
		},
		"Status":      ofConn(func(ctx context.Context, c *fullcast.Connection) (any, error) { return c.Status(ctx) }),
		"a query":     ofConn(func(ctx context.Context, c *fullcast.Connection) (any, error) { return query(ctx, c) }),
		"Check":       ofConn(func(ctx context.Context, c *fullcast.Connection) (any, error) { return c.Check(ctx) }),
		"TokenSource": ofConn(func(_ context.Context, c *fullcast.Connection) (any, error) { return c.TokenSource().Token() }),
	}
	for name, do := range deeds {
		for _, renamed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, under the id that was asked for %v", name, renamed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := bubbleWorld(t, orgtest.Config{ApprovalLimit: 20})
					w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
					other := w.connect(t)
					otherToken, err := other.TokenSource().Token()
					if err != nil {
						t.Fatal(err)
					}
					store := &mistaken{Store: w.store, renamed: renamed}
					sf := w.connector(t, store)
					to, err := sf.Begin(t.Context(), capital, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session})
					if err != nil {
						t.Fatal(err)
					}
					cb := w.approved(t, to)
					cb.Tenant = capital.Tenant
					if _, err := sf.Complete(t.Context(), cb); err != nil {
						t.Fatal(err)
					}
					sf = w.connector(t, store) // which has nothing in memory
					conn, err := sf.Open(t.Context(), capital)
					if err != nil {
						t.Fatal(err)
					}
					w.org.ExpireSessions()
					before, tokens, revocations := records(t, w.store), w.rec.count("/services/oauth2/token"), w.rec.count("/services/oauth2/revoke")
					store.lies.Store(true)
					got, err := do(t.Context(), w, sf, conn)
					synctest.Wait()
					if !errors.Is(err, tokenstore.ErrForeignRecord) {
						t.Errorf("got %v and %v, want ErrForeignRecord", got, err)
					}
					var e *fullcast.Error
					if errors.As(err, &e) && name != "DisconnectAll" && (e.Remedy != fullcast.FixService || e.Actor() != fullcast.ActorOperator) {
						t.Errorf("remedy %q of actor %q, want the operator to look at the store", e.Remedy, e.Actor())
					}
					if shown := fmt.Sprintf("%+v %v", got, err); strings.Contains(shown, mainID) || strings.Contains(shown, "acme/main") || strings.Contains(shown, otherToken.AccessToken) {
						t.Errorf("the caller is shown the other customer: %s", shown)
					}
					if n := w.rec.count("/services/oauth2/token") - tokens + w.rec.count("/services/oauth2/revoke") - revocations; n != 0 {
						t.Errorf("%d requests for tokens or revocations", n)
					}
					if after := records(t, w.store); !slices.EqualFunc(before, after, func(a, b tokenstore.Record) bool {
						return a.ID == b.ID && a.Version == b.Version && bytes.Equal(a.Data, b.Data)
					}) {
						t.Error("the store has changed")
					}
					w.mu.Lock()
					alerts := w.told[oauthflow.EventForeign]
					w.mu.Unlock()
					if alerts != 1 {
						t.Errorf("%d events %q, want 1", alerts, oauthflow.EventForeign)
					}
					store.lies.Store(false)
					for who, c := range map[string]*fullcast.Connection{"the other customer's": other, "the customer's own": conn} {
						if status, err := query(t.Context(), c); status != 200 || err != nil {
							t.Errorf("afterwards a query of %s connection answers %d, %v", who, status, err)
						}
					}
				})
			})
		}
	}
}

func records(t *testing.T, s tokenstore.Store) (all []tokenstore.Record) {
	t.Helper()
	for r, err := range s.List(t.Context(), "", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b tokenstore.Record) int { return strings.Compare(a.ID, b.ID) })
	return all
}
