package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// swept runs the keep-alive for a few sweeps.
func swept(d *deceived) (any, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 10*time.Minute)
	defer cancel()
	err := d.m.KeepAlive(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return nil, err
}

// without returns the records whose ids do not begin with a prefix.
func without(records []tokenstore.Record, prefix string) []tokenstore.Record {
	return slices.DeleteFunc(slices.Clone(records), func(r tokenstore.Record) bool { return strings.HasPrefix(r.ID, prefix) })
}

// What a keep-alive deletes without looking at the connection: logins that nobody completed, results of logins, and waits.
func TestTheKeepAliveRemovesNothingThatAStoreListsByMistake(t *testing.T) {
	const past = -time.Minute
	early := func(r tokenstore.Record) tokenstore.Record { r.Due = time.Now().Add(past); return r }
	tests := []struct {
		name string
		lie  func(login, other tokenstore.Record) lie
	}{
		{"a login in the list of connections", func(login, _ tokenstore.Record) lie { return listing("connection/", early(login)) }},
		{"a login that is not due", func(login, _ tokenstore.Record) lie { return listing("login/", early(login)) }},
		{"a login in capital letters", func(login, _ tokenstore.Record) lie {
			r := early(login)
			r.ID = "LOGIN/" + strings.TrimPrefix(r.ID, "login/")
			return listing("login/", r)
		}},
		{"a login in the list of waits", func(login, _ tokenstore.Record) lie { return listing("host/", early(login)) }},
		{"a connection in the list of waits", func(_, other tokenstore.Record) lie { return listing("host/", early(other)) }},
		{"a connection in the list of logins", func(_, other tokenstore.Record) lie { return listing("login/", early(other)) }},
		{"a login under the id of a wait", func(login, _ tokenstore.Record) lie {
			r := early(login)
			r.ID = "host/a.example"
			told := listing("host/", r)
			told.load = func(good tokenstore.Store, id string) (tokenstore.Record, error) {
				if id == r.ID {
					return r, nil
				}
				return good.Load(context.Background(), id)
			}
			return told
		}},
		{"a connection under the id of a login", func(login, other tokenstore.Record) lie {
			r := early(other)
			r.ID = login.ID
			told := listing("login/", r)
			told.load = func(good tokenstore.Store, id string) (tokenstore.Record, error) {
				if id == r.ID {
					return r, nil
				}
				return good.Load(context.Background(), id)
			}
			return told
		}},
		{"another connection under the id of one that is due", func(_, other tokenstore.Record) lie {
			r := early(other)
			r.ID = askingID
			told := listing("connection/", r)
			told.load = func(good tokenstore.Store, id string) (tokenstore.Record, error) {
				if id == askingID {
					return r, nil
				}
				return good.Load(context.Background(), id)
			}
			return told
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeceived(t, true)
				there := d.stored()
				cb := d.begin(d.m, askingKey)
				login := without(d.stored(), "connection/")
				login = slices.DeleteFunc(login, func(r tokenstore.Record) bool {
					return slices.ContainsFunc(there, func(o tokenstore.Record) bool { return o.ID == r.ID })
				})
				other, err := d.liar.Store.Load(t.Context(), othersID)
				if err != nil || len(login) != 1 {
					t.Fatalf("%d logins and %v", len(login), err)
				}
				told := test.lie(login[0], other)
				deleted := &deletions{Store: d.liar}
				m := d.manager(func(c *oauthflow.ManagerConfig) { c.Store = deleted })
				sent := len(d.org.Ledger())
				d.liar.tell(&told)
				d.m = m
				if _, err := swept(d); err != nil {
					t.Error(err)
				}
				if len(deleted.ids) > 0 {
					t.Errorf("it deletes %q", deleted.ids)
				}
				if n := len(d.org.Ledger()); n != sent {
					t.Errorf("%d requests were sent", n-sent)
				}
				d.liar.tell(nil)
				if _, err := m.Complete(t.Context(), cb); err != nil {
					t.Errorf("the login ends with %v", err)
				}
			})
		})
	}
}

// listing is a store whose list of one prefix, or of all, holds the given record alone; other lists are empty.
func listing(prefix string, records ...tokenstore.Record) lie {
	return lie{list: func(_ tokenstore.Store, asked string, _ time.Time) iter.Seq2[tokenstore.Record, error] {
		return func(yield func(tokenstore.Record, error) bool) {
			for _, r := range records {
				if (asked == prefix || asked == "") && !yield(r, nil) {
					return
				}
			}
		}
	}}
}

// deletions notes what is deleted, and does not do it.
type deletions struct {
	tokenstore.Store

	mu  sync.Mutex
	ids []string
}

func (s *deletions) Delete(_ context.Context, id string, _ uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, id)
	return nil
}

func TestAListThatDoesNotEndOrIsInNoOrderEnds(t *testing.T) {
	endless := map[string]func(all []tokenstore.Record) iter.Seq[tokenstore.Record]{
		"all again and again": func(all []tokenstore.Record) iter.Seq[tokenstore.Record] {
			return func(yield func(tokenstore.Record) bool) {
				for {
					for _, r := range all {
						if !yield(r) {
							return
						}
					}
				}
			}
		},
		"one again and again": func(all []tokenstore.Record) iter.Seq[tokenstore.Record] {
			return func(yield func(tokenstore.Record) bool) {
				for yield(all[0]) {
				}
			}
		},
		"one that does not belong there again and again": func(all []tokenstore.Record) iter.Seq[tokenstore.Record] {
			return func(yield func(tokenstore.Record) bool) {
				r := all[0]
				for r.ID = "another/1"; yield(r); {
				}
			}
		},
	}
	for name, sequence := range endless {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDeceived(t, true)
				all := d.stored()
				for i := range all {
					all[i].Due = time.Now().Add(-time.Duration(i+1) * time.Minute)
				}
				d.liar.tell(&lie{list: func(tokenstore.Store, string, time.Time) iter.Seq2[tokenstore.Record, error] {
					return func(yield func(tokenstore.Record, error) bool) {
						for r := range sequence(all) {
							if !yield(r, nil) {
								return
							}
						}
					}
				}})
				var errs []error
				for _, err := range d.m.List(t.Context(), "") {
					errs = append(errs, err)
				}
				if err := errors.Join(errs...); kindOf(errs[len(errs)-1]) != oauthflow.KindStore {
					t.Errorf("List: the last of %d is %v, want one of %q", len(errs), err, oauthflow.KindStore)
				}
				if err := d.m.Reseal(t.Context(), nil); err == nil {
					t.Error("Reseal: got nil")
				}
				if _, err := swept(d); err != nil {
					t.Errorf("KeepAlive: %v", err)
				}
				if err := oauthflow.Copy(t.Context(), oauthflow.CopyConfig{
					From: d.liar, To: tokenstore.NewMemory(), Keyring: d.keys, Environment: "test",
				}); err == nil {
					t.Error("Copy: got nil")
				}
			})
		})
	}
}

func TestAStoreThatListsWhatWasDealtWithDoesNotHoldTheKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeceived(t, false)
		for range 300 { // more than one batch
			d.begin(d.m, askingKey)
		}
		logins := without(d.stored(), "connection/")
		time.Sleep(time.Hour)
		deleted := &deletions{Store: d.liar} // which says that it has deleted
		d.m = d.manager(func(c *oauthflow.ManagerConfig) { c.Store = deleted })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // one sweep
		defer cancel()
		_ = d.m.KeepAlive(ctx)
		if len(deleted.ids) != len(logins) {
			t.Errorf("%d deletions of %d logins in one sweep", len(deleted.ids), len(logins))
		}
	})
}

// Reseal and Copy load what they list; the store answers with another customer's record.
func TestWhatRewritesEveryRecordLeavesAForeignOneAsItIs(t *testing.T) {
	for how, told := range lies() {
		told.list = nil
		if how == "without regard to case" {
			continue // whose list does not name the record
		}
		for _, name := range []string{"Reseal", "Copy"} {
			t.Run(how+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDeceived(t, true)
					own, err := d.liar.Store.Load(t.Context(), askingID)
					if err != nil {
						t.Fatal(err)
					}
					sent := len(d.org.Ledger())
					d.liar.tell(&told)
					next := tokenstore.NewMemory()
					switch name {
					case "Reseal":
						keys, kerr := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("k2"), d.sealing)
						if kerr != nil {
							t.Fatal(kerr)
						}
						err = d.manager(func(c *oauthflow.ManagerConfig) { c.Keyring = keys }).Reseal(t.Context(), nil)
					default:
						err = oauthflow.Copy(t.Context(), oauthflow.CopyConfig{From: d.liar, To: next, Keyring: d.keys, Environment: "test"})
					}
					if !errors.Is(err, tokenstore.ErrForeignRecord) {
						t.Errorf("got %v, want ErrForeignRecord", err)
					}
					if r, err := d.liar.Store.Load(t.Context(), askingID); err != nil || r.Version != own.Version || !bytes.Equal(r.Data, own.Data) {
						t.Errorf("the record that was not seen has changed: %v", err)
					}
					if _, err := next.Load(t.Context(), askingID); !errors.Is(err, tokenstore.ErrNotFound) {
						t.Errorf("the next store holds it: %v", err)
					}
					if n := len(d.org.Ledger()); n != sent {
						t.Errorf("%d requests were sent", n-sent)
					}
				})
			})
		}
	}
}

func TestAForeignRecordIsToldOfAgainOnceItWasRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeceived(t, true)
		told := lies()["with another record"]
		for round := range 3 {
			d.liar.tell(&told)
			for range 3 {
				if _, err := d.m.Load(t.Context(), askingKey); !errors.Is(err, tokenstore.ErrForeignRecord) {
					t.Fatal(err)
				}
			}
			if n := d.alerts(); n != round+1 {
				t.Errorf("%d events after %d times, want one for each", n, round+1)
			}
			d.liar.tell(nil)
			if _, err := d.m.Load(t.Context(), askingKey); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A store may find by itself that a record is not the one that was asked for, as filestore does.
func TestAStoreThatRefusesAForeignRecordByItselfIsTakenAtItsWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeceived(t, true)
		refusal := fmt.Errorf("the store: %w", tokenstore.ErrForeignRecord)
		d.liar.tell(&lie{
			load: func(good tokenstore.Store, id string) (tokenstore.Record, error) {
				if id == askingID {
					return tokenstore.Record{}, refusal
				}
				return good.Load(context.Background(), id)
			},
		})
		before, sent := d.stored(), len(d.org.Ledger())
		if err := d.m.Disconnect(t.Context(), askingKey); kindOf(err) != oauthflow.KindForeign || !errors.Is(err, tokenstore.ErrForeignRecord) {
			t.Errorf("got %v, want ErrForeignRecord", err)
		}
		d.untouched(before, sent)
	})
}
