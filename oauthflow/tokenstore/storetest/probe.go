package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// soon is a due time in the midst of the range; tests add to it.
var soon = time.Date(2026, 7, 14, 9, 30, 0, 0, time.UTC)

// farAhead is later than the due time of any record that a clause lists.
var farAhead = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// noBound is later than every due time.
var noBound = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// newRecord returns a record to be saved for the first time.
func newRecord(id, data string) tokenstore.Record {
	return tokenstore.Record{ID: id, Due: soon, Data: []byte(data)}
}

// A probe is one run of one clause.
type probe struct {
	ctx  context.Context
	open func() tokenstore.Store
}

// handle opens a handle; only the goroutine of the clause may.
func (p *probe) handle() handle { return handle{p.ctx, p.open()} }

// pair opens two handles.
func (p *probe) pair() (a, b handle) { return p.handle(), p.handle() }

// crowd runs f n times at once, the i-th over one of the handles in turn, and fails when one of them fails.
func (p *probe) crowd(n int, over []handle, f func(i int, h handle)) {
	var wg sync.WaitGroup
	errs := make([]error, n)
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = caught(func() { f(i, over[i%len(over)]) })
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			failf("%w", err)
		}
	}
}

// A handle is a store whose every answer must be the one that the method's name says; else the clause fails.
type handle struct {
	ctx   context.Context
	store tokenstore.Store
}

// save returns the record as it must be stored now.
func (h handle) save(r tokenstore.Record) tokenstore.Record {
	sent := r
	sent.Data = bytes.Clone(r.Data) // for the store to keep or spoil
	if err := h.store.Save(h.ctx, sent); err != nil {
		failf("Save of %s: got %v, want nil", short(r), err)
	}
	r.Version++
	return r
}

func (h handle) refuseSave(r tokenstore.Record) {
	err := h.store.Save(h.ctx, r)
	if !errors.Is(err, tokenstore.ErrConflict) {
		failf("Save of %s: got %v, want an error wrapping ErrConflict", short(r), err)
	}
}

func (h handle) delete(id string, version uint64) {
	if err := h.store.Delete(h.ctx, id, version); err != nil {
		failf("Delete of %q at version %d: got %v, want nil", id, version, err)
	}
}

func (h handle) refuseDelete(id string, version uint64) {
	err := h.store.Delete(h.ctx, id, version)
	if !errors.Is(err, tokenstore.ErrConflict) {
		failf("Delete of %q at version %d: got %v, want an error wrapping ErrConflict", id, version, err)
	}
}

func (h handle) load(id string) tokenstore.Record {
	r, err := h.store.Load(h.ctx, id)
	if err != nil {
		failf("Load of %q: got %v, want nil", id, err)
	}
	return r
}

// holds loads want's id and compares.
func (h handle) holds(want tokenstore.Record) {
	got := h.load(want.ID)
	if !same(got, want) {
		failf("Load of %q: got %s, want %s", want.ID, short(got), short(want))
	}
}

func (h handle) lacks(id string) tokenstore.Record {
	r, err := h.store.Load(h.ctx, id)
	if !errors.Is(err, tokenstore.ErrNotFound) {
		failf("Load of %q: got %s and %v, want an error wrapping ErrNotFound", id, short(r), err)
	}
	return r
}

// list returns all that List yields, which must be no error.
func (h handle) list(prefix string, before time.Time) []tokenstore.Record {
	var out []tokenstore.Record
	for r, err := range h.store.List(h.ctx, prefix, before) {
		if err != nil {
			failf("List of %q: got %v, want no error", prefix, err)
		}
		out = append(out, r)
	}
	return out
}

func same(a, b tokenstore.Record) bool {
	return a.ID == b.ID && a.Version == b.Version && a.Due.Equal(b.Due) && bytes.Equal(a.Data, b.Data)
}

// short prints a record in one line.
func short(r tokenstore.Record) string {
	data := fmt.Sprintf("%q", r.Data)
	if len(r.Data) > 40 {
		data = fmt.Sprintf("%q… (%d bytes)", r.Data[:40], len(r.Data))
	}
	return fmt.Sprintf("{%q version %d due %s data %s}", r.ID, r.Version, r.Due.UTC().Format("2006-01-02T15:04:05.999999999Z"), data)
}
