package driver

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// dice answers by where it is asked and how often it was asked there, so that what one place draws depends on no other.
type dice struct {
	seed uint64

	mu    sync.Mutex
	asked map[string]int
}

func newDice(seed uint64) *dice { return &dice{seed: seed, asked: map[string]int{}} }

func (d *dice) roll(where string) *rand.Rand {
	d.mu.Lock()
	n := d.asked[where]
	d.asked[where]++
	d.mu.Unlock()
	h := fnv.New64a()
	h.Write([]byte(where + "#" + strconv.Itoa(n)))
	return rand.New(rand.NewPCG(d.seed, h.Sum64()))
}

// upTo is a time from nothing to less than most.
func upTo(r *rand.Rand, most time.Duration) time.Duration {
	if most <= 0 {
		return 0
	}
	return time.Duration(r.Int64N(int64(most)))
}

// pick returns an index by weight.
func pick(r *rand.Rand, weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := r.IntN(sum)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return len(weights) - 1
}
