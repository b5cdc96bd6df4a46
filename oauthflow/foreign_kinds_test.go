package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// exchange is a kind of record of which the store exchanges two.
type exchange struct {
	make func(d *deceived) deed // makes two records of the kind, and returns what reads one of them
	want func(d *deceived, before []tokenstore.Record, sent int, err error)
}

// refusedUntouched wants [tokenstore.ErrForeignRecord], one alert, and nothing sent or changed.
func refusedUntouched(d *deceived, before []tokenstore.Record, sent int, err error) {
	d.t.Helper()
	if kindOf(err) != oauthflow.KindForeign || !errors.Is(err, tokenstore.ErrForeignRecord) {
		d.t.Errorf("got %v, want ErrForeignRecord", err)
	}
	d.untouched(before, sent)
}

// exchanges are all kinds of records that anything reads, by how their ids begin.
var exchanges = map[string]exchange{
	"connection/": {func(d *deceived) deed {
		another := d.manager() // that shows d.m nothing
		for i := range 2 {
			d.connect(another, numbered(i))
		}
		return func(d *deceived) (any, error) { return d.m.Source(numbered(0)).Replace(d.t.Context(), "a-rejected-1") }
	}, refusedUntouched},
	"login/": {func(d *deceived) deed {
		d.begin(d.m, othersKey)
		cb := d.begin(d.m, askingKey)
		return func(d *deceived) (any, error) { return d.m.Complete(d.t.Context(), cb) }
	}, refusedUntouched},
	"adopted/": {func(d *deceived) deed {
		const adopted = "5Aep861adopted0123456789"
		for i, token := range []string{adopted, adopted + "another"} {
			_, _ = d.m.Adopt(d.t.Context(), numbered(i), d.client(), oauthflow.NewSecret(token))
		}
		return func(d *deceived) (any, error) {
			return d.m.Adopt(d.t.Context(), numbered(7), d.client(), oauthflow.NewSecret(adopted))
		}
	}, refusedUntouched},
	// The marks of a store that another was copied to, and that was copied itself.
	"relocated/": {func(d *deceived) deed {
		former, next := tokenstore.NewMemory(), tokenstore.NewMemory()
		w := &world{t: d.t, org: d.org, store: former, keys: d.keys, wire: d.wire, user: d.user}
		w.connect(w.manager(), numbered(0))
		for _, c := range []oauthflow.CopyConfig{{From: former, To: d.liar.Store}, {From: d.liar.Store, To: next}} {
			c.Keyring, c.Environment = d.keys, "test"
			if err := oauthflow.Copy(d.t.Context(), c); err != nil {
				d.t.Fatal(err)
			}
		}
		return func(d *deceived) (any, error) {
			return d.m.Begin(d.t.Context(), numbered(7), d.client(), browser, oauthflow.AuthorizeOptions{})
		}
	}, refusedUntouched},
}

// unread are kinds of records that nothing reads.
var unread = []string{"subject/", "host/"}

func TestARecordOfAnyKindThatWasExchangedIsForeign(t *testing.T) {
	for prefix, kind := range exchanges {
		for _, renamed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s under the id that was asked for %v", prefix, renamed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDeceived(t, true)
					there := d.stored()
					do := kind.make(d)
					two := slices.DeleteFunc(d.stored(), func(r tokenstore.Record) bool {
						return !strings.HasPrefix(r.ID, prefix) || slices.ContainsFunc(there, func(o tokenstore.Record) bool { return o.ID == r.ID })
					})
					if len(two) != 2 {
						t.Fatalf("%d records %s, want 2", len(two), prefix)
					}
					before, sent := d.stored(), len(d.org.Ledger())
					d.liar.tell(&lie{load: func(good tokenstore.Store, id string) (tokenstore.Record, error) {
						for i, r := range two {
							if r.ID == id {
								r = two[1-i]
								if renamed {
									r.ID = id
								}
								return r, nil
							}
						}
						return good.Load(context.Background(), id)
					}})
					_, err := do(d)
					kind.want(d, before, sent, err)
				})
			})
		}
	}
}

// A kind of record that is new in the code has to be exchanged in the test above, too.
func TestEveryKindOfRecordIsExchangedByATest(t *testing.T) {
	kind, found := regexp.MustCompile(`^[a-z]+/$`), map[string]bool{}
	for _, f := range sourceFiles(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, is := n.(*ast.BasicLit); is && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil && kind.MatchString(text) {
					found[text] = true
				}
			}
			return true
		})
	}
	want := slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(exchanges)), unread...)))
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Errorf("the code has the kinds of records %q, the test exchanges %q", got, want)
	}
}
