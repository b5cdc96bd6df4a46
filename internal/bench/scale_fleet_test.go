package bench

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// voyage is one simulation in virtual time: real Managers over one store, with their keep-alive running.
type voyage struct {
	connections, workers int
	within               time.Duration // all are connected within this time, as after an import
	length               time.Duration
	use                  time.Duration // between two calls of a connection, on average, each by any worker; 0: never
	session              time.Duration
}

// logbook is what a voyage came to.
type logbook struct {
	voyage
	hours     []operations
	refreshes []int // by the hour
	bytes     int   // of all records' data, at the end

	twice, needless, idled, calls, failed int
}

// sail makes the voyage.
func (v voyage) sail(t *testing.T) (l logbook) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, o := newMeteredStore(), newOrgs(v.connections, v.session)
		fleet := make([]*oauthflow.Manager, v.workers)
		for i := range fleet {
			fleet[i] = manager(t, o, s)
		}
		ctx, end := context.WithTimeout(t.Context(), v.length)
		defer end()
		var crew sync.WaitGroup
		for _, m := range fleet {
			crew.Go(func() { _ = m.KeepAlive(ctx) }) // ends with ctx
		}
		failed := make([]int, v.connections)
		for i := range v.connections {
			crew.Go(func() { failed[i] = v.serve(ctx, fleet, o, i) })
		}
		crew.Wait()
		for _, n := range failed {
			l.failed += n
		}
		for _, g := range o.grants {
			if time.Since(g.issued) > o.idle {
				o.idled++
			}
		}
		l = logbook{v, s.hours, o.refreshes, s.bytes, o.twice, o.needless, o.idled, o.calls, l.failed}
	})
	return l
}

// serve connects one org and calls it now and then. It returns how many calls failed.
func (v voyage) serve(ctx context.Context, fleet []*oauthflow.Manager, base http.RoundTripper, i int) (failed int) {
	time.Sleep(rand.N(v.within))
	if err := adoptOne(ctx, fleet[i%len(fleet)], i); err != nil {
		return 1
	}
	for v.use > 0 {
		wait := time.NewTimer(rand.N(2 * v.use))
		select {
		case <-ctx.Done():
			wait.Stop()
			return failed
		case <-wait.C:
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+orgHost(i)+"/services/data", nil)
		if err != nil {
			return failed + 1
		}
		resp, err := fleet[rand.IntN(len(fleet))].Source(scaleKey(i)).Transport(base).RoundTrip(req)
		if err == nil && resp.StatusCode == http.StatusOK {
			continue
		}
		if ctx.Err() == nil {
			failed++
		}
	}
	return failed
}

// settled returns the whole hours after the start, in which nothing but the fleet's daily life happens.
func (l logbook) settled() (hours []operations, refreshes []int) {
	from, to := int(l.within/time.Hour)+1, int(l.length/time.Hour)
	at := make([]int, to)
	copy(at, l.refreshes)
	ops := make([]operations, to)
	copy(ops, l.hours)
	return ops[from:], at[from:]
}

// hourly are the means of an hour, for one connection or worker.
type hourly struct {
	loads, saves, conflicts, refreshes float64 // of a connection
	lists                              float64 // of a worker
	listed                             float64 // of a connection and worker
}

func (l logbook) hourly() hourly {
	hours, refreshes := l.settled()
	var sum operations
	n := 0
	for i := range hours {
		sum = sum.plus(hours[i])
		n += refreshes[i]
	}
	h := float64(len(hours))
	c, w := h*float64(l.connections), h*float64(l.workers)
	return hourly{
		loads: float64(sum.loads) / c, saves: float64(sum.saves) / c, conflicts: float64(sum.conflicts) / c, refreshes: float64(n) / c,
		lists: float64(sum.lists) / w, listed: float64(sum.listed) / c / float64(l.workers),
	}
}

// busiest returns the greatest share of the fleet that is refreshed in an hour, in percent: the mean of six hours, since
// a small fleet's single hours are noise.
func (l logbook) busiest() float64 {
	_, refreshes := l.settled()
	most := 0
	for i := 6; i <= len(refreshes); i++ {
		n := 0
		for _, r := range refreshes[i-6 : i] {
			n += r
		}
		most = max(most, n)
	}
	return 100 * float64(most) / 6 / float64(l.connections)
}
