package bench

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
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
	ns     float64 // CPU time, or time waited, for one operation; median of the rounds
	ratio  float64 // to the first alternative, median of the rounds
	allocs float64
}

// paired lets every alternative work for a slice of time in each round, in g goroutines, and compares within each round:
// what disturbs the machine then disturbs all of them. The order is random, since each may leave garbage for the next. It
// counts the process's CPU time, which does not see other processes.
func paired(g, rounds int, slice time.Duration, alternatives ...alternative) []measured {
	return pairedBy(processTime, g, rounds, slice, alternatives)
}

// waited is paired by the clock on the wall, for what waits for others.
func waited(g, rounds int, slice time.Duration, alternatives ...alternative) []measured {
	begin := time.Now()
	return pairedBy(func() time.Duration { return time.Since(begin) }, g, rounds, slice, alternatives)
}

func pairedBy(clock func() time.Duration, g, rounds int, slice time.Duration, alternatives []alternative) []measured {
	runtime.GC() // what an earlier row has left is not this one's
	debug.FreeOSMemory()
	// What a small service keeps. With nothing, Go collects after every 4 MB, which may be a few hundred operations, and
	// most of what a row tells is the price of that.
	service := make([]byte, 32<<20)
	defer runtime.KeepAlive(service)
	n := make([]int, len(alternatives))
	for i, a := range alternatives {
		for c := 1; ; c *= 2 {
			if d := spent(clock, a.do, g, c); d >= slice/2 {
				n[i] = max(1, int(float64(c)*float64(slice)/float64(d)))
				break
			}
		}
	}
	per := make([][]float64, len(alternatives))
	ratio := make([][]float64, len(alternatives))
	for range rounds {
		now := make([]float64, len(alternatives))
		for _, i := range rand.Perm(len(alternatives)) {
			now[i] = float64(spent(clock, alternatives[i].do, g, n[i])) / float64(n[i]*g)
		}
		for i := range alternatives {
			per[i] = append(per[i], now[i])
			ratio[i] = append(ratio[i], now[i]/now[0])
		}
	}
	out := make([]measured, len(alternatives))
	for i, a := range alternatives {
		out[i] = measured{a.name, median(per[i]), median(ratio[i]), testing.AllocsPerRun(100, a.do)}
	}
	return out
}

// spent returns what g goroutines took to do something n times each.
func spent(clock func() time.Duration, do func(), g, n int) time.Duration {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range g {
		wg.Go(func() {
			<-start
			for range n {
				do()
			}
		})
	}
	before := clock()
	close(start)
	wg.Wait()
	return clock() - before
}

func processTime() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		panic(err)
	}
	return time.Duration(ts.Nano())
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
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
