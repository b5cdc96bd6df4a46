package bench

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// footprint is what a worker keeps in memory of one connection, in bytes: when it has used it, and when it has also
// refreshed it.
type footprint struct{ used, refreshed float64 }

// measureMemory looks at connections to as many orgs, since some of the memory is kept by login host.
func measureMemory(t *testing.T, connections int) footprint {
	t.Helper()
	o := newOrgs(connections, time.Hour)
	o.latency = 0
	s := oauthflow.NewMemoryStore()
	filler, m := manager(t, o, s), manager(t, o, s)
	keys := make([]oauthflow.Key, connections)
	for i := range keys {
		keys[i] = scaleKey(i)
		if err := adoptOne(t.Context(), filler, i); err != nil {
			t.Fatal(err)
		}
	}
	call := func(i int) {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("https://%s/services/data", orgHost(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := m.Source(keys[i]).Transport(o).RoundTrip(req); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatal("a call failed: ", err)
		}
	}
	growth := func() float64 {
		before := heap()
		for i := range keys {
			call(i)
		}
		return float64(int64(heap()-before)) / float64(connections)
	}
	f := footprint{used: growth()}
	o.endSessions()
	f.refreshed = f.used + growth()
	return f
}
