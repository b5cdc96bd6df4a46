package metadata_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
)

// within wants do to take no more than a time and to allocate no more than some bytes, all that it frees again
// included. Other work of the machine makes a run slow and none fast, so one fast run of ten is enough.
func within(t *testing.T, limit time.Duration, memory uint64, do func()) {
	t.Helper()
	took, allocated := time.Duration(1<<63-1), uint64(1<<64-1)
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		do()
		took = min(took, time.Since(start))
		runtime.ReadMemStats(&after)
		allocated = min(allocated, after.TotalAlloc-before.TotalAlloc)
		if !needs.Late(took, limit) && allocated <= memory {
			break
		}
	}
	if needs.Late(took, limit) {
		t.Errorf("it took %v, want at most %v", took, limit)
	}
	if allocated > memory {
		t.Errorf("it allocated %d bytes, want at most %d", allocated, memory)
	}
}
