package secret

import (
	"os"
	"runtime"
	"strconv"
	"sync"
)

// enough secrets of one place are recorded; only a test that compares a million makes more.
const enough = 5000

var made struct {
	sync.Mutex
	seen  map[string]struct{}
	there map[[3]uintptr]int
	file  *os.File
}

// record appends s to the file named in the environment.
func record(s string) {
	var place [3]uintptr
	made.Lock()
	defer made.Unlock()
	if made.seen == nil {
		made.seen, made.there = map[string]struct{}{}, map[[3]uintptr]int{}
		if path := os.Getenv("SFAUTH_CANARY"); path != "" {
			made.file, _ = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		}
	}
	if _, known := made.seen[s]; known || made.file == nil {
		return
	}
	runtime.Callers(4, place[:])
	if made.there[place]++; made.there[place] > enough {
		return
	}
	made.seen[s] = struct{}{}
	_, _ = made.file.WriteString(strconv.Quote(s) + "\n")
}
