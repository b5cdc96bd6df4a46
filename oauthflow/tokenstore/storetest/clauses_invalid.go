package storetest

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// invalidClauses say that a record which breaks the rules of [tokenstore.Record] is refused, in words that a program
// understands: [tokenstore.Record.Validate] has them. A store that takes one returns another than it was given.
var invalidClauses = []Clause{
	{"A record whose id is none is refused as invalid", func(p *probe) {
		h := p.handle()
		for _, id := range []string{
			"", "connection/acme/" + strings.Repeat("x", 240), "connection/acme/ä", "connection/acme/main\n", "connection/\x00/main",
			"connection/acme/\x7f", "connection/acme/\xff",
		} {
			h.refuseInvalid(newRecord(id, "sealed"))
		}
		for _, r := range h.list("", noBound) {
			failf("List: got %s after every Save was refused, want nothing", short(r))
		}
	}},
	{"A record whose due time is out of range is refused as invalid", func(p *probe) {
		h := p.handle()
		stored := h.save(newRecord("connection/acme/main", "sealed"))
		for _, due := range []time.Time{
			{}, time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -3600)),
		} {
			r := stored
			r.Due = due
			h.refuseInvalid(r)
		}
		h.holds(stored)
	}},
	{"A record with more than 64 KiB of data is refused as invalid", func(p *probe) {
		h := p.handle()
		stored := h.save(newRecord("connection/acme/main", "sealed"))
		r := stored
		r.Data = bytes.Repeat([]byte{'x'}, tokenstore.MaxRecordData+1)
		h.refuseInvalid(r)
		h.holds(stored)
	}},
	{"A record whose version has no successor is refused", func(p *probe) {
		h := p.handle()
		r := newRecord("connection/acme/main", "sealed")
		r.Version = math.MaxUint64
		// No record has that version, so that a conflict is true as well.
		if err := h.store.Save(h.ctx, r); !errors.Is(err, tokenstore.ErrInvalidRecord) && !errors.Is(err, tokenstore.ErrConflict) {
			failf("Save of %s: got %v, want an error wrapping ErrInvalidRecord", short(r), err)
		}
		h.lacks(r.ID)
	}},
}

func (h handle) refuseInvalid(r tokenstore.Record) {
	if err := h.store.Save(h.ctx, r); !errors.Is(err, tokenstore.ErrInvalidRecord) {
		failf("Save of %s: got %v, want an error wrapping ErrInvalidRecord, as Record.Validate returns it", short(r), err)
	}
}
