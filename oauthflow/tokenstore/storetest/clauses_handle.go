package storetest

import (
	"fmt"
	"time"
)

// handleClauses say what several processes see of each other.
var handleClauses = []Clause{
	{"What one handle saved, another loads at once", func(p *probe) {
		a, b := p.pair()
		b.lacks("connection/acme/main")
		r := newRecord("connection/acme/main", "sealed")
		for i := range 6 {
			r.Data = fmt.Appendf(nil, "sealed %d", i)
			r.Due = r.Due.Add(time.Minute)
			r = a.save(r)
			b.holds(r)
			if i%2 == 1 {
				a, b = b, a
			}
		}
	}},
	{"What one handle saved, another lists at once", func(p *probe) {
		a, b := p.pair()
		expect(b.list("", farAhead))
		r := newRecord("connection/acme/main", "sealed")
		for range 4 {
			r.Due = r.Due.Add(time.Minute)
			r = a.save(r)
			expect(b.list("", farAhead), r)
			a, b = b, a
		}
	}},
	{"A version that one handle replaced is refused to another", func(p *probe) {
		a, b := p.pair()
		old := a.save(newRecord("connection/acme/main", "first"))
		b.holds(old)
		r := a.save(old)
		b.refuseSave(old)
		b.refuseDelete(old.ID, old.Version)
		b.refuseSave(newRecord(old.ID, "as if new"))
		a.holds(r)
	}},
	{"What one handle deleted, another neither loads nor lists", func(p *probe) {
		a, b := p.pair()
		r := a.save(newRecord("connection/acme/main", "goes"))
		b.holds(r)
		a.delete(r.ID, r.Version)
		b.lacks(r.ID)
		expect(b.list("", farAhead))
		b.refuseDelete(r.ID, r.Version)
	}},
	{"A handle that is opened later finds every record", func(p *probe) {
		a := p.handle()
		one, two := a.save(newRecord("one", "1")), a.save(a.save(newRecord("two", "2")))
		b := p.handle()
		b.holds(one)
		b.holds(two)
		expect(b.list("o", farAhead), one)
		a.holds(b.save(two))
	}},
}
