package crew_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/crew"
)

type work struct {
	tenant, host string
	n            int
}

func of(w work) (string, string) { return w.tenant, w.host }

// each returns what yields the items one after the other.
func each[T any](items []T) func() (T, bool) {
	return func() (item T, ok bool) {
		if len(items) == 0 {
			return item, false
		}
		item, items = items[0], items[1:]
		return item, true
	}
}

// desk counts what is at work at once.
type desk struct {
	mu             sync.Mutex
	all            int
	hosts          map[string]int
	most, mostHost int
	order          []work
}

func (d *desk) at(w work, by int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.hosts == nil {
		d.hosts = map[string]int{}
	}
	d.all += by
	d.hosts[w.host] += by
	d.most, d.mostHost = max(d.most, d.all), max(d.mostHost, d.hosts[w.host])
	if by > 0 {
		d.order = append(d.order, w)
	}
}

func (d *desk) sit(w work, takes time.Duration) {
	d.at(w, 1)
	defer d.at(w, -1)
	time.Sleep(takes)
}

// For random input: each item has one result, results are told one after the other, and no limit is exceeded.
func TestEveryItemHasOneResultAndNoLimitIsPassed(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			var items []work
			for i := range 200 + r.IntN(300) {
				items = append(items, work{fmt.Sprint("t", r.IntN(1+r.IntN(20))), fmt.Sprint("h", r.IntN(1+r.IntN(20))), i})
			}
			var d desk
			busy := map[int]int{} // so often an item is told to wait
			for i := range items {
				busy[i] = max(r.IntN(20)-18, 0)
			}
			told := map[int]int{}
			failed, telling := 0, false
			var mu sync.Mutex
			errBusy, errBad := errors.New("busy"), errors.New("bad")
			left := crew.Job[work]{
				Places: 5, Of: of, AtHost: func(string) int { return 2 },
				Do: func(_ context.Context, w work) error {
					d.sit(w, time.Duration(1+w.n%7)*time.Millisecond)
					mu.Lock()
					defer mu.Unlock()
					if busy[w.n] > 0 {
						busy[w.n]--
						return errBusy
					}
					if w.n%11 == 0 {
						return errBad
					}
					return nil
				},
				Wait: func(err error) time.Duration {
					if err == errBusy {
						return time.Duration(r.IntN(100)) * time.Millisecond
					}
					return 0
				},
				Told: func(w work, err error) {
					if telling {
						t.Error("two are told at once")
					}
					telling = true
					told[w.n]++
					if err != nil {
						failed++
					}
					telling = false
				},
			}.Run(t.Context(), each(items))
			if left != 0 || len(told) != len(items) {
				t.Errorf("seed %d: %d left, %d of %d told", seed, left, len(told), len(items))
			}
			for n, times := range told {
				if times != 1 {
					t.Errorf("seed %d: item %d was told %d times", seed, n, times)
				}
			}
			if d.most > 5 || d.mostHost > 2 {
				t.Errorf("seed %d: %d at once, %d at one host; want 5 and 2 at most", seed, d.most, d.mostHost)
			}
			if failed == 0 {
				t.Errorf("seed %d: none has failed", seed)
			}
		})
	}
}

func TestATenantWithManyItemsDoesNotHoldUpTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var items []work
		for i := range 1000 {
			items = append(items, work{"rival", fmt.Sprint("rival", i), i})
		}
		items = append(items, work{"acme", "acme", 1000})
		var d desk
		crew.Job[work]{Places: 4, Of: of, Do: func(_ context.Context, w work) error { d.sit(w, time.Second); return nil }}.
			Run(t.Context(), each(items))
		if at := slices.IndexFunc(d.order, func(w work) bool { return w.tenant == "acme" }); at > 8 {
			t.Errorf("acme came as number %d, want in the second round of four", at)
		}
		if d.most != 4 {
			t.Errorf("%d at once, want 4: nobody else can have the places", d.most)
		}
	})
}

func TestAHangingTenantLeavesPlacesToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var items []work
		for i := range 20 {
			items = append(items, work{"rival", fmt.Sprint("rival", i), i}, work{"acme", fmt.Sprint("acme", i), i})
		}
		var last time.Time
		began := time.Now()
		crew.Job[work]{
			Places: 4, Of: of,
			Do: func(_ context.Context, w work) error {
				if w.tenant == "rival" {
					time.Sleep(time.Hour)
				}
				time.Sleep(time.Second)
				return nil
			},
			Told: func(w work, _ error) {
				if w.tenant == "acme" {
					last = time.Now()
				}
			},
		}.Run(t.Context(), each(items))
		if took := last.Sub(began); took > time.Minute {
			t.Errorf("acme was served after %v, want a minute at most", took)
		}
	})
}

func TestAHostThatAsksToBeLeftAloneIsAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var items []work
		for i := range 40 {
			items = append(items, work{"acme", "busy", i}, work{"acme", "free", i})
		}
		began, pauses := time.Now(), 0
		var mu sync.Mutex
		var free time.Duration
		errBusy := errors.New("busy")
		left := crew.Job[work]{
			Places: 4, Of: of, AtHost: func(string) int { return 2 },
			Do: func(_ context.Context, w work) error {
				time.Sleep(10 * time.Millisecond)
				mu.Lock()
				defer mu.Unlock()
				if since := time.Since(began); w.host == "busy" && since < 30*time.Second {
					pauses++
					return errBusy
				}
				return nil
			},
			Wait: func(error) time.Duration { return 30*time.Second - time.Since(began) },
			Told: func(w work, err error) {
				if err != nil {
					t.Errorf("%v: %v", w, err)
				}
				if w.host == "free" {
					free = time.Since(began)
				}
			},
		}.Run(t.Context(), each(items))
		if left != 0 || pauses > 2 || free > time.Second {
			t.Errorf("%d left; the busy host was asked %d times in its pause, want 2 at most; the other was done after %v", left, pauses, free)
		}
	})
}

func TestAHostThatNeverHasTimeIsWaitedForAFewTimesNotForEachItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, failed := time.Now(), 0
		crew.Job[work]{
			Places: 4, Of: of,
			Do:   func(context.Context, work) error { time.Sleep(10 * time.Millisecond); return errors.New("busy") },
			Wait: func(error) time.Duration { return 2 * time.Minute },
			Told: func(work, error) { failed++ },
		}.Run(t.Context(), each(make([]work, 1000)))
		if took := time.Since(began); took > 10*time.Minute || failed != 1000 {
			t.Errorf("it took %v, and %d have failed; want ten minutes at most, and 1000", took, failed)
		}
	})
}

func TestWhenTheCallerLeavesNothingIsBegunAndWhatIsAtWorkIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		items := make([]work, 100)
		ctx, cancel := context.WithCancel(t.Context())
		var d desk
		told := 0
		left := crew.Job[work]{
			Places: 4, Of: of,
			Do:   func(ctx context.Context, w work) error { d.sit(w, time.Second); return ctx.Err() },
			Told: func(work, error) { told++; cancel() },
		}.Run(ctx, each(items))
		if left+told != len(items) || told > 8 || d.all != 0 {
			t.Errorf("%d told and %d left of %d; %d are still at work", told, left, len(items), d.all)
		}
	})
}

func TestAPanicComesOutWhereTheJobRuns(t *testing.T) {
	defer func() {
		if r := recover(); r != "as it was" {
			t.Errorf("got %v", r)
		}
	}()
	crew.Job[work]{Places: 2, Of: of, Do: func(context.Context, work) error { panic("as it was") }}.Run(t.Context(), each(make([]work, 5)))
	t.Error("it was swallowed")
}

func TestATallyKeepsTheFirstErrorsAndOneOfEachKind(t *testing.T) {
	var all crew.Tally[string]
	last := errors.New("of another kind")
	for range 10 * crew.Kept {
		all.Add("", nil)
		all.Add("usual", errors.New("usual"))
	}
	all.Add("rare", last)
	all.Add("rare", last)
	if all.Done != 20*crew.Kept+2 || all.Failed != 10*crew.Kept+2 || all.Kinds["rare"] != 2 || len(all.Errs) != crew.Kept+1 || all.Errs[crew.Kept] != last {
		t.Errorf("%d done, %d failed, %v, %d kept", all.Done, all.Failed, all.Kinds, len(all.Errs))
	}
}
