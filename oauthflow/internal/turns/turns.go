// Package turns decides who of many that wait is next. It is data: it has no clock, no lock and no goroutine.
package turns

import (
	"container/list"
	"time"
)

// Turns decides which of many waiting items is next, where all places are shared by tenants: each tenant in turn, and of one
// tenant the item that has waited longest. One tenant has at most a part of the places, so that some are free for the others
// however long its items take. Its owner locks. Every method takes a time that does not depend on how many items wait.
type Turns[T comparable] struct {
	places    int // items that may be at work at once
	perTenant int // of those, of one tenant

	running int
	busy    map[string]int       // items at work, by tenant; a tenant with none is not in it
	lines   map[string]*queue[T] // of tenants with waiting items
	order   list.List            // of *queue[T]; the one that is next comes first
	at      map[T]*list.Element  // where an item waits
}

// queue is what waits of one tenant.
type queue[T comparable] struct {
	tenant string
	items  list.List // of T; the one that has waited longest comes first
	place  *list.Element
}

// New returns the turns of so many places, of which one tenant has at most so many.
func New[T comparable](places, perTenant int) *Turns[T] {
	return &Turns[T]{places: places, perTenant: perTenant, busy: map[string]int{}, lines: map[string]*queue[T]{}, at: map[T]*list.Element{}}
}

// Add lets an item wait for its turn.
func (t *Turns[T]) Add(tenant string, item T) {
	l := t.lines[tenant]
	if l == nil {
		l = &queue[T]{tenant: tenant}
		l.place = t.order.PushBack(l)
		t.lines[tenant] = l
	}
	t.at[item] = l.items.PushBack(item)
}

// Take gives a place to an item of the tenant at once, without a wait. It returns false when the item has to wait, or others wait.
func (t *Turns[T]) Take(tenant string) bool {
	if t.Waiting() > 0 || t.running >= t.places || t.busy[tenant] >= t.perTenant {
		return false
	}
	t.running++
	t.busy[tenant]++
	return true
}

// Ahead returns how many of the items that wait now would have their turn before another one of the tenant, at most.
func (t *Turns[T]) Ahead(tenant string) int {
	own := 0
	if l := t.lines[tenant]; l != nil {
		own = l.items.Len()
	}
	return min(t.Waiting(), (own+1)*t.order.Len())
}

// Waiting returns how many items wait.
func (t *Turns[T]) Waiting() int { return len(t.at) }

// Next gives a place to the item whose turn it is. It returns false when nothing waits, or nothing that may have a place now.
func (t *Turns[T]) Next() (tenant string, item T, ok bool) {
	if t.running >= t.places {
		return "", item, false
	}
	for e := t.order.Front(); e != nil; e = e.Next() { // few tenants can have all the places that one may have
		l := e.Value.(*queue[T])
		if t.busy[l.tenant] >= t.perTenant {
			continue
		}
		item = l.items.Front().Value.(T)
		t.order.MoveToBack(e)
		t.drop(l, item)
		t.running++
		t.busy[l.tenant]++
		return l.tenant, item, true
	}
	return "", item, false
}

// Running returns how many items have a place.
func (t *Turns[T]) Running() int { return t.running }

// Done gives an item's place back.
func (t *Turns[T]) Done(tenant string) {
	t.running--
	if t.busy[tenant]--; t.busy[tenant] == 0 {
		delete(t.busy, tenant)
	}
}

// Remove takes an item out that waits. It returns false when the item has a place already.
func (t *Turns[T]) Remove(tenant string, item T) bool {
	if t.at[item] == nil {
		return false
	}
	t.drop(t.lines[tenant], item)
	return true
}

// drop takes a waiting item out of its line, and the line away when it is empty.
func (t *Turns[T]) drop(l *queue[T], item T) {
	l.items.Remove(t.at[item])
	delete(t.at, item)
	if l.items.Len() == 0 {
		t.order.Remove(l.place)
		delete(t.lines, l.tenant)
	}
}

// Until returns how long it probably takes until an item has its turn that had so many ahead of it when it came, of which so many
// had theirs while it has waited for so long; 0 when none had, so that it cannot be told.
func Until(ahead, served int, waited time.Duration) time.Duration {
	if served <= 0 {
		return 0
	}
	return waited / time.Duration(served) * time.Duration(max(ahead+1-served, 1))
}
