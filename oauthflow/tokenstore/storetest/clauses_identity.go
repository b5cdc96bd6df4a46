package storetest

import (
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// identityClauses say that a record is found by its own id and by no other. A store that confuses two ids gives one customer
// another's connection.
var identityClauses = []Clause{
	{"Load answers with the record that was asked for, however many there are", func(p *probe) {
		h := p.handle()
		var kept []tokenstore.Record
		for i := range 60 {
			kept = append(kept, h.save(newRecord(fmt.Sprintf("connection/acme/%d", i), fmt.Sprint("data of ", i))))
		}
		for i := range kept {
			h.holds(kept[i*7%len(kept)])
		}
	}},
	{"Ids that differ by case are different records", func(p *probe) {
		different(p, "connection/bank/main", "connection/Bank/main", "connection/BANK/main", "CONNECTION/bank/main", "connection/bank/maiN")
	}},
	{"Ids that differ by blanks are different records", func(p *probe) {
		different(p, "connection/bank/main", "connection/bank/main ", "connection/bank/main  ", " connection/bank/main", "connection/bank /main")
	}},
	{"Ids that are patterns of each other are different records", func(p *probe) {
		different(p, "connection/bank/main", "connection/bank/ma_n", "connection/bank/ma%", "connection/%/main", "connection/bank/ma*",
			"connection/bank/ma?n", "connection/bank/[m]ain", "%", "connection/bank/m.*n", "connection/bank/\\main")
	}},
	{"An id of 255 bytes is kept whole", func(p *probe) {
		h := p.handle()
		stem := "connection/" + strings.Repeat("x", 243)
		one, two := h.save(newRecord(stem+"1", "one")), h.save(newRecord(stem+"2", "two"))
		h.holds(one)
		h.holds(two)
		h.lacks(stem)
		h.delete(two.ID, two.Version)
		h.holds(one)
	}},
	{"Ids that differ in a byte are different records", func(p *probe) {
		h := p.handle()
		var kept []tokenstore.Record
		for _, id := range trickyIDs() {
			r := newRecord(id, "data of "+id)
			if err := h.store.Save(h.ctx, r); err != nil {
				failf("Save of %q beside similar ids: got %v, want nil", id, err)
			}
			r.Version++
			kept = append(kept, r)
		}
		for _, r := range kept {
			h.holds(r)
		}
	}},
	{"What is no valid id finds no record", func(p *probe) {
		h := p.handle()
		long := "connection/" + strings.Repeat("x", 244)
		one, whole := h.save(newRecord("connection/bank/main", "sealed")), h.save(newRecord(long, "sealed"))
		for _, id := range invalidIDs(one.ID, whole.ID) {
			if r, err := h.store.Load(h.ctx, id); err == nil {
				failf("Load of %+q: got %s, want an error", id, short(r))
			}
			if err := h.store.Delete(h.ctx, id, 1); err == nil {
				failf("Delete of %+q at version 1: got nil, want an error", id)
			}
			h.holds(one)
			h.holds(whole)
		}
	}},
}

// different fails unless each of ids has a record of its own: to create, load, change and delete.
func different(p *probe, ids ...string) {
	h := p.handle()
	kept := make([]tokenstore.Record, len(ids))
	for i, id := range ids {
		for _, later := range ids[i:] {
			h.lacks(later)
		}
		r := newRecord(id, "data of "+id)
		if err := h.store.Save(h.ctx, r); err != nil {
			failf("Save of %q beside %q: got %v, want nil", id, ids[:i], err)
		}
		r.Version++
		kept[i] = r
	}
	for _, r := range kept {
		h.holds(r)
	}
	for i, r := range kept {
		r.Data = []byte("changed data of " + r.ID)
		kept[i] = h.save(r)
		for _, r := range kept {
			h.holds(r)
		}
	}
	for i, r := range kept {
		h.delete(r.ID, r.Version)
		h.lacks(r.ID)
		for _, r := range kept[i+1:] {
			h.holds(r)
		}
	}
}

// invalidIDs returns what stores have been seen to take for the given ids, of which the second is the longest that is valid.
func invalidIDs(id, longest string) []string {
	return []string{
		"", id + "\x00", id + "\t", id + "\n", id + "\r\n", "\ufeff" + id, id + "\u00a0", id + "\u200b", id + "\u0301", // an accent
		strings.Replace(id, "a", "\uff41", 1), strings.Replace(id, "n", "\u207f", 1), // other forms of a and n
		strings.Replace(id, "a", "\u00e4", 1), strings.Replace(id, "k", "\u212a", 1), // an umlaut; the sign of the Kelvin, whose lower case is k
		id + "\xff", longest + "x", longest + " ",
	}
}

// trickyIDs returns ids that stores have been seen to confuse.
func trickyIDs() []string {
	ids := []string{
		"connection/acme/main", "Connection/acme/main", "connection/ACME/main", "connection/acme/MAIN",
		"connection/acme/main ", " connection/acme/main", "connection/acme//main", "connection/acme/main/",
		"connection/acme/./main", "connection/acme/../acme/main", "../connection/acme/main", "/connection/acme/main",
		"connection/acme%2Fmain", "connection/acme%2fmain", "connection%2Facme%2Fmain", "connection_acme_main",
		"connection.acme.main", "connection:acme:main", "connection-acme-main", `connection\acme\main`,
		"connection/acme/main.tmp", "connection/acme/main.lock", "connection/{acme}/main", "connection/acme/ma*n",
		"connection/acme/ma?n", "connection/acme/ma_n", "connection/acme/ma%n", "connection/acme/[m]ain",
		"connection/acme/1", "connection/acme/01", "connection/acme/1.0", "connection/acme/1e0",
		"connection/acme/'; --", `connection/acme/"`, "connection/acme/null", "connection/acme/NULL",
	}
	for c := byte(' '); c <= '~'; c++ {
		ids = append(ids, string(c))
	}
	return ids
}
