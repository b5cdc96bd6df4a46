package tokenstore

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"
)

// Memory is a [Store] in the memory of one process, for tests and examples. All records are lost when the process ends. With
// refresh token rotation, the connections are then lost, too. Call [NewMemory] to make one: Save on the zero value panics. Its
// methods are safe for concurrent use. Its errors wrap the errors of this package or are the error of ctx.
type Memory struct {
	mu      sync.Mutex
	records map[string]Record
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store. Each call returns a store of its own.
func NewMemory() *Memory { return &Memory{records: map[string]Record{}} }

// Load implements [Store]. It returns [ErrNotFound] for an invalid id. It returns no Timeline.
func (s *Memory) Load(ctx context.Context, id string) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	if !ok {
		return Record{}, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// Save implements [Store]. It ignores r.Timeline.
func (s *Memory) Save(ctx context.Context, r Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Validate(); err != nil {
		return fmt.Errorf("memory store: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[r.ID].Version != r.Version {
		return fmt.Errorf("%w: %s", ErrConflict, r.ID)
	}
	r.Version++
	r.Timeline = ""
	r.Due = r.Due.UTC().Truncate(time.Microsecond)
	r.Data = bytes.Clone(r.Data)
	s.records[r.ID] = r
	return nil
}

// Delete implements [Store]. It returns [ErrConflict] for an invalid id.
func (s *Memory) Delete(ctx context.Context, id string, version uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.records[id]; !ok || r.Version != version {
		return fmt.Errorf("%w: %s", ErrConflict, id)
	}
	delete(s.records, id)
	return nil
}

// List implements [Store]. It takes a snapshot of the selected records when the loop begins. Later changes do not show. The only
// error is the error of ctx. Records with the same Due come in the order of their ids.
func (s *Memory) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range s.matching(prefix, before) {
			if err := ctx.Err(); err != nil {
				yield(Record{}, err)
				return
			}
			r.Data = bytes.Clone(r.Data)
			if !yield(r, nil) {
				return
			}
		}
	}
}

// matching returns what is to be listed, in order. The data are the store's own, which are never changed.
func (s *Memory) matching(prefix string, before time.Time) []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Record
	for id, r := range s.records {
		if strings.HasPrefix(id, prefix) && (r.Due.Before(before) || before.UTC().Year() > 9999) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int {
		if c := a.Due.Compare(b.Due); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}
