package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var (
	listSizes  = flag.String("list-sizes", "500,2000,16000", "numbers of connections that TestRow11 lists")
	listStores = flag.String("list-stores", "memory,filestore,SQLite,PostgreSQL,MariaDB,Redis", "stores whose lists it measures")
	listWork   = flag.String("list-work", "", "what it does with them, parts of names; all where empty")
	listRounds = flag.Int("list-rounds", 2, "how often")
	listWrites = flag.String("list-writes", "memory,filestore", "stores in which it also changes every connection, which takes long")
	writeSizes = flag.String("list-write-sizes", "250,1000,8000", "numbers of connections that it changes")
)

// listing is something that goes through all connections.
type listing struct {
	name  string
	dues  string // when they are due: what changes no record shares a store with others of the same
	due   func(i int) time.Time
	fresh bool // it changes records
	do    func(t *testing.T, s tokenstore.Store, n int)
}

// atOnce is a due time of all: what is due without an idle limit, or after an import.
func atOnce(int) time.Time { return time.Now().AddDate(1, 0, 0).Truncate(24 * time.Hour) }

// overdue returns due times of which the given share is past; the others are spread over six days to come.
func overdue(percent int) func(i int) time.Time {
	return func(i int) time.Time {
		if i%100 < percent {
			return time.Now().Add(-time.Hour + time.Duration(i)*time.Microsecond)
		}
		return time.Now().Add(time.Hour + time.Duration(i)*7919*time.Second%(144*time.Hour))
	}
}

func listings() []listing {
	list := func(t *testing.T, s tokenstore.Store, n int) {
		got := 0
		for _, err := range manager(t, &transport{}, s).List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			got++
		}
		if got != n {
			t.Errorf("List: %d of %d", got, n)
		}
	}
	out := []listing{
		{"List, one due time", "at once", atOnce, false, list},
		{"LegacyLeft, one due time", "at once", atOnce, false, func(t *testing.T, s tokenstore.Store, n int) {
			if got, err := connector(t, s).LegacyLeft(t.Context()); err != nil || got != 0 { // they are all of external client apps
				t.Errorf("LegacyLeft: %d and %v", got, err)
			}
		}},
		{"List", "later", overdue(0), false, list},
		{"Reseal", "", atOnce, true, func(t *testing.T, s tokenstore.Store, n int) {
			told := 0
			m := managerWith(t, &transport{}, s, tokenstore.GenerateSealingKey("next"), benchKey)
			if err := m.Reseal(t.Context(), func(done, _ int) { told = done }); err != nil || told != 2*n {
				t.Errorf("Reseal: %d of %d, %v", told, 2*n, err)
			}
		}},
		{"DisconnectEveryTenant", "", atOnce, true, func(t *testing.T, s tokenstore.Store, n int) {
			told := 0
			err := connector(t, s).DisconnectEveryTenant(t.Context(), fullcast.Filter{}, func(p fullcast.Progress) { told = p.Done })
			if err != nil || told != n {
				t.Errorf("DisconnectEveryTenant: %d of %d, %v", told, n, err)
			}
		}},
	}
	for _, percent := range []int{0, 1, 100} {
		out = append(out, listing{fmt.Sprintf("sweep, %d %% due", percent), "later", overdue(percent), percent > 0,
			func(t *testing.T, s tokenstore.Store, n int) { sweep(t, s, (n*percent+99)/100) }})
	}
	return out
}

func connector(t *testing.T, s tokenstore.Store) *fullcast.Connector {
	t.Helper()
	keys, err := tokenstore.NewKeyring(benchKey)
	if err != nil {
		t.Fatal(err)
	}
	c, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Store: s, Keyring: keys, Environment: environment, Transport: &revoker{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// revoker answers every request as Salesforce answers a revocation.
type revoker struct{}

func (*revoker) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// watchedLists is a store that says when a list has ended.
type watchedLists struct {
	tokenstore.Store
	ended chan string // the prefix
}

func (s *watchedLists) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		s.Store.List(ctx, prefix, before)(yield)
		s.ended <- prefix
	}
}

// sweep runs the keep-alive until it has listed all that is due and has refreshed it.
func sweep(t *testing.T, s tokenstore.Store, due int) {
	t.Helper()
	rt := &transport{}
	w := &watchedLists{s, make(chan string, 1<<16)}
	m, err := newManager(rt, w, benchKey)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var keeper sync.WaitGroup
	keeper.Go(func() { _ = m.KeepAlive(ctx) }) // ends with ctx
	<-w.ended
	for begin := time.Now(); rt.posts.Load() < int64(due); time.Sleep(time.Millisecond) {
		if time.Since(begin) > 10*time.Minute {
			t.Fatalf("%d refreshes of %d that are due", rt.posts.Load(), due)
		}
	}
	cancel()
	keeper.Wait()
	if err := m.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if n := rt.posts.Load(); n != int64(due) {
		t.Errorf("%d refreshes of %d that are due", n, due)
	}
}

// TestRow11Lists has a row for each store and each way to go through all connections: how the time grows with their number, as
// the slope between logarithms, of which 1 is linear. Where the machine is busy, the spread says how much a slope tells.
func TestRow11Lists(t *testing.T) {
	quiet(t)
	reads, writes := numbers(t, *listSizes), numbers(t, *writeSizes)
	c := newCrowd(t)
	judge(t, byCaches, func(longer int) (rows []row) {
		for store := range strings.SplitSeq(*listStores, ",") {
			filled := map[string]backEnd{}
			for _, l := range listings() {
				sizes := reads
				if l.fresh {
					sizes = writes
				}
				if strings.Contains(l.name, *listWork) && (!l.fresh || strings.Contains(*listWrites, store)) {
					rows = append(rows, c.row(t, store, l, sizes, *listRounds*longer, filled)...)
				}
			}
		}
		return rows
	})
}

func numbers(t *testing.T, text string) (out []int) {
	t.Helper()
	for s := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

// row measures one listing in one store; nothing where that is not here.
func (c crowd) row(t *testing.T, store string, l listing, sizes []int, rounds int, filled map[string]backEnd) []row {
	t.Helper()
	best, slopes := make([]float64, len(sizes)), make([]float64, rounds)
	for round := range rounds {
		took := make([]float64, len(sizes))
		for i, n := range sizes {
			name := fmt.Sprint(l.dues, n)
			b, there := filled[name]
			if l.fresh || !there {
				b = crowded(t)[store](t)
				if b.err != nil {
					fmt.Printf("%s is not measured: %v\n", store, b.err)
					return nil
				}
				c.into(t, b, n, l.due)
			}
			if !l.fresh {
				filled[name] = b
			}
			restore := uncollected()
			runtime.GC()
			clock := clockOf(b)
			begin := clock()
			l.do(t, b.store, n)
			took[i] = (clock() - begin).Seconds()
			restore()
			if best[i] == 0 || took[i] < best[i] {
				best[i] = took[i]
			}
			if l.fresh && b.drop != nil {
				b.drop()
			}
		}
		slopes[round] = slope(sizes, took)
	}
	var told []string
	for i, n := range sizes {
		told = append(told, fmt.Sprintf("%d: %.3f s", n, best[i]))
	}
	got, peer := 0.0, strings.Join(told, ", ")
	if tells := 0.01; slices.Max(best) >= tells {
		got, peer = slope(sizes, best), fmt.Sprintf("%s; slopes of rounds %.2f to %.2f", peer, slices.Min(slopes), slices.Max(slopes))
	} else {
		peer += "; too little to grow"
	}
	return []row{{"11", store + ", " + l.name, peer, counted(got), maxSlope, "of log to log"}}
}

// clockOf returns the clock for a store: CPU time where all the work is done in this process, so that others on the machine
// are not counted.
func clockOf(b backEnd) func() time.Duration {
	switch b.kind() {
	case "memory", "filestore", "SQLite":
		return processTime
	}
	begin := time.Now()
	return func() time.Duration { return time.Since(begin) }
}

// slope is that of the straight line that fits best through logarithms.
func slope(sizes []int, seconds []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(sizes))
	for i := range sizes {
		x, y := math.Log(float64(sizes[i])), math.Log(seconds[i])
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}
