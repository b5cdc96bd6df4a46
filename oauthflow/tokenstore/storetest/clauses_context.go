package storetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// contextClauses say what every method does when its context is done.
var contextClauses = []Clause{
	{"Load returns its context's error once that is done", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "sealed"))
		h.whenDone(func(ctx context.Context) error {
			_, err := h.store.Load(ctx, r.ID)
			return err
		})
	}},
	{"Save returns its context's error once that is done", func(p *probe) {
		h := p.handle()
		h.whenDone(func(ctx context.Context) error {
			return h.store.Save(ctx, newRecord("connection/acme/main", "sealed"))
		})
	}},
	{"Delete returns its context's error once that is done", func(p *probe) {
		h := p.handle()
		r := h.save(newRecord("connection/acme/main", "sealed"))
		h.whenDone(func(ctx context.Context) error {
			return h.store.Delete(ctx, r.ID, r.Version)
		})
	}},
	{"List yields its context's error once that is done", func(p *probe) {
		h := p.handle()
		h.save(newRecord("connection/acme/main", "sealed"))
		h.whenDone(func(ctx context.Context) error {
			return last(h.store.List(ctx, "", farAhead), func() {})
		})
	}},
	{"List ends with its context's error when that is done midway", func(p *probe) {
		h := p.handle()
		for i := range 40 {
			h.save(newRecord(fmt.Sprintf("connection/acme/%d", i), "sealed"))
		}
		ctx, cancel := context.WithCancel(h.ctx)
		defer cancel()
		err := last(h.store.List(ctx, "", farAhead), func() {
			cancel()
			time.Sleep(time.Millisecond) // another goroutine may watch the context
		})
		if !errors.Is(err, context.Canceled) {
			failf("List, canceled after its first record: ended with %v, want an error wrapping context.Canceled", err)
		}
	}},
}

// whenDone calls f with contexts that are done, and sees that the store works afterwards.
func (h handle) whenDone(f func(context.Context) error) {
	canceled, cancel := context.WithCancel(h.ctx)
	cancel()
	late, cancel := context.WithDeadline(h.ctx, time.Unix(1, 0))
	defer cancel()
	for _, ctx := range []context.Context{canceled, late} {
		if err := f(ctx); !errors.Is(err, ctx.Err()) {
			failf("got %v, want an error wrapping %q", err, ctx.Err())
		}
	}
	h.holds(h.save(newRecord("connection/acme/next", "sealed")))
}

// last returns the error with which a list ends, and calls each for every record before it.
func last(list func(func(tokenstore.Record, error) bool), each func()) error {
	var end error
	for _, err := range list {
		switch {
		case end != nil:
			failf("List yields more after the error %v", end)
		case err != nil:
			end = err
		default:
			each()
		}
	}
	return end
}
