package hostile

import (
	"io/fs"
	"testing"
	"time"
)

// Task is something that is done with what was read from a tree.
type Task[T any] struct {
	Name string
	Do   func(T)
}

// How much longer a task may take with four times as much to do: linear work takes 4 times as long, quadratic work 16 times.
// What is done in less than the least tells nothing, since the clock of a process may jump by some milliseconds; the smallest size has a limit that only a task without one passes.
const (
	growth = 9
	least  = 50 * time.Millisecond
	first  = 600 * time.Millisecond
)

// InProportion fails the test for each task that takes more time than in proportion to the size of a hostile tree, in the
// CPU time of the process. read is not measured; give reading as a task, too, where it is to be judged.
func InProportion[T any](t *testing.T, read func(fs.FS) T, tasks ...Task[T]) {
	for _, shape := range Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			took := make([]time.Duration, len(tasks))
			for n, size := range sizes {
				subject := read(shape.Make(size))
				for i, task := range tasks {
					limit := max(growth*took[i], least)
					if n == 0 {
						limit = first
					}
					took[i] = fastest(limit, func() { task.Do(subject) })
					if took[i] > limit {
						t.Fatalf("%s of %d KiB takes %v, want at most %v", task.Name, size>>10, took[i], limit)
					}
				}
			}
		})
	}
}

// fastest returns the CPU time of the first run within the limit, or of the fastest of five.
func fastest(limit time.Duration, do func()) time.Duration {
	best := time.Duration(1<<63 - 1)
	for range 5 {
		before := cpuTime()
		do()
		if best = min(best, cpuTime()-before); best <= limit || best > 20*limit {
			break
		}
	}
	return best
}
