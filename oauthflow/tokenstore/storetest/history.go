package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Kinds of operations in a history.
const (
	opLoad = iota
	opSave
	opDelete
)

// An operation is one call on the record of a history, between two ticks of a clock that all goroutines share.
type operation struct {
	kind       int
	version    uint64 // sent with a Save or Delete
	data       string // sent with a Save; no two are the same
	ok         bool   // nil was returned; else ErrConflict or, by a Load, ErrNotFound
	got        state  // what a Load found
	start, end int64
}

// A state is what a record holds; version 0 means there is none.
type state struct {
	version uint64
	data    string
}

// after returns the state that follows when op happens in s, and whether op could have ended as it did.
func (s state) after(op operation) (state, bool) {
	switch op.kind {
	case opLoad:
		return s, op.got == s && op.ok == (s.version > 0)
	case opSave:
		if !op.ok {
			return s, op.version != s.version
		}
		return state{op.version + 1, op.data}, op.version == s.version
	default:
		if !op.ok {
			return s, op.version != s.version || s.version == 0
		}
		return state{}, op.version == s.version && s.version > 0
	}
}

// A history is what several goroutines did to one record that did not exist before.
type history []operation

// linearizable reports whether there is an order of the operations, in which none comes before another that ended
// earlier than it started, that explains what each returned. It tries all orders, but no point twice: the same
// operations done and the same state reached.
func (h history) linearizable() bool {
	slices.SortFunc(h, func(a, b operation) int { return int(a.start - b.start) })
	type point struct {
		done string
		now  state
	}
	done := make([]byte, (len(h)+7)/8)
	seen := map[point]bool{}
	var explain func(now state, left int) bool
	explain = func(now state, left int) bool {
		if left == 0 {
			return true
		}
		at := point{string(done), now}
		if seen[at] {
			return false
		}
		seen[at] = true
		firstEnd := int64(1) << 62
		for i, op := range h {
			if done[i/8]&(1<<(i%8)) == 0 {
				firstEnd = min(firstEnd, op.end)
			}
		}
		for i, op := range h {
			if op.start > firstEnd {
				break
			}
			if done[i/8]&(1<<(i%8)) != 0 {
				continue
			}
			if next, could := now.after(op); could {
				done[i/8] |= 1 << (i % 8)
				if explain(next, left-1) {
					return true
				}
				done[i/8] &^= 1 << (i % 8)
			}
		}
		return false
	}
	return explain(state{}, len(h))
}

// String prints one operation a line, in the order of their starts.
func (h history) String() string {
	var b strings.Builder
	for _, op := range h {
		result := "conflict"
		if op.ok {
			result = "ok"
		}
		fmt.Fprintf(&b, "%4d–%-4d ", op.start, op.end)
		switch op.kind {
		case opLoad:
			fmt.Fprintf(&b, "Load   -> version %d %q\n", op.got.version, op.got.data)
		case opSave:
			fmt.Fprintf(&b, "Save   version %d %q -> %s\n", op.version, op.data, result)
		case opDelete:
			fmt.Fprintf(&b, "Delete version %d -> %s\n", op.version, result)
		}
	}
	return b.String()
}

// observe lets goroutines load, save and delete the record id at once, and returns what happened.
func observe(p *probe, over []handle, id string) history {
	const goroutines, steps = 6, "LSLLSLLLSDLL" // what each does, every one from another place on
	var clock atomic.Int64
	parts := make([]history, goroutines)
	p.crowd(goroutines, over, func(i int, h handle) {
		known := uint64(0) // the version last seen; often out of date
		for step := range len(steps) {
			op := operation{version: known, start: clock.Add(1)}
			switch steps[(step+2*i)%len(steps)] {
			case 'L':
				op.kind = opLoad
				r, err := h.store.Load(h.ctx, id)
				if err != nil && !errors.Is(err, tokenstore.ErrNotFound) {
					failf("Load: got %v, want nil or an error wrapping ErrNotFound", err)
				}
				if op.ok = err == nil; op.ok {
					op.got = state{r.Version, string(r.Data)}
				}
				known = op.got.version
			case 'S':
				op.kind, op.data = opSave, fmt.Sprintf("by %d at %d", i, step)
				op.ok = wins(h.store.Save(h.ctx, tokenstore.Record{ID: id, Version: known, Due: soon, Data: []byte(op.data)}))
				if op.ok {
					known++
				}
			case 'D':
				op.kind = opDelete
				op.ok = wins(h.store.Delete(h.ctx, id, known))
				if op.ok {
					known = 0
				}
			}
			op.end = clock.Add(1)
			parts[i] = append(parts[i], op)
		}
	})
	return slices.Concat(parts...)
}
