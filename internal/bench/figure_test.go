package bench

import (
	"fmt"
	"math"
	"strconv"
)

// figure is one measured value with its spread.
type figure struct {
	mid       float64
	low, high float64 // the quartiles of the rounds; the same as mid where the value is counted
	rounds    int     // that count; 0 where the value is counted
	taken     int     // all that were measured
	guide     bool    // its target is a guide: it is judged by nothing
	limit     float64 // of physics: what is less was not measured; 0 for none
}

// counted is a figure without a spread: a number of requests, bytes, allocations.
func counted(x float64) figure { return figure{mid: x, low: x, high: x} }

// spread is the figure of many rounds. Taken are all that were measured, those that do not count included.
func spread(rounds []float64, taken int) figure {
	return figure{mid: median(rounds), low: quantile(rounds, 0.25), high: quantile(rounds, 0.75), rounds: len(rounds), taken: taken}
}

// limited names the physical limit of a figure: what the other side of the ratio does is part of what is measured.
func (f figure) limited(limit float64) figure {
	f.limit = limit
	return f
}

// call is how long a call of Salesforce's API takes, in nanoseconds: what the targets that users would feel are a part of.
const call = 100e6

// percentOf returns the figure's share of a whole that takes so many nanoseconds, where the figure is in nanoseconds.
func (f figure) percentOf(whole float64) figure {
	f.mid, f.low, f.high = 100*f.mid/whole, 100*f.low/whole, 100*f.high/whole
	return f
}

// unmeasured says why a figure is none: it is better than a physical limit by more than a tenth, or three quarters of the rounds did not count.
// It is empty for a figure that counts.
func (f figure) unmeasured() string {
	switch {
	case math.IsNaN(f.mid) || math.IsInf(f.mid, 0):
		return "no round counts"
	case f.rounds < f.taken/4:
		return fmt.Sprintf("%d of %d rounds count", f.rounds, f.taken)
	case f.mid < 0.9*f.limit:
		return fmt.Sprintf("better than the limit of %.4g", f.limit)
	}
	return ""
}

func (f figure) String() string {
	mid := strconv.FormatFloat(f.mid, 'g', 4, 64)
	if f.low == f.high {
		return mid
	}
	return fmt.Sprintf("%s (%.3g to %.3g)", mid, f.low, f.high)
}
