package oauthflow

import (
	"context"
	"sync"
	"time"
)

// allowance is the time that several calls of a store may take together. Only the time in which one runs counts: one that waits for
// its turn uses none of it, however long the queue is.
type allowance struct {
	mu   sync.Mutex
	left time.Duration
}

type allowanceKey struct{}

// allowing returns a context whose calls of a store may take so long together.
func allowing(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, allowanceKey{}, &allowance{left: d})
}

// allowed returns how long a call of a store that begins now may take, and what takes note of how long it has taken.
func allowed(ctx context.Context) (limit time.Duration, ended func()) {
	a, _ := ctx.Value(allowanceKey{}).(*allowance)
	if a == nil {
		return storeTimeout, func() {}
	}
	begun := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	return min(a.left, storeTimeout), func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.left -= time.Since(begun)
	}
}
