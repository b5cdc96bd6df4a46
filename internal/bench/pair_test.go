package bench

import (
	"math"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// alternative is one way to do the same thing.
type alternative struct {
	name string
	do   func()
}

// measured is what one alternative took.
type measured struct {
	name   string
	ns     float64   // CPU time, or time waited, for one operation; median of the rounds
	ratio  figure    // to the first alternative
	rounds []float64 // ns for one operation in each round that counts; the same rounds for all alternatives
	taken  int       // rounds that were measured, those that do not count included
	allocs float64
}

// over compares with another alternative of the same run, round by round.
func (m measured) over(other measured) figure {
	ratios := make([]float64, len(m.rounds))
	for i := range ratios {
		ratios[i] = m.rounds[i] / other.rounds[i]
	}
	return spread(ratios, m.taken)
}

// beyond returns the nanoseconds that this alternative takes more than another of the same run.
func (m measured) beyond(other measured) figure {
	more := make([]float64, len(m.rounds))
	for i := range more {
		more[i] = m.rounds[i] - other.rounds[i]
	}
	return spread(more, m.taken)
}

// paired lets every alternative work for a slice of time in each round, in g goroutines, and compares within each round:
// what disturbs the machine then disturbs all of them. The order is random, since each may leave garbage for the next. It
// counts the process's CPU time, which does not see other processes.
func paired(g, rounds int, slice time.Duration, alternatives ...alternative) []measured {
	return pairedBy(watch{processTime, runtime.NumCPU()}, g, rounds, slice, alternatives)
}

// waited is paired by the clock on the wall, for what waits for others.
func waited(g, rounds int, slice time.Duration, alternatives ...alternative) []measured {
	return pairedBy(watch{sinceStart, 0}, g, rounds, slice, alternatives)
}

func pairedBy(w watch, g, rounds int, slice time.Duration, alternatives []alternative) []measured {
	runtime.GC() // what an earlier row has left is not this one's
	debug.FreeOSMemory()
	// What a small service keeps. With nothing, Go collects after every 4 MB, which may be a few hundred operations, and
	// most of what a row tells is the price of that.
	service := make([]byte, 32<<20)
	defer runtime.KeepAlive(service)
	n := make([]int, len(alternatives))
	for i, a := range alternatives {
		n[i] = calibrated(slice, func(c int) lap { return w.lap(a.do, g, c) })
	}
	taken := 0
	per := make([][]float64, len(alternatives))
	for ; taken < 4*rounds && len(per[0]) < rounds; taken++ {
		now, counts := make([]float64, len(alternatives)), true
		for _, i := range rand.Perm(len(alternatives)) {
			l := w.lap(alternatives[i].do, g, n[i])
			now[i] = float64(l.took) / float64(n[i]*g)
			counts = counts && !l.jumped
		}
		if !counts {
			continue
		}
		for i := range alternatives {
			per[i] = append(per[i], now[i])
		}
	}
	out := make([]measured, len(alternatives))
	for i, a := range alternatives {
		out[i] = measured{name: a.name, ns: median(per[i]), rounds: per[i], taken: taken, allocs: testing.AllocsPerRun(100, a.do)}
		out[i].ratio = out[i].over(out[0])
		if i > 0 {
			out[0].ratio = out[0].over(out[0])
		}
	}
	return out
}

func processTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

// uncollected keeps the garbage collector from running until the function that it returns is called, or until there is a
// gigabyte: how often it runs depends on what else is in memory, and what it does on idle processors counts as CPU time.
func uncollected() (restore func()) {
	percent, limit := debug.SetGCPercent(-1), debug.SetMemoryLimit(1<<30)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
	}
}

func median(x []float64) float64 { return quantile(x, 0.5) }

// quantile returns NaN of nothing.
func quantile(x []float64, q float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	x = slices.Clone(x)
	slices.Sort(x)
	return x[min(int(q*float64(len(x))), len(x)-1)]
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	var s runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}
