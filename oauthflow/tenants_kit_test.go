package oauthflow_test

import (
	"fmt"
	"maps"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// The tenant that tries to be the others' trouble.
const rival = "rival"

func rivalKey(i int) oauthflow.Key {
	return oauthflow.Key{Tenant: rival, Name: fmt.Sprint("c", i)}
}

// copied stores copies of the record of the connection from as the rival's connections 0 to n-1, each changed, and due at a
// time.
func (v foreigner) copied(s tokenstore.Store, from string, n int, due time.Time, change func(i int, fields map[string]any)) {
	v.t.Helper()
	r, err := s.Load(v.t.Context(), from)
	if err != nil {
		v.t.Fatal(err)
	}
	original := v.read(r)
	for i := range n {
		fields := maps.Clone(original)
		fields["Key"] = rivalKey(i)
		client := maps.Clone(fields["Client"].(map[string]any))
		fields["Client"] = client
		if change != nil {
			change(i, fields)
		}
		v.write(s, tokenstore.Record{ID: fmt.Sprintf("connection/%s/c%d", rival, i), Due: due}, fields)
	}
}

// heap is what is in use after a collection.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// silent is a manager that says nothing.
func silent(c *oauthflow.ManagerConfig) { c.Observe, c.Logger = nil, nil }

// gauge counts a store's calls.
type gauge struct{ loads, saves, lists, deletes atomic.Int32 }

func (g *gauge) reset() {
	for _, n := range []*atomic.Int32{&g.loads, &g.saves, &g.lists, &g.deletes} {
		n.Store(0)
	}
}

func (g *gauge) want(t *testing.T, what string, loads, saves, lists int32) {
	t.Helper()
	if l, s, n := g.loads.Load(), g.saves.Load(), g.lists.Load(); l > loads || s > saves || n > lists || g.deletes.Load() > 0 {
		t.Errorf("%s cost %d loads, %d saves, %d lists and %d deletions, want at most %d, %d, %d and 0", what, l, s, n, g.deletes.Load(), loads, saves, lists)
	}
}
