package bench

import (
	"flag"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// connections are as many as take half a minute.
var connections = flag.Int("connections", million/16, "connections whose memory is measured")

// footprint is what a worker keeps in memory of one connection, in bytes: when it has handed out its token, when it has
// also called its org, and when it has also refreshed it.
type footprint struct{ handed, called, refreshed float64 }

// measureMemory looks at connections to as many orgs, each at a login host of its own. What a caller keeps is not
// counted; the text of the keys is, since it comes with a request.
func measureMemory(t *testing.T, connections int) footprint {
	t.Helper()
	o := newOrgs(connections, time.Hour)
	o.latency = 0
	s := tokenstore.NewMemory()
	filler, m := manager(t, o, s), manager(t, o, s)
	each := func(do func(i int) error) {
		var both sync.WaitGroup
		for part := range 2 {
			both.Go(func() {
				for i := part; i < connections; i += 2 {
					if err := do(i); err != nil {
						t.Errorf("connection %d: %v", i, err)
						return
					}
				}
			})
		}
		both.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
	growth := func(do func(i int) error) float64 {
		before := heap()
		each(do)
		return float64(int64(heap()-before)) / float64(connections)
	}
	call := func(i int) error {
		req, err := http.NewRequest(http.MethodGet, fmt.Sprintf("https://%s/services/data", orgHost(i)), nil)
		if err != nil {
			return err
		}
		resp, err := m.Source(scaleKey(i)).Transport(o).RoundTrip(req)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d", resp.StatusCode)
		}
		return err
	}
	each(func(i int) error { return adoptOne(t.Context(), filler, i) })
	var f footprint
	f.handed = growth(func(i int) error {
		_, err := m.Source(scaleKey(i)).TokenContext(t.Context())
		return err
	})
	f.called = f.handed + growth(call)
	o.endSessions()
	f.refreshed = f.called + growth(call)
	return f
}
