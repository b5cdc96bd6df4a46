//go:build linux || darwin

package filestore_test

import (
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// inMemory makes a folder in memory, where nobody waits for a disk.
func inMemory(t testing.TB) string {
	t.Helper()
	const memory = "/dev/shm"
	if _, err := os.Stat(memory); err != nil {
		needs.Missing(t, "no %s, and on a disk it takes minutes", memory)
	}
	dir, err := os.MkdirTemp(memory, "filestore")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// fill opens a store with many records, in memory where nobody waits for a disk.
func fill(t testing.TB, records int) *filestore.Store {
	t.Helper()
	dir := inMemory(t)
	s := open(t, dir)
	var wg sync.WaitGroup
	const writers = 8
	for w := range writers {
		wg.Go(func() {
			for i := w; i < records; i += writers {
				r := recordAt(fmt.Sprintf("connection/tenant-%d/main", i), 0)
				r.Due = due(i)
				if err := s.Save(t.Context(), r); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return s
}

// due spreads records over time in another order than they are saved; some are due at once.
func due(i int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, i*7919%9000, 0, time.UTC)
}

func TestALongListHoldsEveryRecordInOrder(t *testing.T) {
	needs.Patience(t)
	const records = 17000
	s := fill(t, records)
	seen := map[string]bool{}
	var last time.Time
	for r, err := range s.List(t.Context(), "connection/", due(0).AddDate(1, 0, 0)) {
		must(t, err)
		if r.Due.Before(last) {
			t.Fatalf("%s is due %v, before the one it follows", r.ID, r.Due)
		}
		last = r.Due
		seen[r.ID] = true
	}
	if len(seen) != records {
		t.Errorf("got %d records, want %d", len(seen), records)
	}
}

// The benchmarks are what the package comment says about the cost of a list.
func BenchmarkListTheTenFirstOf100000(b *testing.B) {
	s := fill(b, 100_000)
	for b.Loop() {
		listed(b, s, 10)
	}
}

func BenchmarkListAll100000(b *testing.B) {
	s := fill(b, 100_000)
	for b.Loop() {
		listed(b, s, 100_000)
	}
}

func listed(b *testing.B, s *filestore.Store, most int) {
	n := 0
	for _, err := range s.List(b.Context(), "", due(0).AddDate(1, 0, 0)) {
		if n++; err != nil || n == most {
			break
		}
	}
	if n != most {
		b.Fatalf("got %d records, want %d", n, most)
	}
}
