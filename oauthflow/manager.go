package oauthflow

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Manager owns the connections in a store: it begins and completes logins, keeps clients and tokens sealed, and
// refreshes each access token once, however many goroutines and processes ask. Its methods may be called from many
// goroutines at once. Close it at the end.
type Manager struct {
	cfg  ManagerConfig
	flow *Flow
	seal tokenstore.Sealer
	log  *slog.Logger
	time Timing

	base   time.Time // for monotonic readings
	jumps  jumps
	closed atomic.Bool // set under mu

	open context.Context // ends when Close begins: nothing new is begun, nobody waits for better times
	shut context.CancelFunc
	ctx  context.Context // ends when Close gives up: what is under way is abandoned
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.RWMutex
	gates   gates
	flights *places // what is under way

	guards guards   // of the transports that API requests travel by
	told   sync.Map // what a transport of the caller's does, that was told, to when, by the manager's clock

	everywhere pace // of the refreshes at all login hosts

	_       [64]byte // code that locks mu would take the cache line from code that reads sources
	sources sources

	foreign  sync.Map // record id that was asked for to what an event has told of
	reported atomic.Int64
	doubted  sync.Map // record id to the doubt that the keep-alive could not resolve
	ahead    sync.Map // record id to a wait that a clock ahead of ours wrote

	ready     readiness
	events    inbox
	usage     usage
	handed    atomic.Int64 // events that the observer has taken
	delivered chan struct{}
}

// NewManager returns a Manager, or an error of [KindInvalid] that names every field at fault.
func NewManager(c ManagerConfig) (*Manager, error) {
	if err := c.fill(); err != nil {
		return nil, err
	}
	m := &Manager{
		cfg: c, seal: tokenstore.Sealer{Keyring: c.Keyring, Environment: c.Environment}, log: c.Logger, time: c.Timing,
		base: time.Now(), sources: newSources(),
		events: newInbox(), delivered: make(chan struct{}),
	}
	m.flow = c.Flow.watched(m.alertTransport)
	m.guards.to = m.flow.to
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	silence := newSilence()
	m.gates = newGates(silence)
	m.flights = newFlights(c.StoreCalls, silence)
	m.cfg.Store = guardStore(c.Store, c.StoreCalls, silence)
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.open, m.shut = context.WithCancel(m.ctx)
	m.tellTransport(m.flow.transport)
	go m.deliver()
	return m, nil
}

// Close waits until every refresh that has been sent is stored and every event is delivered, and ends the manager. From
// when it is called every other method of the manager, its sources and their transports fails at once with [ErrClosed]. An
// observer that does not return within five seconds is left alone, with the events that it has not taken. When ctx ends first, it returns ctx's error at once: what is under way is
// abandoned, and the process that uses those connections next finds out. It is safe to repeat.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed.Store(true)
	m.mu.Unlock()
	m.shut()
	drained := make(chan struct{})
	go func() {
		m.work.Wait()
		m.stop()
		m.guards.close()
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

// ended returns [ErrClosed] once Close has begun.
func (m *Manager) ended() error {
	if m.closed.Load() {
		return &Error{Op: "manager", Kind: KindInvalid, Err: ErrClosed}
	}
	return nil
}

// begin counts one piece of work that Close waits for.
func (m *Manager) begin() (end func(), err error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if err := m.ended(); err != nil {
		return nil, err
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
