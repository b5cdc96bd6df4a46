package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// listClauses say what List yields.
var listClauses = []Clause{
	{"List yields whole records", func(p *probe) {
		h := p.handle()
		want := h.save(h.save(newRecord("connection/acme/main", "sealed")))
		expect(h.list("connection/", farAhead), want)
	}},
	{"List yields the earliest due first", func(p *probe) {
		h := p.handle()
		var want []tokenstore.Record
		for i, due := range []time.Duration{3 * time.Second, -400 * 24 * time.Hour, 0, time.Microsecond, 24 * time.Hour, -time.Minute} {
			r := newRecord(fmt.Sprintf("connection/acme/%d", i), "sealed")
			r.Due = r.Due.Add(due)
			want = append(want, h.save(r))
		}
		slices.SortFunc(want, func(a, b tokenstore.Record) int { return a.Due.Compare(b.Due) })
		expect(h.list("connection/", farAhead), want...)
	}},
	{"List yields each record with its own id, version and data, however many there are", func(p *probe) {
		h := p.handle()
		var want []tokenstore.Record
		for i := range 60 {
			r := newRecord(fmt.Sprintf("connection/acme/%d", i*7%60), fmt.Sprint("data of ", i))
			r.Due = r.Due.Add(time.Duration(i) * time.Second)
			if r = h.save(r); i%2 == 1 {
				r = h.save(r)
			}
			want = append(want, r)
		}
		expect(h.list("connection/", farAhead), want...)
	}},
	{"List yields what is due before the given time and nothing due then or later", func(p *probe) {
		h := p.handle()
		early, onTime, late := newRecord("early", "1"), newRecord("on time", "2"), newRecord("late", "3")
		early.Due, late.Due = soon.Add(-time.Microsecond), soon.Add(time.Microsecond)
		early, onTime, late = h.save(early), h.save(onTime), h.save(late)
		expect(h.list("", early.Due))
		expect(h.list("", soon), early)
		expect(h.list("", late.Due), early, onTime)
		expect(h.list("", late.Due.Add(time.Microsecond)), early, onTime, late)
		expect(h.list("", time.Unix(0, 0).UTC()))
	}},
	{"A prefix is taken byte by byte, nothing in it is a pattern", func(p *probe) {
		h := p.handle()
		ids := []string{
			"connection/acme/main", "connection/acme/other", "connection/acme2/main", "connection/acme", "login/abc", "host/a",
			"connection/a_me/x", "connection/a%e/x", "connection/a*e/x", "connection/a?e/x", "connection/[a]/x",
			`connection/a\e/x`, `connection/a\\e/x`, "connection/a'e/x", "connection/a.e/x", "connection/a+e/x", "connection/^a$/x",
			"connection/{a}/x", "a b", "a  b", "a ", "~", "~~", "~~~x", "}", " ", "!", "0", "00",
		}
		saveAll(h, ids)
		for _, id := range ids {
			for n := range len(id) + 1 {
				if n > 1 && n < len(id)-3 { // the middle of long ids repeats itself
					continue
				}
				expectIDs(h, ids, id[:n])
			}
		}
		for _, prefix := range []string{"%", "_", "*", "?", "[", `\`, "connection/a%", "connection/a_", "connection/%/x", "connection/*/x", "connection/[a-z]", ".", "c.*", "~~~~", strings.Repeat("x", 255)} {
			expectIDs(h, ids, prefix)
		}
	}},
	{"A prefix tells upper from lower case", func(p *probe) {
		h := p.handle()
		ids := []string{"connection/acme/main", "connection/Acme/main", "CONNECTION/acme/main", "connection/acme/Main"}
		saveAll(h, ids)
		for _, prefix := range []string{"connection/", "CONNECTION/", "Connection/", "connection/a", "connection/A", "connection/acme/m"} {
			expectIDs(h, ids, prefix)
		}
	}},
	{"List follows a due time that is changed", func(p *probe) {
		h := p.handle()
		one, two := newRecord("one", "1"), newRecord("two", "2")
		two.Due = soon.Add(time.Hour)
		one, two = h.save(one), h.save(two)
		one.Due = two.Due.Add(time.Hour)
		one = h.save(one)
		expect(h.list("", farAhead), two, one)
		expect(h.list("", two.Due.Add(time.Minute)), two)
		one.Due = two.Due.Add(-time.Minute)
		one = h.save(one)
		expect(h.list("", farAhead), one, two)
		expect(h.list("", two.Due.Add(-time.Second)), one)
	}},
	{"List yields no deleted record", func(p *probe) {
		h := p.handle()
		stays, goes := h.save(newRecord("stays", "1")), h.save(newRecord("goes", "2"))
		h.delete(goes.ID, goes.Version)
		expect(h.list("", farAhead), stays)
	}},
	{"A long list holds each record once, also where many are due at once", func(p *probe) {
		h := p.handle()
		var ids []string
		for i := range 330 {
			r := newRecord(fmt.Sprintf("connection/acme/%03d", i*7%330), "sealed")
			r.Due = soon.Add(time.Duration(i%3) * time.Second)
			h.save(r)
			ids = append(ids, r.ID)
		}
		got := h.list("connection/", farAhead)
		if !slices.IsSortedFunc(got, func(a, b tokenstore.Record) int { return a.Due.Compare(b.Due) }) {
			failf("a list of %d records is not ordered by due time", len(got))
		}
		sameIDs("connection/", got, ids)
	}},
	{"A loop over List may end early", func(p *probe) {
		h := p.handle()
		saveAll(h, []string{"one", "two", "three"})
		for range h.store.List(h.ctx, "", farAhead) {
			break
		}
		h.save(newRecord("four", "after the loop"))
		sameIDs("", h.list("", farAhead), []string{"one", "two", "three", "four"})
	}},
	{"The body of a loop over List may use the store", func(p *probe) {
		h := p.handle()
		saveAll(h, []string{"one", "two", "three"})
		ctx, cancel := context.WithTimeout(h.ctx, 5*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() {
			done <- caught(func() {
				h := handle{ctx, h.store}
				for r, err := range h.store.List(h.ctx, "", farAhead) {
					if err != nil {
						failf("List: %w", err)
					}
					h.save(h.load(r.ID))
				}
			})
		}()
		select {
		case err := <-done:
			if err != nil {
				failf("%w", err)
			}
		case <-time.After(6 * time.Second):
			failf("a Load or Save in the body of a loop over List does not return")
		}
	}},
	{"The caller owns the data that List yields", func(p *probe) {
		h := p.handle()
		want := h.save(newRecord("connection/acme/main", "sealed"))
		for _, r := range h.list("", farAhead) {
			copy(r.Data, "SCRIBBLE")
		}
		expect(h.list("", farAhead), want)
		h.holds(want)
	}},
	{"List of a time after the year 9999 yields what is due at the last microsecond of that year", func(p *probe) {
		h := p.handle()
		last, other := newRecord("connection/acme/last", "1"), newRecord("login/abc", "2")
		last.Due = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
		last, other = h.save(last), h.save(other)
		for _, before := range []time.Time{noBound, noBound.In(time.FixedZone("east", 14*3600)), noBound.AddDate(1000, 0, 0)} {
			expect(h.list("connection/", before), last)
			expect(h.list("", before), other, last)
		}
	}},
}

func saveAll(h handle, ids []string) {
	for _, id := range ids {
		h.save(newRecord(id, "data of "+id))
	}
}

// expect fails unless got is want in this order.
func expect(got []tokenstore.Record, want ...tokenstore.Record) {
	if !slices.EqualFunc(got, want, same) {
		failf("List: got %s, want %s", shorts(got), shorts(want))
	}
}

// expectIDs fails unless a list of prefix holds those of ids that begin with it.
func expectIDs(h handle, ids []string, prefix string) {
	var want []string
	for _, id := range ids {
		if strings.HasPrefix(id, prefix) {
			want = append(want, id)
		}
	}
	sameIDs(prefix, h.list(prefix, farAhead), want)
}

// sameIDs fails unless got holds each id of want once, in any order.
func sameIDs(prefix string, got []tokenstore.Record, want []string) {
	left := map[string]int{}
	for _, id := range want {
		left[id]++
	}
	for _, r := range got {
		left[r.ID]--
	}
	for id, n := range left {
		switch {
		case n > 0:
			failf("List of %q: %q is missing", prefix, id)
		case n < 0:
			failf("List of %q: %q appears %d times too often", prefix, id, -n)
		}
	}
}

func shorts(records []tokenstore.Record) string {
	if len(records) == 0 {
		return "nothing"
	}
	var out []string
	for _, r := range records {
		out = append(out, short(r))
	}
	return strings.Join(out, ", ")
}
