// Package crew deals with many connections, some at once: tenants take turns, a login host is asked for few at a time, and one
// that asks to be left alone is left alone while the others go on.
package crew

import (
	"container/heap"
	"container/list"
	"time"
)

// queue decides which item is next. It is data: it has no clock, no lock and no goroutine. What a method does for one item takes a
// time that does not depend on how many wait.
type queue[T any] struct {
	places int                   // items at work at once
	share  int                   // of those, of one tenant, while another one's can have the place
	atHost func(host string) int // of those, at one host; nil for no limit
	shared func(host string) bool

	running int
	waiting int
	tenants map[string]*tenant[T]
	hosts   map[string]*host[T]
	lines   map[lineName]*line[T]
	order   list.List // of *tenant[T] with lines that are ready; the next one comes first
	held    lineHeap[T]
	quiet   map[lineName]time.Time // until when a host is to be left alone, by the lines that its pause is for; see [queue.pauseOf]
	pauses  map[lineName]int       // so often it was since an item has succeeded there
}

// tenant is one with items that wait or are at work.
type tenant[T any] struct {
	busy  int
	ready list.List // of *line[T]
	place *list.Element
}

// host has the lines that wait for it to have a place, each tenant's in turn.
type host[T any] struct {
	busy   int
	parked list.List // of *line[T]
}

type lineName struct{ tenant, host string }

// line is what waits of one tenant at one host, in the order in which it came. It is ready, parked or held.
type line[T any] struct {
	lineName
	items list.List     // of *item[T]
	in    *list.List    // ready or parked
	place *list.Element // there
	until time.Time     // it is held; zero while it is not
	at    int           // place in the heap of those that are held
}

type item[T any] struct {
	lineName
	what  T
	tries int
}

func newQueue[T any](places int, atHost func(string) int, shared func(string) bool) *queue[T] {
	return &queue[T]{
		places: places, share: max(places*3/4, 1), atHost: atHost, shared: shared,
		tenants: map[string]*tenant[T]{}, hosts: map[string]*host[T]{}, lines: map[lineName]*line[T]{},
		quiet: map[lineName]time.Time{}, pauses: map[lineName]int{},
	}
}

func (q *queue[T]) add(it *item[T]) { q.enqueue(it, (*list.List).PushBack) }

func (q *queue[T]) enqueue(it *item[T], push func(*list.List, any) *list.Element) {
	q.waiting++
	l := q.lines[it.lineName]
	if l == nil {
		l = &line[T]{lineName: it.lineName}
		q.lines[it.lineName] = l
		q.ready(l)
	}
	push(&l.items, it)
}

// ready has a line wait for its tenant's turn.
func (q *queue[T]) ready(l *line[T]) {
	t := q.tenant(l.tenant)
	l.in, l.place = &t.ready, t.ready.PushBack(l)
	if t.place == nil {
		t.place = q.order.PushBack(t)
	}
}

// withdraw takes a line out of where it waits.
func (q *queue[T]) withdraw(l *line[T]) {
	if l.in == nil {
		return
	}
	l.in.Remove(l.place)
	l.in, l.place = nil, nil
	if t := q.tenants[l.tenant]; t != nil && t.place != nil && t.ready.Len() == 0 {
		q.order.Remove(t.place)
		t.place = nil
	}
}

// unpark has the line that has waited longest for a host wait for its tenant's turn: the host may have a place.
func (q *queue[T]) unpark(h *host[T]) {
	if e := h.parked.Front(); e != nil {
		l := e.Value.(*line[T])
		q.withdraw(l)
		q.ready(l)
	}
}

// next gives a place to the item whose turn it is. It returns nil when nothing may have a place now. All says that nobody else comes
// who needs the places beyond a tenant's share.
func (q *queue[T]) next(now time.Time, all bool) *item[T] {
	for len(q.held) > 0 && !q.held[0].until.After(now) {
		l := heap.Pop(&q.held).(*line[T])
		l.until = time.Time{}
		q.ready(l)
	}
	if q.running >= q.places {
		return nil
	}
	if it := q.take(q.share, now); it != nil || !all {
		return it
	}
	return q.take(q.places, now) // of a tenant that has its share, since nobody else can have the place
}

// take is next of a tenant that has fewer places than most.
func (q *queue[T]) take(most int, now time.Time) *item[T] {
	for e := q.order.Front(); e != nil; { // few tenants can have as many as that
		t, after := e.Value.(*tenant[T]), e.Next()
		for t.busy < most && t.ready.Len() > 0 {
			l := t.ready.Front().Value.(*line[T])
			if until, asked := q.quiet[q.pauseOf(l.lineName)]; asked && until.After(now) {
				q.hold(l, until)
				continue
			}
			h := q.host(l.host)
			if q.atHost != nil && l.host != "" && h.busy >= max(q.atHost(l.host), 1) {
				q.withdraw(l)
				l.in, l.place = &h.parked, h.parked.PushBack(l)
				continue
			}
			it := l.items.Remove(l.items.Front()).(*item[T])
			q.waiting--
			q.running++
			t.busy++
			h.busy++
			q.order.MoveToBack(e)
			if t.ready.MoveToBack(l.place); l.items.Len() == 0 {
				q.withdraw(l)
				delete(q.lines, l.lineName)
			}
			return it
		}
		e = after
	}
	return nil
}

// done gives an item's place back.
func (q *queue[T]) done(it *item[T]) {
	q.running--
	t, h := q.tenants[it.tenant], q.hosts[it.host]
	h.busy--
	q.unpark(h)
	if t.busy--; t.busy == 0 && t.ready.Len() == 0 {
		delete(q.tenants, it.tenant)
	}
	if h.busy == 0 && h.parked.Len() == 0 {
		delete(q.hosts, it.host)
	}
}

// pauseOf returns the lines that a host's pause is for: those of all tenants, unless the host serves many orgs.
func (q *queue[T]) pauseOf(l lineName) lineName {
	if q.shared == nil || !q.shared(l.host) {
		l.tenant = ""
	}
	return l
}

// again has an item, which has given its place back, wait once more. Its host is left alone until the given time.
func (q *queue[T]) again(it *item[T], until time.Time) {
	paused := q.pauseOf(it.lineName)
	if until.After(q.quiet[paused]) {
		q.quiet[paused] = until
	}
	q.enqueue(it, (*list.List).PushFront)
	if h := q.hosts[it.host]; h != nil { // a line that was to have the place may be held instead
		q.unpark(h)
	}
}

// hold has a ready line wait until a time.
func (q *queue[T]) hold(l *line[T], until time.Time) {
	q.withdraw(l)
	l.until = until
	heap.Push(&q.held, l)
}

// patient reports whether an item, which is to wait, may be tried again. A host that was left alone again and again for nothing is
// not waited for any more: else thousands of items would wait one after the other.
func (q *queue[T]) patient(it *item[T], now time.Time) bool {
	if it.tries++; it.tries >= tries {
		return false
	}
	paused := q.pauseOf(it.lineName)
	if q.quiet[paused].After(now) { // this one was under way with the one that has told first
		return true
	}
	if q.pauses[paused]+1 >= tries {
		return false
	}
	q.pauses[paused]++
	return true
}

// succeeded takes note that an item was dealt with.
func (q *queue[T]) succeeded(it *item[T]) { delete(q.pauses, q.pauseOf(it.lineName)) }

// wake returns when the first line is no longer held; false where none is.
func (q *queue[T]) wake() (time.Time, bool) {
	if len(q.held) == 0 {
		return time.Time{}, false
	}
	return q.held[0].until, true
}

func (q *queue[T]) tenant(name string) *tenant[T] {
	t := q.tenants[name]
	if t == nil {
		t = new(tenant[T])
		q.tenants[name] = t
	}
	return t
}

func (q *queue[T]) host(name string) *host[T] {
	h := q.hosts[name]
	if h == nil {
		h = new(host[T])
		q.hosts[name] = h
	}
	return h
}

// lineHeap has the line first that is held for the shortest time.
type lineHeap[T any] []*line[T]

func (h lineHeap[T]) Len() int           { return len(h) }
func (h lineHeap[T]) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h lineHeap[T]) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].at, h[j].at = i, j }
func (h *lineHeap[T]) Push(x any)        { l := x.(*line[T]); l.at = len(*h); *h = append(*h, l) }
func (h *lineHeap[T]) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return l
}
