package oauthflow

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// ManagerConfig says what a [Manager] works with.
type ManagerConfig struct {
	// Flow speaks with Salesforce. Required.
	Flow *Flow

	// Store keeps the records. Required; all processes that serve the same connections share one. A call that loads, saves
	// or deletes is given up after five seconds.
	Store Store

	// Former is a store that records are taken over from, each when it is needed; [Manager.TakeOver] moves the rest, and
	// tells when the store can be dropped. Optional.
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

// fill sets defaults, and returns an error that names every field at fault.
func (c *ManagerConfig) fill() error {
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
	return errors.Join(errs...)
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
