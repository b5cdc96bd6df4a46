package bench

import (
	"sync"
	"time"
)

// watch reads the clock by which a row is measured.
type watch struct {
	clock      func() time.Duration
	processors int // that the clock counts the work of; 0 for the clock on the wall
}

// lap is what some operations took.
type lap struct {
	took   time.Duration
	jumped bool // the clock says what cannot be
}

var begin = time.Now()

func sinceStart() time.Duration { return time.Since(begin) }

// slack is what reading two clocks one after the other may differ by.
const slack = 100 * time.Microsecond

// impossible reports whether the clock of so many processors has gone on by more than they can have worked while the clock on
// the wall went on by wall, or has stood still. On virtual machines the clock of a process jumps by up to 13 ms.
func impossible(took, wall time.Duration, processors int) bool {
	return processors > 0 && (took <= 0 || took > time.Duration(processors)*wall+slack)
}

// lap measures g goroutines that do something n times each.
func (w watch) lap(do func(), g, n int) lap {
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
	wall, before := time.Now(), w.clock()
	close(start)
	wg.Wait()
	took := w.clock() - before
	return lap{took, impossible(took, time.Since(wall), w.processors)}
}

// calibrated returns how many operations fill a slice of time. Twice as many operations must take about twice as long: a clock
// that jumps, or a machine that is busy just then, is not taken for the operation.
func calibrated(slice time.Duration, measure func(n int) lap) int {
	const tries = 20
	n, least := 1, time.Duration(0) // least is the shortest time seen for 2n operations
	for try := 0; ; {
		once, twice := measure(n), measure(2*n)
		if twice.took < slice/2 && n < 1<<30 {
			n, try, least = 2*n, 0, 0
			continue
		}
		if least == 0 || twice.took < least {
			least = twice.took
		}
		if agree := 2*twice.took >= 3*once.took && twice.took <= 3*once.took; agree {
			least = twice.took
		} else if try++; try < tries {
			continue
		}
		return max(1, int(float64(2*n)*float64(slice)/float64(max(least, 1))))
	}
}
