package bench

import (
	queue "container/heap"
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// operations are what a store was asked for.
type operations struct {
	loads, saves, conflicts, deletes, lists, listed int
}

func (o operations) plus(p operations) operations {
	return operations{o.loads + p.loads, o.saves + p.saves, o.conflicts + p.conflicts, o.deletes + p.deletes, o.lists + p.lists, o.listed + p.listed}
}

// meteredStore is a store in memory that counts by the hour, and keeps what is due in order as a database's index does.
type meteredStore struct {
	begun time.Time

	mu      sync.Mutex
	records map[string]tokenstore.Record
	due     map[string]*dueOrder // by what ids begin with, up to the first slash
	hours   []operations
	bytes   int
}

func newMeteredStore() *meteredStore {
	return &meteredStore{begun: time.Now(), records: map[string]tokenstore.Record{}, due: map[string]*dueOrder{}}
}

// count changes the present hour's operations. The caller holds the lock.
func (s *meteredStore) count(f func(*operations)) {
	h := int(time.Since(s.begun) / time.Hour)
	for len(s.hours) <= h {
		s.hours = append(s.hours, operations{})
	}
	f(&s.hours[h])
}

func (s *meteredStore) Load(_ context.Context, id string) (tokenstore.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(func(o *operations) { o.loads++ })
	r, ok := s.records[id]
	if !ok {
		return r, tokenstore.ErrNotFound
	}
	r.Data = slices.Clone(r.Data)
	return r, nil
}

func (s *meteredStore) Save(_ context.Context, r tokenstore.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(func(o *operations) { o.saves++ })
	old := s.records[r.ID]
	if old.Version != r.Version {
		s.count(func(o *operations) { o.conflicts++ })
		return tokenstore.ErrConflict
	}
	r.Version++
	r.Data = slices.Clone(r.Data)
	s.records[r.ID] = r
	s.bytes += len(r.Data) - len(old.Data)
	kind, _, _ := strings.Cut(r.ID, "/")
	if s.due[kind] == nil {
		s.due[kind] = &dueOrder{}
	}
	queue.Push(s.due[kind], dueRecord{r.Due, r.ID, r.Version})
	return nil
}

func (s *meteredStore) Delete(_ context.Context, id string, version uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(func(o *operations) { o.deletes++ })
	r, ok := s.records[id]
	if !ok || r.Version != version {
		return tokenstore.ErrConflict
	}
	s.bytes -= len(r.Data)
	delete(s.records, id)
	return nil
}

// List yields what is due, one look at a time; a record counts as listed when it is yielded.
func (s *meteredStore) List(_ context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		for _, r := range s.dueBefore(prefix, before) {
			s.mu.Lock()
			s.count(func(o *operations) { o.listed++ })
			s.mu.Unlock()
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (s *meteredStore) dueBefore(prefix string, before time.Time) (out []tokenstore.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count(func(o *operations) { o.lists++ })
	asked, _, _ := strings.Cut(prefix, "/")
	for kind, order := range s.due {
		if asked != "" && kind != asked {
			continue
		}
		var there []tokenstore.Record
		for order.Len() > 0 && (*order)[0].due.Before(before) {
			d := queue.Pop(order).(dueRecord)
			if r := s.records[d.id]; r.Version == d.version { // else it has been saved again since
				there = append(there, r)
			}
		}
		for _, r := range there {
			queue.Push(order, dueRecord{r.Due, r.ID, r.Version})
		}
		out = append(out, there...)
	}
	slices.SortFunc(out, func(a, b tokenstore.Record) int { return a.Due.Compare(b.Due) })
	return out
}

// dueRecord says when a version of a record is due.
type dueRecord struct {
	due     time.Time
	id      string
	version uint64
}

type dueOrder []dueRecord

func (o dueOrder) Len() int           { return len(o) }
func (o dueOrder) Less(i, j int) bool { return o[i].due.Before(o[j].due) }
func (o dueOrder) Swap(i, j int)      { o[i], o[j] = o[j], o[i] }
func (o *dueOrder) Push(x any)        { *o = append(*o, x.(dueRecord)) }
func (o *dueOrder) Pop() any {
	last := len(*o) - 1
	x := (*o)[last]
	*o = (*o)[:last]
	return x
}
