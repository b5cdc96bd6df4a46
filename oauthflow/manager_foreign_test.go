package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// liar is a store that answers wrongly while a lie is told.
type liar struct {
	tokenstore.Store

	mu  sync.Mutex
	lie *lie
}

// lie is one way of a store to answer with what was not asked for. Each may be nil.
type lie struct {
	load func(good tokenstore.Store, id string) (tokenstore.Record, error)
	list func(good tokenstore.Store, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error]
}

func (l *liar) tell(lie *lie) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lie = lie
}

func (l *liar) told() lie {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lie == nil {
		return lie{}
	}
	return *l.lie
}

func (l *liar) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if f := l.told().load; f != nil {
		return f(l.Store, id)
	}
	return l.Store.Load(ctx, id)
}

func (l *liar) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	if f := l.told().list; f != nil {
		return f(l.Store, prefix, before)
	}
	return l.Store.List(ctx, prefix, before)
}

var (
	askingKey = oauthflow.Key{Tenant: "bank", Name: "main"}
	othersKey = oauthflow.Key{Tenant: "Bank", Name: "main"} // of another customer
)

const (
	askingID = "connection/bank/main"
	othersID = "connection/Bank/main"
)

// lies are what a store may answer for the asking customer's record.
func lies() map[string]lie {
	instead := func(change func(id string, r *tokenstore.Record)) func(tokenstore.Store, string) (tokenstore.Record, error) {
		return func(good tokenstore.Store, id string) (tokenstore.Record, error) {
			if id != askingID {
				return good.Load(context.Background(), id)
			}
			r, err := good.Load(context.Background(), othersID)
			change(id, &r)
			return r, err
		}
	}
	listed := func(change func(r *tokenstore.Record)) func(tokenstore.Store, string, time.Time) iter.Seq2[tokenstore.Record, error] {
		return func(good tokenstore.Store, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
			return func(yield func(tokenstore.Record, error) bool) {
				r, err := good.Load(context.Background(), othersID)
				if change(&r); strings.HasPrefix(askingID, prefix) {
					yield(r, err)
				}
			}
		}
	}
	return map[string]lie{
		"with another record": {load: instead(func(string, *tokenstore.Record) {}), list: listed(func(*tokenstore.Record) {})},
		"with another record under the id that was asked for": {
			load: instead(func(id string, r *tokenstore.Record) { r.ID = id }), list: listed(func(r *tokenstore.Record) { r.ID = askingID }),
		},
		"with another record under its id in capital letters": {
			load: instead(func(id string, r *tokenstore.Record) { r.ID = strings.ToUpper(r.ID) }),
			list: listed(func(r *tokenstore.Record) { r.ID = strings.ToUpper(r.ID) }),
		},
		"without regard to case": {
			load: func(good tokenstore.Store, id string) (tokenstore.Record, error) {
				return withoutCase(good, id)
			},
			list: func(good tokenstore.Store, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
				return func(yield func(tokenstore.Record, error) bool) {
					for r, err := range good.List(context.Background(), "", before) {
						if strings.HasPrefix(strings.ToLower(r.ID), strings.ToLower(prefix)) && r.ID != askingID && !yield(r, err) {
							return
						}
					}
				}
			},
		},
	}
}

// withoutCase finds the other customer's record first.
func withoutCase(good tokenstore.Store, id string) (tokenstore.Record, error) {
	for r := range good.List(context.Background(), "", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if strings.EqualFold(r.ID, id) && (r.ID != askingID) {
			return r, nil
		}
	}
	return tokenstore.Record{}, tokenstore.ErrNotFound
}

// deceived is a world whose store can lie, with the connection of another customer.
type deceived struct {
	*world
	liar    *liar
	m       *oauthflow.Manager
	secrets []string // of the other customer

	mu   sync.Mutex
	told []oauthflow.Event
}

func newDeceived(t *testing.T, connected bool) *deceived {
	w := newWorld(t, orgtest.Config{ApprovalLimit: 20})
	d := &deceived{world: w, liar: &liar{Store: w.store}}
	w.store = d.liar
	before := w.manager()
	w.connect(before, othersKey)
	d.secrets = []string{w.token(before.Source(othersKey))}
	if connected {
		w.connect(before, askingKey)
	}
	w.connect(before, oauthflow.Key{Tenant: "bank", Name: "second"})
	d.m = w.manager(func(c *oauthflow.ManagerConfig) {
		c.Observe = func(e oauthflow.Event) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.told = append(d.told, e)
		}
	})
	return d
}

func (d *deceived) alerts() int {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, e := range d.told {
		if e.Type == oauthflow.EventForeign {
			n++
		}
	}
	return n
}

// stored is what is in the store, without what a wait for a host leaves there.
func (d *deceived) stored() []tokenstore.Record {
	var out []tokenstore.Record
	for r, err := range d.liar.Store.List(context.Background(), "", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if err != nil {
			d.t.Fatal(err)
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b tokenstore.Record) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// deed is what somebody does with the connection whose record the store withholds. It returns what it was given.
type deed func(d *deceived) (any, error)

func foreignDeeds() map[string]deed {
	source := func(f func(s *oauthflow.Source, ctx context.Context) (any, error)) deed {
		return func(d *deceived) (any, error) { return f(d.m.Source(askingKey), d.t.Context()) }
	}
	second := oauthflow.Key{Tenant: "bank", Name: "second"}
	return map[string]deed{
		"Load":        func(d *deceived) (any, error) { return d.m.Load(d.t.Context(), askingKey) },
		"Token":       source(func(s *oauthflow.Source, ctx context.Context) (any, error) { return s.TokenContext(ctx) }),
		"Replace":     source(func(s *oauthflow.Source, ctx context.Context) (any, error) { return s.Replace(ctx, "a-rejected-1") }),
		"Present":     source(func(s *oauthflow.Source, ctx context.Context) (any, error) { return s.Present(ctx) }),
		"InstanceURL": source(func(s *oauthflow.Source, ctx context.Context) (any, error) { return s.InstanceURL(ctx) }),
		"an API call": func(d *deceived) (any, error) {
			req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.org.InstanceURL()+"/services/data/v66.0/limits", nil)
			if err != nil {
				return nil, err
			}
			resp, err := d.m.Source(askingKey).Transport(d.wire).RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			return nil, err
		},
		"Renew":      func(d *deceived) (any, error) { return nil, d.m.Renew(d.t.Context(), askingKey) },
		"Introspect": func(d *deceived) (any, error) { return d.m.Introspect(d.t.Context(), askingKey) },
		"BeginAgain": func(d *deceived) (any, error) {
			return d.m.BeginAgain(d.t.Context(), askingKey, browser, oauthflow.AuthorizeOptions{})
		},
		"SetClient": func(d *deceived) (any, error) { return nil, d.m.SetClient(d.t.Context(), askingKey, d.client()) },
		"SetKind": func(d *deceived) (any, error) {
			return nil, d.m.SetKind(d.t.Context(), askingKey, d.client().ID, oauthflow.ConnectedAppKind)
		},
		"SetIdlePeriod": func(d *deceived) (any, error) {
			return nil, d.m.SetIdlePeriod(d.t.Context(), askingKey, d.client().ID, time.Hour)
		},
		"Disconnect": func(d *deceived) (any, error) { return nil, d.m.Disconnect(d.t.Context(), askingKey) },
		"Move": func(d *deceived) (any, error) {
			return nil, d.m.Move(d.t.Context(), askingKey, oauthflow.Key{Tenant: "bank", Name: "third"})
		},
		"Move to it": func(d *deceived) (any, error) { return nil, d.m.Move(d.t.Context(), second, askingKey) },
		"Adopt": func(d *deceived) (any, error) {
			return d.m.Adopt(d.t.Context(), askingKey, d.client(), oauthflow.NewSecret("5Aep861adopted0123456789"))
		},
		"AdoptDryRun": func(d *deceived) (any, error) {
			return d.m.AdoptDryRun(d.t.Context(), askingKey, d.client(), oauthflow.NewSecret("5Aep861adopted0123456789"))
		},
		"List": func(d *deceived) (any, error) {
			var found []any
			var errs []error
			for c, err := range d.m.List(d.t.Context(), "bank") {
				if err == nil {
					found = append(found, c)
				}
				errs = append(errs, err)
			}
			return found, errors.Join(errs...)
		},
	}
}

// A store that answers one customer with another's record: because of a fault, of a column that compares ids without regard
// to case, or of somebody who may write to it and has no key.
func TestAStoreThatAnswersWithAnothersRecordServesSendsEndsAndChangesNothingOfIt(t *testing.T) {
	number := 0
	for how, told := range lies() {
		for _, connected := range []bool{false, true} {
			for name, do := range foreignDeeds() {
				if number++; !needs.OneIn(3, number) {
					continue
				}
				t.Run(fmt.Sprintf("%s, connected %v, %s", how, connected, name), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						d := newDeceived(t, connected)
						before, sent := d.stored(), len(d.org.Ledger())
						d.liar.tell(&told)
						got, err := do(d)
						synctest.Wait()
						if kindOf(err) != oauthflow.KindForeign || !errors.Is(err, tokenstore.ErrForeignRecord) {
							t.Errorf("got %v, want an error of %q that wraps ErrForeignRecord", err, oauthflow.KindForeign)
						}
						if shown := fmt.Sprintf("%+v %v", got, err); strings.Contains(shown, "Bank") || slices.ContainsFunc(d.secrets, func(s string) bool { return strings.Contains(shown, s) }) {
							t.Errorf("the caller is shown the other customer: %s", shown)
						}
						d.untouched(before, sent)
						d.liar.tell(nil)
						if !d.alive(d.token(d.m.Source(othersKey))) {
							t.Error("the other customer's connection does not work any more")
						}
						if connected && !d.alive(d.token(d.m.Source(askingKey))) {
							t.Error("the customer's own connection does not work once the store has stopped lying")
						}
					})
				})
			}
		}
	}
}

// untouched fails unless nothing was sent and changed since, and an event told.
func (d *deceived) untouched(before []tokenstore.Record, sent int) {
	d.t.Helper()
	if n := d.alerts(); n != 1 {
		d.t.Errorf("%d events %q, want 1", n, oauthflow.EventForeign)
	}
	if n := len(d.org.Ledger()); n != sent {
		d.t.Errorf("%d requests were sent: %+v", n-sent, d.org.Ledger()[sent:])
	}
	after := d.stored()
	if !slices.EqualFunc(before, after, func(a, b tokenstore.Record) bool {
		return a.ID == b.ID && a.Version == b.Version && bytes.Equal(a.Data, b.Data) && a.Due.Equal(b.Due)
	}) {
		d.t.Errorf("the store has changed from %d records to %d", len(before), len(after))
	}
}

func TestALoginDoesNotSpendItsCodeForAConnectionThatTheStoreMistakes(t *testing.T) {
	for how, told := range lies() {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeceived(t, true)
				cb := d.begin(d.m, askingKey)
				before, sent := d.stored(), len(d.org.Ledger())
				d.liar.tell(&told)
				if _, err := d.m.Complete(t.Context(), cb); kindOf(err) != oauthflow.KindForeign || !errors.Is(err, tokenstore.ErrForeignRecord) {
					t.Errorf("got %v, want ErrForeignRecord", err)
				}
				d.untouched(before, sent)
				d.liar.tell(nil)
				if _, err := d.m.Complete(t.Context(), cb); err != nil {
					t.Errorf("once the store has stopped lying: %v", err)
				}
			})
		})
	}
}
