package oauthflow

import (
	"context"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Manager owns the connections in a store: it begins and completes logins, keeps clients and tokens sealed, and
// refreshes each access token once, however many goroutines and processes ask. Its methods may be called from many
// goroutines at once. Close it at the end.
type Manager struct {
	cfg  ManagerConfig
	flow *Flow
	seal sealer
	log  *slog.Logger
	time Timing

	base time.Time // for monotonic readings

	open context.Context // ends when Close begins: nothing new is begun, nobody waits for better times
	shut context.CancelFunc
	ctx  context.Context // ends when Close gives up: what is under way is abandoned
	stop context.CancelFunc
	work sync.WaitGroup

	mu     sync.RWMutex
	closed bool
	gates  map[string]*gate // by login host

	everywhere pace // of the refreshes at all login hosts

	_       [64]byte // whoever counts himself in at mu takes its cache line from those who read sources
	sources sources

	proved    atomic.Bool // the store has taken a write, as a take-over asks before it begins
	foreign   sync.Map    // record id to the version that an event has told of
	doubted   sync.Map    // record id to the doubt that the keep-alive could not resolve
	lifetimes sync.Map    // Key to time.Duration: how long sessions live, where introspection has told

	events    chan Event
	lines     chan line
	missed    atomic.Int64
	handed    atomic.Int64 // events and lines that the observer and the logger have taken
	delivered chan struct{}
}

// NewManager returns a Manager, or an error of [KindInvalid] that names every field at fault.
func NewManager(c ManagerConfig) (*Manager, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	m := &Manager{
		cfg: c, flow: c.Flow, seal: sealer{c.Keys, c.Environment}, log: c.Logger, time: c.Timing,
		base: time.Now(), sources: sources{seed: maphash.MakeSeed()}, gates: map[string]*gate{},
		events: make(chan Event, eventQueue), lines: make(chan line, lineQueue), delivered: make(chan struct{}),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.cfg.Store = guardedStore{c.Store}
	if c.Former != nil {
		m.cfg.Former = guardedStore{c.Former}
	}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.open, m.shut = context.WithCancel(m.ctx)
	go m.deliver()
	return m, nil
}

// Close waits until every refresh that has been sent is stored and every event is delivered, and ends the manager;
// later calls fail with [ErrClosed]. An observer or logger that does not return within five seconds is left alone, with
// the events that it has not taken. When ctx ends first, it returns ctx's error at once: what is under way is
// abandoned, and whoever uses those connections next looks into it. It is safe to repeat.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.shut()
	drained := make(chan struct{})
	go func() {
		m.work.Wait()
		m.stop()
		m.awaitDelivery()
		close(drained)
	}()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		m.stop()
		return ctx.Err()
	}
}

// monotonic is the time since the manager was made, by a clock that nobody sets.
func (m *Manager) monotonic() time.Duration { return time.Since(m.base) }

// begin counts one piece of work that Close waits for.
func (m *Manager) begin() (end func(), err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return nil, &Error{Op: "manager", Kind: KindInvalid, Err: ErrClosed}
	}
	m.work.Add(1)
	return m.work.Done, nil
}

// detached returns a context that outlives its caller's but not the manager.
func (m *Manager) detached(ctx context.Context) (context.Context, context.CancelFunc) {
	d, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(m.ctx, cancel)
	return d, func() { stop(); cancel() }
}
