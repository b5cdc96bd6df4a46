package bench

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// worker is work of known length by a clock of its own, which may jump while work is done, and may stand still.
type worker struct {
	mu      sync.Mutex
	now     time.Duration
	jumps   int // one of so many operations of the longer work meets a jump of 6 to 13 ms; 0 for none
	still   int // one of so many readings says what the one before said; 0 for none
	reading time.Duration
}

func (w *worker) work(d time.Duration, jumps int) func() {
	return func() {
		time.Sleep(d) // the clock on the wall goes on, too, and is virtual
		w.mu.Lock()
		defer w.mu.Unlock()
		w.now += d
		if jumps > 0 && rand.N(jumps) == 0 {
			w.now += 6*time.Millisecond + rand.N(7*time.Millisecond)
		}
	}
}

func (w *worker) read() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.still == 0 || rand.N(w.still) > 0 {
		w.reading = w.now
	}
	return w.reading
}

func TestAClockThatJumpsOrStandsStillChangesNoRatio(t *testing.T) {
	for name, w := range map[string]*worker{"is steady": {}, "jumps": {jumps: 6}, "stands still": {still: 3}} {
		synctest.Test(t, func(t *testing.T) {
			got := pairedBy(watch{w.read, 1}, 1, 20, 2*time.Millisecond,
				[]alternative{{"once", w.work(200*time.Microsecond, 0)}, {"twice", w.work(400*time.Microsecond, w.jumps)}})
			if r := got[1].ratio; r.unmeasured() != "" || math.Abs(r.mid-2) > 0.2 {
				t.Errorf("a clock that %s: %v of twice the work, %s", name, r, r.unmeasured())
			}
		})
	}
}

func TestAJumpIsNotTakenForTheTimeOfAnOperation(t *testing.T) {
	laps := 0
	n := calibrated(time.Millisecond, func(n int) lap {
		l := lap{took: time.Duration(n) * time.Microsecond}
		if laps++; laps < 4 {
			l.took += 10 * time.Millisecond
		}
		return l
	})
	if n < 900 || n > 1100 {
		t.Errorf("%d operations of a microsecond fill a millisecond", n)
	}
}

func TestAFigureBetterThanAPhysicalLimitIsNotMeasured(t *testing.T) {
	many := []float64{0.5, 0.6, 0.7, 0.8, 0.85}
	for name, c := range map[string]struct {
		f        figure
		measured bool
	}{
		"a ratio below its limit":       {spread(many, 5).limited(1), false},
		"a ratio with no limit":         {spread(many, 5), true},
		"a ratio a little below it":     {spread([]float64{0.95, 0.96, 0.97}, 3).limited(1), true},
		"most rounds did not count":     {spread(many, 24), false},
		"no round counts":               {spread(nil, 20), false},
		"a count, which has no rounds":  {counted(0), true},
		"a count of what is impossible": {counted(math.Inf(1)), false},
	} {
		if got := c.f.unmeasured() == ""; got != c.measured {
			t.Errorf("%s: measured %v, %q", name, got, c.f.unmeasured())
		}
		if r := (row{got: c.f, target: 100}); r.red(byClock) == c.measured {
			t.Errorf("%s: red is %v", name, r.red(byClock))
		}
	}
}

func TestAGuideIsRedOnlyWhereItWasNotMeasured(t *testing.T) {
	over := row{got: counted(5), target: 1, unit: "×"}
	if !over.red(byClock) || asGuide(over).red(byClock) {
		t.Error("a row over its target is red, a guide is not")
	}
	if broken := (row{got: spread(nil, 9), target: 1, unit: "×"}); !asGuide(broken).red(byClock) {
		t.Error("a guide that was not measured is red")
	}
}
