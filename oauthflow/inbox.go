package oauthflow

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// inbox holds the events that wait for the observer, in the order in which they happened. Routine events and alerts have room
// apart, so that no number of logins or refreshes keeps an alert out, and one tenant never takes all of a room. What finds no
// room is counted by its type.
type inbox struct {
	wake chan struct{} // has something when events wait

	mu      sync.Mutex
	waiting []*Event
	last    map[Key]*Event // the newest waiting event of each connection
	routine room
	alerts  room
	missed  map[EventType]int
}

const (
	eventRoom    = 2048 // waiting events, in each of the two rooms
	coalesceFrom = 64   // waiting events from which on one that repeats its connection's last is added to that
)

func newInbox() inbox {
	return inbox{
		wake: make(chan struct{}, 1), last: map[Key]*Event{}, missed: map[EventType]int{},
		routine: newRoom(eventRoom), alerts: newRoom(eventRoom),
	}
}

// room counts what waits of one class.
type room struct {
	places  int
	used    int
	tenants map[string]int
}

func newRoom(places int) room { return room{places: places, tenants: map[string]int{}} }

// admits reports whether the next of a tenant has room: it has as long as the tenant uses less than is free. So a single
// tenant has half, several that flood it have equal parts, and there is always something left for another.
func (r *room) admits(tenant string) bool { return r.tenants[tenant] < r.places-r.used }

func (r *room) enter(tenant string) {
	r.used++
	r.tenants[tenant]++
}

func (r *room) leave(tenant string) {
	r.used--
	if r.tenants[tenant]--; r.tenants[tenant] == 0 {
		delete(r.tenants, tenant)
	}
}

func (b *inbox) roomOf(t EventType) *room {
	if t.routine() {
		return &b.routine
	}
	return &b.alerts
}

// routine reports whether events of the type are many where everything is in order, and one more or less tells nothing.
func (t EventType) routine() bool {
	switch t {
	case EventConnected, EventAbandoned, EventRefreshed, EventRotated, EventClient, EventKind, EventMoved, EventResealed,
		EventRevoked, EventInstance:
		return true
	}
	return false
}

// put adds an event, and reports whether it will be told.
func (b *inbox) put(e Event) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if last := b.last[e.Key]; last != nil && len(b.waiting) >= coalesceFrom && last.Type == e.Type && e.Type.routine() {
		e.Count += last.Count
		*last = e
		return true
	}
	r := b.roomOf(e.Type)
	if !r.admits(e.Key.Tenant) {
		b.missed[e.Type] += e.Count
		return false
	}
	r.enter(e.Key.Tenant)
	b.waiting = append(b.waiting, &e)
	b.last[e.Key] = &e
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return true
}

// take returns the event that has waited longest.
func (b *inbox) take() (Event, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.waiting = nil // what was taken from keeps its memory
		return Event{}, false
	}
	e := b.waiting[0]
	b.waiting[0] = nil
	b.waiting = b.waiting[1:]
	b.roomOf(e.Type).leave(e.Key.Tenant)
	if b.last[e.Key] == e {
		delete(b.last, e.Key)
	}
	return *e, true
}

// takeMissed returns what was missed since the last call, one event for each type.
func (b *inbox) takeMissed(now time.Time) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Event
	for _, t := range slices.Sorted(maps.Keys(b.missed)) {
		out = append(out, Event{Type: EventMissed, Missed: t, Count: b.missed[t], At: now})
	}
	clear(b.missed)
	return out
}

// dropped returns how many events found no room since the observer was told of such last.
func (b *inbox) dropped() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, count := range b.missed {
		n += count
	}
	return n
}

func (b *inbox) empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) == 0
}
