package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Sizes of the crowds. They are small enough for a store that needs 20 ms to save durably.
const (
	crowdSize = 24
	rounds    = 6
)

// concurrencyClauses say what holds when many goroutines use several handles at once.
var concurrencyClauses = []Clause{
	{"Of many Saves with version 0, one wins", func(p *probe) {
		a, b := p.pair()
		for round := range rounds {
			r := newRecord(fmt.Sprintf("connection/acme/%d", round), "")
			b.holds(oneWins(p, a, b, r, func(h handle, mine tokenstore.Record) error { return h.store.Save(h.ctx, mine) }))
		}
	}},
	{"Of many Saves with one version, one wins", func(p *probe) {
		a, b := p.pair()
		r := a.save(newRecord("connection/acme/main", "first"))
		for range rounds {
			r = oneWins(p, a, b, r, func(h handle, mine tokenstore.Record) error { return h.store.Save(h.ctx, mine) })
			b.holds(r)
		}
	}},
	{"Of many Deletes with one version, one wins", func(p *probe) {
		a, b := p.pair()
		for range rounds {
			r := a.save(newRecord("login/abc", "taken once"))
			oneWins(p, a, b, r, func(h handle, mine tokenstore.Record) error { return h.store.Delete(h.ctx, mine.ID, mine.Version) })
			b.lacks(r.ID)
		}
	}},
	{"Of Saves and Deletes with one version, one wins", func(p *probe) {
		a, b := p.pair()
		for round := range rounds {
			r := a.save(newRecord(fmt.Sprintf("connection/acme/%d", round), "first"))
			var saved, deleted atomic.Int32
			p.crowd(crowdSize, []handle{a, b}, func(i int, h handle) {
				won, err := &saved, error(nil)
				if i%4 < 2 {
					err = h.store.Save(h.ctx, r)
				} else {
					won, err = &deleted, h.store.Delete(h.ctx, r.ID, r.Version)
				}
				if wins(err) {
					won.Add(1)
				}
			})
			if n := saved.Load() + deleted.Load(); n != 1 {
				failf("%d Saves and %d Deletes of one version won, want one in all", saved.Load(), deleted.Load())
			}
			if r.Version++; saved.Load() == 1 {
				b.holds(r)
			} else {
				b.lacks(r.ID)
			}
		}
	}},
	{"A Save never conflicts with one of another record", func(p *probe) {
		a, b := p.pair()
		p.crowd(crowdSize, []handle{a, b}, func(i int, h handle) {
			r := newRecord(fmt.Sprintf("connection/acme/%d", i), "sealed")
			for range rounds {
				r = h.save(r)
			}
			h.holds(r)
			h.delete(r.ID, r.Version)
		})
	}},
	{"No change is lost when many load, change and save again until they win", func(p *probe) {
		a, b := p.pair()
		a.save(newRecord("connection/acme/main", "changed by "))
		p.crowd(crowdSize, []handle{a, b}, func(i int, h handle) {
			for n := 0; n < rounds; {
				r := h.load("connection/acme/main")
				r.Data = fmt.Appendf(r.Data, "%d ", i)
				if wins(h.store.Save(h.ctx, r)) {
					n++
				}
			}
		})
		r := b.load("connection/acme/main")
		count := map[string]int{}
		for _, word := range strings.Fields(string(r.Data)) {
			count[word]++
		}
		for i := range crowdSize {
			if n := count[fmt.Sprint(i)]; n != rounds {
				failf("of %d changes by goroutine %d, %d are in the record", rounds, i, n)
			}
		}
		if want := uint64(crowdSize*rounds + 1); r.Version != want {
			failf("got version %d, want %d", r.Version, want)
		}
	}},
	{"Load and List see a record whole while it is being saved", func(p *probe) {
		a, b := p.pair()
		r := a.save(patterned(tokenstore.Record{ID: "connection/acme/main"}))
		still := a.save(newRecord("connection/acme/still", "unchanged"))
		var done atomic.Bool
		var loads, lists atomic.Int64 // while it is being saved: on a busy machine, all saves may be over before the first
		p.crowd(3, []handle{a, b}, func(i int, h handle) {
			switch i {
			case 0:
				defer done.Store(true)
				for n := 0; n < 8*rounds || loads.Load() < enoughReads || lists.Load() < enoughReads; n++ {
					r = h.save(patterned(r))
				}
			case 1:
				defer loads.Store(enoughReads)
				for !done.Load() {
					checkPattern(h.load("connection/acme/main"))
					loads.Add(1)
				}
			case 2:
				defer lists.Store(enoughReads)
				for !done.Load() {
					got := h.list("connection/acme/", farAhead)
					for _, r := range got {
						if r.ID != still.ID {
							checkPattern(r)
						}
					}
					if !slices.ContainsFunc(got, func(r tokenstore.Record) bool { return same(r, still) }) {
						failf("a record that did not change is missing from a list while another is being saved")
					}
					lists.Add(1)
				}
			}
		})
	}},
	{"Every history of Loads, Saves and Deletes is as if they happened one after the other", func(p *probe) {
		a, b := p.pair()
		for round := range 4 {
			id := fmt.Sprintf("connection/acme/%d", round)
			if h := observe(p, []handle{a, b}, id); !h.linearizable() {
				failf("no order explains this history of %q:\n%s", id, h)
			}
		}
	}},
}

// enoughReads is how many reads must have met a Save.
const enoughReads = 8

// wins reports whether a Save or Delete won; it may lose by a conflict only.
func wins(err error) bool {
	if err != nil && !errors.Is(err, tokenstore.ErrConflict) {
		failf("got %v, want nil or an error wrapping ErrConflict", err)
	}
	return err == nil
}

// oneWins lets a crowd try at once, each with data of its own, and returns the winner's record as it must be stored.
func oneWins(p *probe, a, b handle, r tokenstore.Record, try func(handle, tokenstore.Record) error) tokenstore.Record {
	won := make([]bool, crowdSize)
	p.crowd(crowdSize, []handle{a, b}, func(i int, h handle) {
		mine := r
		mine.Data = fmt.Appendf(nil, "by %d", i)
		won[i] = wins(try(h, mine))
	})
	winner := slices.Index(won, true)
	if winner < 0 || slices.Contains(won[winner+1:], true) {
		failf("of %d at once with version %d, not one but these won: %v", crowdSize, r.Version, won)
	}
	r.Version++
	r.Data = fmt.Appendf(nil, "by %d", winner)
	return r
}

// patterned returns r with a due time and data that follow from the version it will have when saved; every other one is
// large.
func patterned(r tokenstore.Record) tokenstore.Record {
	version := r.Version + 1
	r.Due = soon.Add(time.Duration(version) * time.Hour)
	r.Data = bytes.Repeat(fmt.Appendf(nil, "version %d. ", version), 1+4000*int(version%2))
	return r
}

func checkPattern(got tokenstore.Record) {
	want := got
	want.Version--
	want = patterned(want)
	want.Version++
	if !same(got, want) {
		failf("got a record of several Saves: %s, want %s", short(got), short(want))
	}
}
