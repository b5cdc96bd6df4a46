package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// CountingStore is a store under test that counts its reads. If a handle has this method, clauses check that the cost of a list
// is in proportion to what it yields. If the first handle does not have it, these clauses pass.
type CountingStore interface {
	tokenstore.Store

	// Reads returns how many rows, index entries or files were read for this handle so far. It may include the few reads that the
	// counting itself needs.
	Reads(ctx context.Context) (int, error)
}

const (
	countedRecords = 3000 // many pages of a database
	// readsPerRecord allows for the record, its place in an index, and the look how many there are. Some servers count a read twice,
	// and sort what is left for a page or two, by what their statistics say. A list that begins each page of 128 at its beginning reads 12.
	readsPerRecord = 8
)

// readClauses say that a list costs in proportion to what it yields.
var readClauses = []Clause{
	{"A long list reads each record a few times at most, also where all are due at once", func(p *probe) {
		h := p.handle()
		if !h.counts() {
			return
		}
		p.saveMany(h, "connection/%04d/main", soon)
		for _, prefix := range []string{"", "connection/"} {
			before, listed := h.reads(), len(h.list(prefix, farAhead))
			if n := h.reads() - before; listed != countedRecords || n > readsPerRecord*countedRecords {
				failf("List of %q: it yields %d of %d records and reads %d, want at most %d for each", prefix, listed, countedRecords, n, readsPerRecord)
			}
		}
	}},
	{"A list does not read what is due later, of whatever prefix", func(p *probe) {
		h := p.handle()
		if !h.counts() {
			return
		}
		later := soon.Add(time.Hour)
		p.saveMany(h, "adopted/%04d", later)
		due := h.save(newRecord("connection/acme/main", "sealed"))
		for _, prefix := range []string{"", "connection/"} {
			before := h.reads()
			expect(h.list(prefix, later), due)
			if n := h.reads() - before; n > countedRecords/2 {
				failf("List of %q: it yields 1 record and reads %d, of which %d are due later", prefix, n, countedRecords)
			}
		}
	}},
}

// saveMany saves as many records as the clauses about reading want, all due at once.
func (p *probe) saveMany(h handle, id string, due time.Time) {
	const savers = 8
	p.crowd(savers, []handle{h, p.handle(), p.handle(), p.handle()}, func(i int, h handle) {
		for n := i; n < countedRecords; n += savers {
			r := newRecord(fmt.Sprintf(id, n), "sealed")
			r.Due = due
			h.save(r)
		}
	})
}

func (h handle) counts() bool {
	h.lacks("connection/acme/main")
	_, ok := h.store.(CountingStore)
	return ok
}

func (h handle) reads() int {
	n, err := h.store.(CountingStore).Reads(h.ctx)
	if err != nil {
		failf("Reads: %w", err)
	}
	return n
}
