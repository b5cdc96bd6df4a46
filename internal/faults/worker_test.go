package faults

import (
	"bufio"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// script is what a worker process is told at its start.
type script struct {
	Place       place
	Addr        string // of the org's server
	LoginAddr   string // of its login host, where that is another
	CA          []byte
	SealingKey  string       // base64
	Keys        []sealingKey // in place of SealingKey, the current one first
	Environment string
	StoreEpoch  string
	Timing      oauthflow.Timing
	Trips       []trip
	Instance    string
	Limits      limits
	Quiet       bool     // it is to die with a long text
	Loud        bool     // what it logs, sees and is told goes to standard error, where secrets are looked for
	Under       []string // the command that runs it
	Program     string   // the worker's program; empty for this one
	Acks        string   // file that notes each save of a connection
	Pool        int      // store calls at once, of a database also its connections; 0 for the default, and 8
}

// order is what a worker is asked to do, reply what became of it.
type order struct {
	Op     string // call, hammer, halt, probe, measure, close, replace, renew, store, reseal, complete, warm, minute
	Conns  []int
	Each   int           // goroutines
	Within time.Duration // for all of it
	Text   string
	Query  map[string][]string
}

// ahead is the wall clock of a process, which may be set.
type ahead struct{ by atomic.Int64 }

func (a *ahead) now() time.Time { return time.Now().Add(time.Duration(a.by.Load())) }

type reply struct {
	Outcomes map[string]int // "ok", or the kind of the error
	Access   []string
	Worst    time.Duration
	P99      time.Duration
	Dials    int // most requests to the token endpoint under way at once
	Window   []time.Duration
	Events   map[string]int
	Failed   int // saves of connections
	Late     int // requests that left although the wall clock had been set since their intent
	Taken    int // answers that the network has taken, by what the system told
	Heap     int // bytes that are live
	Resident int // bytes of memory that the process has
	Minute   minute
	Err      string
}

const apiPath = "/services/data/v66.0/limits"

// crew is the worker's side of the drill.
type crew struct {
	script
	m     *oauthflow.Manager
	base  *http.Transport
	store *trippedStore
	net   *trippedDialer
	ahead ahead
	said  io.Writer
	leave atomic.Pointer[context.CancelFunc] // ends the calls that are under way

	mu     sync.Mutex
	events map[string]int

	probes probes

	halt   context.CancelFunc
	hammer sync.WaitGroup
	tally  tally

	warmed map[int]string // access tokens, by connection
}

// work is the main function of a worker process: orders come as lines of JSON, replies go out so.
func work(text string, in io.Reader, out io.Writer) int {
	c := &crew{events: map[string]int{}}
	if err := c.begin(text); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 2
	}
	encode := json.NewEncoder(out)
	if err := encode.Encode(reply{}); err != nil { // ready
		return 2
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return 2
		}
		if err := encode.Encode(c.do(o)); err != nil {
			return 2
		}
		if o.Op == "close" {
			return 0
		}
	}
	return 0
}

func (c *crew) begin(text string) error {
	if err := json.Unmarshal([]byte(text), &c.script); err != nil {
		return err
	}
	if c.said = io.Discard; c.Loud {
		c.said = os.Stderr
	}
	ca, err := x509.ParseCertificate(c.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	records, _, err := c.Place.open(context.Background(), cmp.Or(c.Pool, 8)) // until the process ends
	if err != nil {
		return err
	}
	trips := newTrips(c.Trips)
	trips.leave = func() {
		if leave := c.leave.Load(); leave != nil {
			(*leave)()
		}
	}
	trips.ahead = &c.ahead
	c.store = &trippedStore{Store: records, trips: trips, ahead: &c.ahead}
	if c.Acks != "" {
		if c.store.acks, err = os.OpenFile(c.Acks, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
			return err
		}
	}
	c.net = &trippedDialer{addr: cmp.Or(c.LoginAddr, c.Addr), roots: roots, trips: trips, store: c.store}
	c.base = &http.Transport{DialTLSContext: (&trippedDialer{addr: c.Addr, roots: roots, trips: newTrips(nil)}).dial, MaxIdleConnsPerHost: 256}
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: &http.Transport{DialTLSContext: c.net.dial}, Now: c.ahead.now})
	if err != nil {
		return err
	}
	if c.Keys == nil {
		c.Keys = []sealingKey{{ID: "k1", Key: c.SealingKey}}
	}
	keys, err := newKeys(c.Keys)
	if err != nil {
		return err
	}
	if err := c.Limits.apply(); err != nil {
		return err
	}
	c.m, err = oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: c.store, Keyring: keys, Environment: c.Environment, StoreEpoch: c.StoreEpoch, Timing: c.Timing, StoreCalls: c.Pool,
		Logger: debugTo(c.said),
		Observe: func(e oauthflow.Event) {
			c.mu.Lock()
			c.events[string(e.Type)]++
			news := c.events[string(e.Type)] <= someOf
			c.mu.Unlock()
			if news {
				fmt.Fprintf(c.said, "%v %+v %#v\n", e, e, e)
			}
			if e.Type != oauthflow.EventTransport { // which tells of the transport when the process begins, and of no refresh
				trips.at("event")
			}
		},
	})
	return err
}

func (c *crew) do(o order) reply {
	ctx, cancel := context.WithTimeout(context.Background(), o.Within)
	defer cancel()
	c.leave.Store(&cancel)
	switch o.Op {
	case "call": // each goroutine makes one call that must succeed
		return c.parallel(o, func(k oauthflow.Key) error { return c.call(ctx, k) })
	case "replace": // each goroutine replaces the token of Text
		return c.parallel(o, func(k oauthflow.Key) error { _, err := c.m.Source(k).Replace(ctx, o.Text); return err })
	case "renew":
		return c.parallel(o, func(k oauthflow.Key) error { return c.m.Renew(ctx, k) })
	case "hammer": // goroutines that call until they are halted
		ctx, c.halt = context.WithCancel(context.Background())
		c.tally = tally{outcomes: map[string]int{}, said: c.said}
		for range o.Each {
			c.hammer.Go(func() {
				for ctx.Err() == nil {
					began := time.Now()
					short, cancel := context.WithTimeout(ctx, o.Within)
					err := c.try(short, key(o.Conns[rand.IntN(len(o.Conns))]))
					cancel()
					c.tally.add(err, time.Since(began))
					time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
				}
			})
		}
		return reply{}
	case "probe":
		go c.probe(o)
		return reply{}
	case "measure":
		return c.measure()
	case "halt":
		c.halt()
		c.hammer.Wait()
		return c.tally.reply(c)
	case "store":
		c.store.down.Store(o.Text == "down")
		return reply{}
	case "warm":
		return c.warm(ctx, o)
	case "minute":
		return c.minute(o)
	case "reseal":
		return reply{Outcomes: map[string]int{outcome(c.m.Reseal(ctx, nil)): 1}}
	case "complete":
		_, err := c.m.Complete(ctx, oauthflow.Callback{Tenant: "acme", Path: callbackPath, Binding: browser, Query: o.Query})
		return reply{Outcomes: map[string]int{outcome(err): 1}}
	case "close":
		began := time.Now()
		err := c.m.Close(ctx)
		r := reply{Worst: time.Since(began)}
		if err != nil {
			r.Err = err.Error()
		}
		return r
	}
	return reply{Err: "unknown order"}
}

func debugTo(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func key(i int) oauthflow.Key { return oauthflow.Key{Tenant: "acme", Name: fmt.Sprint("c", i)} }

// parallel runs do in o.Each goroutines, which take the connections in turn.
func (c *crew) parallel(o order, do func(oauthflow.Key) error) reply {
	t := tally{outcomes: map[string]int{}, said: c.said}
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range o.Each {
		all.Go(func() {
			<-start
			began := time.Now()
			err := do(key(o.Conns[i%len(o.Conns)]))
			t.add(err, time.Since(began))
		})
	}
	close(start)
	all.Wait()
	return t.reply(c)
}

// call makes an API call until it succeeds, coming back when it is told to.
func (c *crew) call(ctx context.Context, k oauthflow.Key) error {
	for {
		err := c.try(ctx, k)
		var e *oauthflow.Error
		if err == nil || ctx.Err() != nil || !errors.As(err, &e) || e.RetryAfter == 0 {
			return err
		}
		select {
		case <-time.After(min(e.RetryAfter, 100*time.Millisecond)):
		case <-ctx.Done():
			return err
		}
	}
}

var errRefused = errors.New("the org refused the call")

// try makes one API call.
func (c *crew) try(ctx context.Context, k oauthflow.Key) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Instance+apiPath, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := c.m.Source(k).Transport(c.base).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errRefused
	}
	return nil
}
