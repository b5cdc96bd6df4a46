package storetest

import (
	"bytes"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// recordClauses say how a single record is kept.
var recordClauses = []Clause{
	{"Fresh data hold no record", func(p *probe) {
		h := p.handle()
		for _, r := range h.list("", farAhead) {
			failf("List: got %s, want nothing; does open prepare other data each time?", short(r))
		}
	}},
	{"Load returns the record as Save left it, with the version one higher", func(p *probe) {
		h := p.handle()
		h.holds(h.save(newRecord("connection/acme/main", "sealed")))
	}},
	{"Load of an id without a record returns an error wrapping ErrNotFound", func(p *probe) {
		h := p.handle()
		h.save(newRecord("connection/acme/main", "sealed"))
		for _, id := range []string{"connection/acme/other", "connection/acme", "connection/acme/main2", "c"} {
			h.lacks(id)
		}
	}},
	{"A timeline that is told with a record is told without one, too", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "sealed"))
		with, without := h.load(r.ID).Timeline, h.lacks("connection/acme/other").Timeline
		if with != without {
			failf("Load: got timeline %q of a record and %q with ErrNotFound, want one", with, without)
		}
	}},
	{"A due time is kept as the same instant to the microsecond, from 1970 to 9999", func(p *probe) {
		h := p.handle()
		for i, due := range []string{
			"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000001Z", "1999-12-31T23:59:59.999999Z",
			"2026-07-14T09:30:00.123456Z", "2026-07-14T09:30:00.1Z", "2026-03-29T01:30:00Z", "2026-10-25T01:30:00.5Z",
			"2028-02-29T12:00:00Z", "2038-01-19T03:14:08Z", "2262-04-12T00:00:00Z", "9999-12-31T23:59:59.999999Z",
		} {
			r := newRecord(fmt.Sprintf("connection/acme/%d", i), due)
			var err error
			if r.Due, err = time.Parse(time.RFC3339Nano, due); err != nil {
				failf("%w", err)
			}
			h.holds(h.save(r))
		}
	}},
	{"64 KiB of data are kept whole, of any bytes", func(p *probe) {
		h := p.handle()
		data := make([]byte, tokenstore.MaxRecordData)
		for i := range data {
			data[i] = byte(i ^ i>>8)
		}
		h.holds(h.save(newRecord("connection/acme/large", string(data))))
	}},
	{"A record without data is kept", func(p *probe) {
		h := p.handle()
		h.holds(h.save(newRecord("connection/acme/empty", "")))
	}},
	{"Save keeps no reference to the data it is given", func(p *probe) {
		h := p.handle()
		r := newRecord("connection/acme/main", "sealed")
		if err := h.store.Save(h.ctx, r); err != nil {
			failf("Save: %w", err)
		}
		copy(r.Data, "SCRIBBLE")
		h.holds(tokenstore.Record{ID: r.ID, Version: 1, Due: r.Due, Data: []byte("sealed")})
	}},
	{"Save does not write to the data it is given", func(p *probe) {
		h := p.handle()
		data := append(make([]byte, 0, 64), "sealed"...)
		r := tokenstore.Record{ID: "connection/acme/main", Due: soon, Data: data}
		if err := h.store.Save(h.ctx, r); err != nil {
			failf("Save: %w", err)
		}
		if !bytes.Equal(data, []byte("sealed")) || !bytes.Equal(data[:64][6:], make([]byte, 58)) {
			failf("after Save the caller's data are %q, want %q and nothing behind it", data[:64], "sealed")
		}
	}},
	{"The caller owns the data that Load returns", func(p *probe) {
		h := p.handle()
		want := h.save(newRecord("connection/acme/main", "sealed"))
		copy(h.load(want.ID).Data, "SCRIBBLE")
		h.holds(want)
	}},
}
