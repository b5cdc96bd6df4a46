package crew

import (
	"context"
	"errors"
	"time"
)

// Job is work on many items of one kind.
type Job[T any] struct {
	// Places is how many items are at work at once, at least 1. One tenant has three quarters of them, and more where no other one's
	// items can be begun and none are left to be read.
	Places int

	// Of returns whose an item is, and which login host it asks; an empty host is limited by nothing.
	Of func(T) (tenant, host string)

	// AtHost returns how many items are at work at one host at once. Nil for no limit.
	AtHost func(host string) int

	// Shared reports whether a host that asks to be left alone means the tenant's items alone; else it means everybody's. Nil for
	// always everybody's.
	Shared func(host string) bool

	// Do deals with one item. It may be called by many goroutines at once.
	Do func(ctx context.Context, item T) error

	// Wait says of an error for how long the item's host is to be left alone, after which the item is tried again; 0
	// where the error is the item's result. Nil for always 0.
	Wait func(err error) time.Duration

	// Told is told of every item's result, by the goroutine that runs the job. Nil for nobody.
	Told func(item T, err error)
}

const (
	ahead = 4096            // items that are known before their turn: so many tenants can take turns
	tries = 4               // of one item, where it has to wait, and of a host that never lets anything through
	most  = 2 * time.Minute // that is waited for a host
)

type ended[T any] struct {
	*item[T]
	err   error
	panic any
}

// Run deals with every item that next returns, until next returns false, or ctx ends. Then nothing is begun any more, what is at
// work is waited for, and left is how many of the items that next has returned have no result. A panic of Do comes out of Run.
func (j Job[T]) Run(ctx context.Context, next func() (T, bool)) (left int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	q := newQueue[T](j.Places, j.AtHost, j.Shared)
	done := make(chan ended[T], j.Places)
	more := true
	for {
		for more && q.waiting < ahead && ctx.Err() == nil {
			select {
			case e := <-done:
				j.end(q, e)
				continue
			default:
			}
			what, ok := next()
			if !ok {
				more = false
				break
			}
			it := &item[T]{what: what}
			it.tenant, it.host = j.Of(what)
			q.add(it)
			j.begin(ctx, q, !more, done)
		}
		j.begin(ctx, q, !more, done)
		if q.running == 0 && (ctx.Err() != nil || q.waiting == 0) {
			return q.waiting
		}
		j.await(ctx, q, done)
	}
}

var errStopped = errors.New("stopped")

// begin gives every free place to an item.
func (j Job[T]) begin(ctx context.Context, q *queue[T], all bool, done chan<- ended[T]) {
	for ctx.Err() == nil {
		it := q.next(time.Now(), all)
		if it == nil {
			return
		}
		go func() {
			e := ended[T]{item: it, err: errStopped} // after runtime.Goexit
			defer func() { done <- e }()             // done has room for every item at work
			defer func() { e.panic = recover() }()
			e.err = j.Do(ctx, it.what)
		}()
	}
}

// await waits until there may be something to do.
func (j Job[T]) await(ctx context.Context, q *queue[T], done <-chan ended[T]) {
	left := ctx.Done()
	var wake <-chan time.Time
	if ctx.Err() != nil {
		left = nil // what is at work is waited for
	} else if at, held := q.wake(); held && q.running < q.places {
		timer := time.NewTimer(time.Until(at))
		defer timer.Stop()
		wake = timer.C
	}
	select {
	case e := <-done:
		j.end(q, e)
	case <-wake:
	case <-left:
	}
}

// end takes note of one item's result.
func (j Job[T]) end(q *queue[T], e ended[T]) {
	q.done(e.item)
	if e.panic != nil {
		panic(e.panic)
	}
	if e.err != nil && j.Wait != nil {
		if wait := j.Wait(e.err); wait > 0 && wait <= most && q.patient(e.item, time.Now()) {
			q.again(e.item, time.Now().Add(wait))
			return
		}
	}
	if e.err == nil {
		q.succeeded(e.item)
	}
	if j.Told != nil {
		j.Told(e.what, e.err)
	}
}
