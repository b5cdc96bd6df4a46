package storetest

import (
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// saveClauses say when Save stores and when it refuses.
var saveClauses = []Clause{
	{"Each Save raises the version by one", func(p *probe) {
		h := p.handle()
		r := newRecord("connection/acme/main", "sealed")
		for range 5 {
			r = h.save(r)
			h.holds(r)
		}
	}},
	{"Save replaces the whole record", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "a long piece of sealed data"))
		r.Data, r.Due = []byte("short"), r.Due.Add(-90*24*time.Hour)
		r = h.save(r)
		h.holds(r)
		r.Data, r.Due = []byte("a longer piece of sealed data again"), r.Due.Add(time.Microsecond)
		h.holds(h.save(r))
	}},
	{"Save with version 0 refuses an id that has a record", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "first"))
		h.refuseSave(newRecord(r.ID, "second"))
		h.save(r)
		h.refuseSave(newRecord(r.ID, "third"))
	}},
	{"Save with an older version than the stored one is refused", func(p *probe) {
		h := p.handle()
		old := h.save(newRecord("connection/acme/main", "first"))
		h.save(h.save(old))
		h.refuseSave(old)
	}},
	{"Save with a newer version than the stored one is refused", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "first"))
		for _, more := range []uint64{1, 1 << 8, 1 << 16, 1 << 32, 1 << 53} {
			newer := r
			newer.Version += more
			h.refuseSave(newer)
		}
	}},
	{"Save with a version above 0 refuses an id without a record", func(p *probe) {
		h := p.handle()
		r := newRecord("connection/acme/main", "never saved")
		for _, version := range []uint64{1, 2, 1 << 40} {
			r.Version = version
			h.refuseSave(r)
		}
		h.lacks(r.ID)
	}},
	{"A refused Save changes nothing", func(p *probe) {
		h := p.handle()
		old := h.save(newRecord("connection/acme/main", "first"))
		stored := h.save(old)
		for _, version := range []uint64{0, old.Version, stored.Version + 1} {
			// Whether it is refused is the matter of other clauses.
			if h.store.Save(h.ctx, tokenstore.Record{ID: old.ID, Version: version, Due: soon.Add(time.Hour), Data: []byte("other")}) != nil {
				h.holds(stored)
			}
		}
	}},
}

// deleteClauses say when Delete removes and when it refuses.
var deleteClauses = []Clause{
	{"Delete at the stored version removes the record", func(p *probe) {
		h := p.handle()
		other := h.save(newRecord("connection/acme/other", "stays"))
		r := h.save(h.save(newRecord("connection/acme/main", "goes")))
		h.delete(r.ID, r.Version)
		h.lacks(r.ID)
		h.holds(other)
	}},
	{"Delete at another version is refused and keeps the record", func(p *probe) {
		h := p.handle()
		r := h.save(h.save(newRecord("connection/acme/main", "stays")))
		for _, version := range []uint64{0, r.Version - 1, r.Version + 1, 1 << 40} {
			h.refuseDelete(r.ID, version)
			h.holds(r)
		}
	}},
	{"Delete of an id without a record is refused", func(p *probe) {
		h := p.handle()
		h.refuseDelete("connection/acme/main", 0)
		h.refuseDelete("connection/acme/main", 1)
	}},
	{"A second Delete is refused", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "goes"))
		h.delete(r.ID, r.Version)
		h.refuseDelete(r.ID, r.Version)
	}},
	{"A deleted id may be saved again with version 0", func(p *probe) {
		h := p.handle()
		for range 2 {
			r := h.save(h.save(newRecord("connection/acme/main", "again")))
			h.holds(r)
			h.delete(r.ID, r.Version)
		}
	}},
	{"A deleted record is not saved again with its old version", func(p *probe) {
		h := p.handle()
		r := h.save(h.save(newRecord("connection/acme/main", "goes")))
		h.delete(r.ID, r.Version)
		h.refuseSave(r)
		h.lacks(r.ID)
	}},
}
