package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// ManagerConfig says what a [Manager] works with.
type ManagerConfig struct {
	// Flow speaks with Salesforce. Required.
	Flow *Flow

	// Store keeps the records. Required; all processes that serve the same connections share one. A call that loads, saves
	// or deletes is given up after five seconds.
	Store Store

	// Former is a store that records are taken over from, each when it is needed; [Manager.TakeOver] moves the rest.
	// Optional.
	Former Store

	// Keys seal the records. Required.
	Keys *Keys

	// Environment names the deployment that owns the records, such as "production", 1–64 bytes of printable ASCII.
	// Required. A copy of the store opens in no other environment, so that a clone never spends a token of the
	// original.
	Environment string

	// StoreEpoch is changed by the operator, to any other text, when the store was restored from a backup: then no
	// refresh token of before is sent until Salesforce has said that it is unspent. Optional.
	StoreEpoch string

	// IdleLimit tells for how long a connection's refresh token may go unused before Salesforce ends it; 0 = for ever.
	// [Manager.KeepAlive] refreshes before that. Optional; default 30 days for every connection.
	IdleLimit func(Connection) time.Duration

	// SessionLifetime is what is taken for the lifetime of an access token. Optional; default unknown: a token is used
	// until Salesforce refuses it.
	SessionLifetime SessionLifetime

	// RefuseSecondKey refuses a connection of an org, user and app that another key is connected to, with
	// [ErrConnectedElsewhere], unless the login asks for it. Optional.
	RefuseSecondKey bool

	// AccessTokens says where access tokens are kept. Optional; default [AccessTokenStored].
	AccessTokens AccessTokens

	// Observe is told of every event, in order, by one goroutine. Optional. It may be slow: nothing waits for it, and
	// when more than 1024 events are waiting, further ones are dropped and that is reported.
	Observe func(Event)

	// Logger gets lines about what goes wrong inside, most at debug level; Observe tells what happens to connections. Their
	// fields: connection (tenant/name), host, error, and of code that panicked its type and the stack. Optional; default
	// silent.
	Logger *slog.Logger

	// Timing is for tests that cannot wait. Optional; every zero field has its default.
	Timing Timing
}

// SessionLifetime says how the end of an access token is foreseen. Salesforce tells none, and its sessions are
// prolonged by use, so that a guess only saves the one refused request at the end of an idle session.
type SessionLifetime struct {
	Assume time.Duration // refresh before this age. Optional, at least a minute
	Learn  bool          // ask introspection after each refresh, and take what it says instead of Assume
}

// AccessTokens says where access tokens are kept.
type AccessTokens int

const (
	// AccessTokenStored seals them into the store, so that all processes share one.
	AccessTokenStored AccessTokens = iota
	// AccessTokenInMemoryOnly keeps them out of the store. Each process then refreshes for itself once, and again
	// whenever its own token is refused.
	AccessTokenInMemoryOnly
)

// Timing holds the times that decide when a refresh is given up, taken over or tried again.
type Timing struct {
	Lease   time.Duration // from writing the intent to the first byte of the request. Default 10 s
	Quiet   time.Duration // after the lease until another process looks into it, for the request to arrive in. Default 5 s
	Confirm time.Duration // between the two confirmations that a refresh token is unspent. Default 5 s
	LastTry time.Duration // in doubt this long and nothing left to lose: one last try. Default 150 s
	Recheck time.Duration // how long a token is handed out without asking the store. Default and maximum 30 s
	Login   time.Duration // lifetime of a login that was begun. Default 15 min, 5 to 60 min
}

func (t *Timing) fill() error {
	set := func(d *time.Duration, field string, def, least, most time.Duration) error {
		if *d == 0 {
			*d = def
		}
		if *d < least || *d > most {
			return invalid("new manager", "ManagerConfig.Timing."+field, fmt.Sprintf("must be %v to %v", least, most))
		}
		return nil
	}
	return errors.Join(
		set(&t.Lease, "Lease", 10*time.Second, 50*time.Millisecond, time.Minute),
		set(&t.Quiet, "Quiet", 5*time.Second, 50*time.Millisecond, time.Minute),
		set(&t.Confirm, "Confirm", 5*time.Second, 10*time.Millisecond, time.Minute),
		set(&t.LastTry, "LastTry", 150*time.Second, 100*time.Millisecond, time.Hour),
		set(&t.Recheck, "Recheck", 30*time.Second, time.Millisecond, 30*time.Second),
		set(&t.Login, "Login", 15*time.Minute, 5*time.Minute, time.Hour),
	)
}

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

	mu      sync.RWMutex
	_       [64]byte // whoever counts himself in at mu takes its cache line from those who read sources
	closed  bool
	sources map[Key]*Source
	gates   map[string]*gate // by login host

	foreign   sync.Map // record id to the version that an event has told of
	doubted   sync.Map // record id to the doubt that the keep-alive could not resolve
	lifetimes sync.Map // Key to time.Duration: how long sessions live, where introspection has told

	events    chan Event
	lines     chan line
	missed    atomic.Int64
	handed    atomic.Int64 // events and lines that the observer and the logger have taken
	delivered chan struct{}
}

// NewManager returns a Manager, or an error of [KindInvalid] that names every field at fault.
func NewManager(c ManagerConfig) (*Manager, error) {
	const op = "new manager"
	var errs []error
	if c.Flow == nil {
		errs = append(errs, invalid(op, "ManagerConfig.Flow", "is required; NewFlow makes one"))
	}
	if c.Store == nil {
		errs = append(errs, invalid(op, "ManagerConfig.Store", "is required"))
	}
	if c.Keys == nil {
		errs = append(errs, invalid(op, "ManagerConfig.Keys", "is required: tokens are never stored in clear; NewKeys makes them"))
	}
	if len(c.Environment) > 64 || !printable(c.Environment) {
		errs = append(errs, invalid(op, "ManagerConfig.Environment", "must be 1 to 64 printable ASCII characters, such as \"production\""))
	}
	if len(c.StoreEpoch) > 64 {
		errs = append(errs, invalid(op, "ManagerConfig.StoreEpoch", "must be at most 64 bytes"))
	}
	if c.SessionLifetime.Assume != 0 && c.SessionLifetime.Assume < time.Minute {
		errs = append(errs, invalid(op, "ManagerConfig.SessionLifetime.Assume", "must be at least a minute"))
	}
	if c.AccessTokens != AccessTokenStored && c.AccessTokens != AccessTokenInMemoryOnly {
		errs = append(errs, invalid(op, "ManagerConfig.AccessTokens", "must be AccessTokenStored or AccessTokenInMemoryOnly"))
	}
	errs = append(errs, c.Timing.fill())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	m := &Manager{
		cfg: c, flow: c.Flow, seal: sealer{c.Keys, c.Environment}, log: c.Logger, time: c.Timing,
		base: time.Now(), sources: map[Key]*Source{}, gates: map[string]*gate{},
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

// Load returns what is known of a connection. A missing one is an error of [KindNotConnected].
func (m *Manager) Load(ctx context.Context, k Key) (Connection, error) {
	if err := k.validate("load"); err != nil {
		return Connection{}, err
	}
	_, g, err := m.load(ctx, "load", k)
	if err != nil {
		return Connection{}, err
	}
	return g.connection(m.flow.now()), nil
}

// load reads and opens a connection's record. With an error of [KindNotConnected] comes the record that a new
// connection replaces, and what is left of an old one.
func (m *Manager) load(ctx context.Context, op string, k Key) (Record, *grant, error) {
	r, g, err := m.loadLeaving(ctx, op, k)
	if err == nil && g.Leaving {
		return Record{}, nil, storeError(op, errLeaving)
	}
	return r, g, err
}

// loadLeaving is load also for a connection that another store is taking over.
func (m *Manager) loadLeaving(ctx context.Context, op string, k Key) (Record, *grant, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	id := k.recordID()
	r, err := m.find(ctx, op, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Record{ID: id}, nil, notConnected(op, k)
	case err != nil:
		return Record{}, nil, storeError(op, err)
	}
	g, err := m.openGrant(ctx, op, r)
	if err == nil && g.Gone {
		return r, g, notConnected(op, k)
	}
	return r, g, err
}

func notConnected(op string, k Key) error {
	return &Error{Op: op, Kind: KindNotConnected, Err: fmt.Errorf("%w for connection %q", ErrNotFound, k)}
}

// save seals g and compares and swaps it for the record as it was loaded.
func (m *Manager) save(ctx context.Context, op string, was Record, g *grant) (Record, error) {
	now := m.flow.now()
	was.Due = g.due(now, m.idleLimit(g, now))
	return m.saveDue(ctx, op, was, g)
}

// saveDue is save that leaves it to the record when somebody has to look at it.
func (m *Manager) saveDue(ctx context.Context, op string, was Record, g *grant) (Record, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	kept := *g
	if m.cfg.AccessTokens == AccessTokenInMemoryOnly {
		kept.Access = sealedSecret{}
	}
	plain, err := kept.encode()
	if err != nil {
		return was, &Error{Op: op, Kind: KindStore, Err: err}
	}
	data, err := m.seal.seal(ctx, was.ID, was.Version+1, plain)
	if err != nil {
		return was, &Error{Op: op, Kind: KindStore, Err: err}
	}
	next := Record{ID: was.ID, Version: was.Version, Due: was.Due, Data: data}
	if err := m.cfg.Store.Save(ctx, next); err != nil {
		return was, storeError(op, err)
	}
	next.Version++
	return next, nil
}

// defaultIdleLimit is what Salesforce requires of partners' apps; apps may have none.
const defaultIdleLimit = 30 * 24 * time.Hour

// idleLimit asks the caller's code, which must not cost a result that is about to be stored.
func (m *Manager) idleLimit(g *grant, now time.Time) (limit time.Duration) {
	if m.cfg.IdleLimit == nil {
		return defaultIdleLimit
	}
	defer func() {
		if r := recover(); r != nil {
			m.logPanic(r)
			limit = defaultIdleLimit
		}
	}()
	return m.cfg.IdleLimit(g.connection(now))
}

// storeTimeout bounds one call of a store; a store that hangs must not hold a refresh for ever.
const storeTimeout = 5 * time.Second

// farFuture is the Due of a record that nobody has to look at; afterAll is later than any.
var (
	farFuture = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
	afterAll  = farFuture.Add(time.Hour)
)

// storeError wraps a store's error; sentinels and the caller's own context error stay visible.
func storeError(op string, err error) error {
	return &Error{Op: op, Kind: KindStore, Err: fmt.Errorf("store: %w", err)}
}
