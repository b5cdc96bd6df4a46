package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// trip makes something happen at a point of a refresh. The points, in order: "lease" (before the intent is saved), "intent"
// (the intent is durable), "dialing", "dial" (the connection stands, the fence is not passed), "sent" (the request has
// left), "answer" (its first byte is back), "result" (before the result is saved), "stored" (after that), "event" (the
// observer is called).
type trip struct {
	At    string
	Do    string // kill, stop, suspend (stop, while the wall clock goes on), panic, error, delay, cancel (the callers leave), starve (of descriptors), or eat (all memory)
	Odds  float64
	Times int // 0 = always
	For   time.Duration
}

type trips struct {
	mu   sync.Mutex
	list []trip
	hits []int

	leave func()
	ahead *ahead
}

func newTrips(list []trip) *trips { return &trips{list: list, hits: make([]int, len(list))} }

var errTripped = errors.New("broken by the drill")

// at lets happen what is due at a point.
func (t *trips) at(point string) error {
	t.mu.Lock()
	due := trip{}
	for i, tr := range t.list {
		if tr.At != point || tr.Times > 0 && t.hits[i] >= tr.Times || tr.Odds > 0 && rand.Float64() >= tr.Odds {
			continue
		}
		t.hits[i]++
		due = tr
		break
	}
	t.mu.Unlock()
	self := syscall.Getpid()
	switch due.Do {
	case "kill":
		_ = syscall.Kill(self, syscall.SIGKILL)
		select {}
	case "suspend":
		t.ahead.by.Add(int64(due.For))
		fallthrough
	case "stop": // somebody else makes it go on
		_ = syscall.Kill(self, syscall.SIGSTOP)
		time.Sleep(time.Millisecond) // the signal is delivered here at the latest
	case "panic":
		panic("the drill at " + point)
	case "error":
		return errTripped
	case "delay":
		time.Sleep(due.For)
	case "cancel":
		t.leave()
	case "starve":
		starve(due.For)
	case "eat":
		eat()
	}
	return nil
}

// trippedDialer reaches the org's server under the production names. A connection to the token endpoint is used once,
// so its first write is the request and its first read the answer.
type trippedDialer struct {
	addr  string
	roots *x509.CertPool
	trips *trips
	store *trippedStore

	now, most atomic.Int32
	taken     atomic.Int32 // requests whose acknowledgement never came, so that the system gave their answers up
}

func (d *trippedDialer) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if err := d.trips.at("dialing"); err != nil {
		return nil, err
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: d.roots, ServerName: host, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, err
	}
	for n := d.now.Add(1); ; {
		most := d.most.Load()
		if n <= most || d.most.CompareAndSwap(most, n) {
			break
		}
	}
	if err := d.trips.at("dial"); err != nil {
		conn.Close()
		d.now.Add(-1)
		return nil, err
	}
	return &trippedConn{Conn: conn, dialer: d}, nil
}

type trippedConn struct {
	net.Conn
	dialer                *trippedDialer
	written, read, closed sync.Once
}

// NetConn returns what it wraps, as a tls.Conn does.
func (c *trippedConn) NetConn() net.Conn { return c.Conn }

func (c *trippedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written.Do(func() {
		if store := c.dialer.store; store != nil && store.ahead.by.Load() != store.intended.Load() {
			store.late.Add(1)
		}
		if tripped := c.dialer.trips.at("sent"); err == nil {
			err = tripped
		}
	})
	return n, err
}

func (c *trippedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if errors.Is(err, syscall.ETIMEDOUT) {
		c.dialer.taken.Add(1)
	}
	if n == 0 { // no answer: the connection has ended before one came
		return n, err
	}
	c.read.Do(func() {
		if c.dialer.store != nil {
			c.dialer.store.answered.Store(time.Now().UnixNano())
		}
		if tripped := c.dialer.trips.at("answer"); err == nil && tripped != nil {
			n, err = 0, tripped
		}
	})
	return n, err
}

func (c *trippedConn) Close() error {
	c.closed.Do(func() { c.dialer.now.Add(-1) })
	return c.Conn.Close()
}

// trippedStore trips at saves of connections. A login makes version 1; then intents and results take turns, so that an
// intent is saved over an odd version and a result over an even one, as long as nothing goes wrong in between.
type trippedStore struct {
	tokenstore.Store
	trips    *trips
	down     atomic.Bool
	failed   atomic.Int32
	answered atomic.Int64 // when the last answer came, by the wall clock

	ahead    *ahead
	intended atomic.Int64 // how far ahead the wall clock was when the last save of a connection began
	late     atomic.Int32 // requests that left after the wall clock was set, and before another such save

	acks *os.File // notes each save

	ofConnections, ofOthers atomic.Int64 // calls

	mu      sync.Mutex
	windows []time.Duration // from the answer to the durable result, the first of them
}

// Pool passes on what the store tells of its pool.
func (s *trippedStore) Pool() int {
	if p, tells := s.Store.(tokenstore.PooledStore); tells {
		return p.Pool()
	}
	return 0
}

func (s *trippedStore) count(id string) {
	if strings.HasPrefix(id, "connection/") {
		s.ofConnections.Add(1)
	} else {
		s.ofOthers.Add(1)
	}
}

func (s *trippedStore) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	s.count(id)
	if s.down.Load() {
		return tokenstore.Record{}, errTripped
	}
	return s.Store.Load(ctx, id)
}

func (s *trippedStore) Save(ctx context.Context, r tokenstore.Record) error {
	s.count(r.ID)
	if s.down.Load() {
		return errTripped
	}
	if !strings.HasPrefix(r.ID, "connection/") {
		return s.Store.Save(ctx, r)
	}
	s.intended.Store(s.ahead.by.Load())
	intent := r.Version%2 == 1
	before := "result"
	if intent {
		before = "lease"
	}
	if err := s.trips.at(before); err != nil {
		return err
	}
	began := s.answered.Load()
	if err := s.Store.Save(ctx, r); err != nil {
		s.failed.Add(1)
		return err
	}
	if s.acks != nil {
		if _, err := fmt.Fprintln(s.acks, r.ID, r.Version+1); err != nil {
			return err
		}
	}
	if intent {
		return s.trips.at("intent")
	}
	s.mu.Lock()
	if len(s.windows) < 1000 { // a soak looks for memory that grows
		s.windows = append(s.windows, time.Since(time.Unix(0, began)))
	}
	s.mu.Unlock()
	return s.trips.at("stored")
}
