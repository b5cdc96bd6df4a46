package storetest_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

// A wrong store breaks one promise. It must be found out by the clause that is named for this promise and by no other;
// where later clauses stand on that promise, by no earlier one.
type wrong struct {
	name   string
	clause string
	later  bool // later clauses may break too, and are not tried
	open   func() func() tokenstore.Store
}

func wrongStores() []wrong {
	return slices.Concat(wrongRecords(), wrongIdentities(), wrongInvalid(), wrongVersions(), wrongLists(), wrongSharing(), wrongTimelines(), wrongReads())
}

func TestEachWrongStoreIsFoundOutByTheClauseNamedForIt(t *testing.T) {
	for _, w := range wrongStores() {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			broken := brokenClauses(t, w)
			if len(broken) == 0 {
				t.Fatalf("it passes, want it to break %q", w.clause)
			}
			if broken[0] != w.clause {
				t.Errorf("it breaks first %q, want %q", broken[0], w.clause)
			}
			if more := broken[1:]; len(more) > 0 {
				t.Errorf("it also breaks %q", more)
			}
		})
	}
}

func TestEachClauseCanBeBroken(t *testing.T) {
	named := map[string]bool{}
	for _, w := range wrongStores() {
		named[w.clause] = true
	}
	for _, c := range storetest.Clauses() {
		if !named[c.Name] {
			t.Errorf("no wrong store is named for the clause %q", c.Name)
		}
		delete(named, c.Name)
	}
	for name := range named {
		t.Errorf("no such clause: %q", name)
	}
}

func TestAPanicOfTheStoreBreaksTheClauseInsteadOfTheTest(t *testing.T) {
	for _, c := range storetest.Clauses() {
		err := c.Check(t.Context(), func() tokenstore.Store { return nil })
		if err == nil || !strings.Contains(err.Error(), "panic") {
			t.Errorf("%s: got %v, want the panic as an error", c.Name, err)
		}
	}
}

func brokenClauses(t *testing.T, w wrong) []string {
	var broken []string
	for _, c := range storetest.Clauses() {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		err := c.Check(ctx, w.open())
		cancel()
		if err != nil {
			broken = append(broken, c.Name)
			if c.Name == w.clause {
				t.Log(err)
			}
			if w.later {
				return broken
			}
		}
	}
	return broken
}

// A bent store is a good one of which some methods are replaced.
type bent struct {
	tokenstore.Store
	load   func(ctx context.Context, id string) (tokenstore.Record, error)
	save   func(ctx context.Context, r tokenstore.Record) error
	delete func(ctx context.Context, id string, version uint64) error
	list   func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error]
}

func (b *bent) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if b.load == nil {
		return b.Store.Load(ctx, id)
	}
	return b.load(ctx, id)
}

func (b *bent) Save(ctx context.Context, r tokenstore.Record) error {
	if b.save == nil {
		return b.Store.Save(ctx, r)
	}
	return b.save(ctx, r)
}

func (b *bent) Delete(ctx context.Context, id string, version uint64) error {
	if b.delete == nil {
		return b.Store.Delete(ctx, id, version)
	}
	return b.delete(ctx, id, version)
}

func (b *bent) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	if b.list == nil {
		return b.Store.List(ctx, prefix, before)
	}
	return b.list(ctx, prefix, before)
}

// shared bends one store, which all handles share.
func shared(bend func(b *bent)) func() func() tokenstore.Store {
	return func() func() tokenstore.Store {
		b := &bent{Store: tokenstore.NewMemory()}
		bend(b)
		return func() tokenstore.Store { return b }
	}
}

// each bends every handle on a good store by itself.
func each(bend func(b *bent)) func() func() tokenstore.Store {
	return func() func() tokenstore.Store {
		good := tokenstore.NewMemory()
		return func() tokenstore.Store {
			b := &bent{Store: good}
			bend(b)
			return b
		}
	}
}

// current returns what is stored, or a record of version 0.
func current(s tokenstore.Store, id string) tokenstore.Record {
	r, err := s.Load(context.Background(), id)
	if err != nil {
		return tokenstore.Record{ID: id}
	}
	return r
}

// all returns what a good store lists, and its error.
func all(ctx context.Context, s tokenstore.Store, prefix string, before time.Time) ([]tokenstore.Record, error) {
	var out []tokenstore.Record
	for r, err := range s.List(ctx, prefix, before) {
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

// sequence yields the records and then the error, as long as ctx is not done.
func sequence(ctx context.Context, records []tokenstore.Record, err error) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		for _, r := range records {
			if ctx.Err() != nil {
				yield(tokenstore.Record{}, ctx.Err())
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err != nil {
			yield(tokenstore.Record{}, err)
		}
	}
}

// changeList bends a list by changing what a good one yields.
func changeList(b *bent, change func([]tokenstore.Record) []tokenstore.Record) {
	b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
		records, err := all(ctx, b.Store, prefix, before)
		return sequence(ctx, change(records), err)
	}
}
