package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// fleet is one run: an org, a store, and the processes between them.
type fleet struct {
	settings
	assignment
	org    *orgtest.Org
	tally  tally
	screen *screen
	seats  []*process // each is changed by one goroutine at a time
}

// drive runs the fleet to its end.
func (s settings) drive(ctx context.Context, stdout io.Writer) (err error) {
	org, server, err := simulated(s.connections)
	if err != nil {
		return err
	}
	defer server.Close()
	p, remove, err := s.place(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	f := &fleet{
		settings: s, org: org, screen: newScreen(stdout), seats: make([]*process, s.workers),
		assignment: assignment{p, tokenstore.GenerateSealingKey("worker").Key.Reveal(), s.connections, server.Addr(), server.CA()},
	}
	if err := f.connectAll(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%d processes share %d connections in %s for %v.\n", s.workers, s.connections, p, s.length)
	if err := f.run(ctx); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nCalls every connection once more. After a kill in the middle of a refresh, that takes up to %v.\n", patience)
	l, err := f.settle(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, l)
	return l.verdict()
}

func (f *fleet) connectAll(ctx context.Context) (err error) {
	sf, closed, err := f.connector(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closed()) }()
	for i := range f.connections {
		if err := connect(ctx, sf, f.org, i); err != nil {
			return err
		}
	}
	return nil
}

// run lets the workers work for the time that was asked for, while sessions end and processes come and go.
func (f *fleet) run(ctx context.Context) error {
	f.tally.change(func(c *counts) { c.begun, c.workers = time.Now(), make([]seat, f.workers) })
	defer func() { f.screen.show(f.tally.now()) }()
	defer f.killAll() // does nothing to those that have stopped
	for i := range f.workers {
		if err := f.fill(i); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, f.length)
	defer cancel()
	var trouble error
	var acts sync.WaitGroup
	acts.Go(func() {
		for ; ctx.Err() == nil; rest(ctx, f.screen.every()) {
			f.screen.show(f.tally.now())
		}
	})
	acts.Go(func() {
		for rest(ctx, pause(800*time.Millisecond)); ctx.Err() == nil; rest(ctx, pause(800*time.Millisecond)) {
			f.org.ExpireSessions()
			f.tally.change(func(c *counts) { c.sessions++ })
		}
	})
	acts.Go(func() {
		for rest(ctx, pause(500*time.Millisecond)); ctx.Err() == nil; rest(ctx, pause(500*time.Millisecond)) {
			if trouble = f.exchange(rand.IntN(f.workers)); trouble != nil {
				cancel()
			}
		}
	})
	acts.Wait()
	return errors.Join(trouble, f.stopAll())
}

// exchange ends the process in a seat and starts another one; where killing is asked for, every other end is a kill.
func (f *fleet) exchange(i int) error {
	if now := f.tally.now(); f.kill && now.stops > len(now.kills) {
		f.tally.change(func(c *counts) { c.workers[i].state, c.kills = "killed", append(c.kills, time.Now()) })
		if err := f.seats[i].kill(); err != nil {
			return err
		}
	} else if err := f.vacate(i); err != nil {
		return err
	}
	return f.fill(i)
}

func (f *fleet) fill(i int) (err error) {
	f.seats[i], err = start(f.assignment, func(line string) { f.tally.heard(i, line) })
	if err != nil {
		return err
	}
	f.tally.change(func(c *counts) {
		w := &c.workers[i]
		w.process, w.state = f.seats[i].pid(), "running"
		w.started++
	})
	return nil
}

// vacate stops the process in a seat in good order.
func (f *fleet) vacate(i int) error {
	f.tally.change(func(c *counts) { c.workers[i].state = "stopping" })
	err := f.seats[i].stop()
	f.tally.change(func(c *counts) { c.stops, c.workers[i].state = c.stops+1, "stopped" })
	return err
}

func (f *fleet) stopAll() error {
	errs := make([]error, f.workers)
	var all sync.WaitGroup
	for i := range f.workers {
		all.Go(func() { errs[i] = f.vacate(i) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (f *fleet) killAll() {
	for _, p := range f.seats {
		if p != nil {
			_ = p.kill()
		}
	}
}

// pause returns a time around d, so that what happens in the fleet falls into no step.
func pause(d time.Duration) time.Duration { return d/2 + rand.N(d) }
