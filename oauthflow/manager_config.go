package oauthflow

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// ManagerConfig says what a [Manager] works with.
type ManagerConfig struct {
	// Flow speaks with Salesforce. Required.
	Flow *Flow

	// Store keeps the records. Required; all processes that serve the same connections share one. A call that loads, saves
	// or deletes is given up five seconds after it has begun; see StoreCalls.
	Store tokenstore.Store

	// StoreCalls is how many calls of Store this process has under way at once, lists aside, and eight times as many refreshes, 256 at
	// most. Further ones wait: tenants take turns, and what one tenant has waits in the order in which it came. Where others use the
	// store's pool, too, leave some of it to them. Optional, 1 to 1024; default what the store says of its pool ([tokenstore.PooledStore]),
	// else 16.
	StoreCalls int

	// Crew is how many records [Manager.Reseal] deals with at once in this process, no more than StoreCalls.
	// Optional, 1 to 256; default 16.
	Crew int

	// Keyring seals the records. Required.
	Keyring *tokenstore.Keyring

	// Environment names the deployment that owns the records, such as "production", 1–64 bytes of printable ASCII.
	// Required. A copy of the store opens in no other environment, so that a clone never spends a token of the
	// original.
	Environment string

	// StoreEpoch is changed by the operator, to any other text, when the store was restored from a backup: then no
	// refresh token of before is sent until Salesforce has said that it is unspent, and a login of before has to begin again.
	// Optional.
	StoreEpoch string

	// IdleLimit tells for how long a connection's refresh token may stay unused before Salesforce ends it, where the
	// operator knows less than 30 days; [Manager.KeepAlive] refreshes before that. 0, less, or more than 30 days mean 30 days,
	// since Salesforce may end every refresh token then: keep-alive cannot be switched off so. A shorter period that
	// [Manager.SetIdlePeriod] has stored counts in any case. It is asked at each save of a connection, and may be called from
	// many goroutines at once. Optional; default 30 days for every connection.
	//
	// Source: Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps".
	IdleLimit func(Connection) time.Duration

	// APITransport carries the requests of a [Source.Transport] that is given none. Optional; default http.DefaultTransport as it is
	// at each call. What is refused there is refused here: InsecureSkipVerify, ServerName, Dial and DialTLS.
	APITransport http.RoundTripper

	// Observe is told of every event, in order, by one goroutine. Optional. It may be slow: nothing waits for it. When more
	// than 1024 routine events of one tenant are waiting, fewer where several tenants have many, further ones are dropped, and
	// [EventMissed] tells how many of each type. Alerts (all that ask for attention, such as "replay suspected" or "broken") have
	// as much room of their own.
	Observe func(Event)

	// Logger gets lines about what goes wrong inside, most at debug level; Observe tells what happens to connections. Their
	// fields: connection (tenant/name), host, error, of a foreign record its id as asked for (record) and as returned by the
	// store (found), and of code that panicked its type and the stack. It is called by the
	// goroutine that has something to say, which holds no lock. A logger that is slow makes that goroutine slow. Optional;
	// default silent.
	Logger *slog.Logger

	// Timing is for tests that cannot wait. Optional; every zero field has its default.
	Timing Timing
}

// fill sets defaults, and returns an error that names every field at fault.
func (c *ManagerConfig) fill() error {
	const op = "new manager"
	var bad badfields.List
	if c.Flow == nil || c.Flow.now == nil {
		bad.Add("ManagerConfig.Flow", "is required; NewFlow makes one")
	}
	if c.Store == nil {
		bad.Add("ManagerConfig.Store", "is required")
	}
	if c.StoreCalls < 0 || c.StoreCalls > mostCalls {
		bad.Add("ManagerConfig.StoreCalls", fmt.Sprintf("must be 1 to %d", mostCalls))
	}
	if c.StoreCalls == 0 && c.Store != nil {
		c.StoreCalls = storeCalls(c.Store)
	}
	if c.Crew < 0 || c.Crew > mostCrew {
		bad.Add("ManagerConfig.Crew", fmt.Sprintf("must be 1 to %d", mostCrew))
	}
	if c.Crew == 0 {
		c.Crew = defaultCrew
	}
	if c.Keyring.IsZero() {
		bad.Add("ManagerConfig.Keyring", "is required: tokens are never stored in clear; tokenstore.NewKeyring makes them")
	}
	if len(c.Environment) > 64 || !printable(c.Environment) {
		bad.Add("ManagerConfig.Environment", "must be 1 to 64 printable ASCII characters, such as \"production\"")
	}
	if len(c.StoreEpoch) > 64 {
		bad.Add("ManagerConfig.StoreEpoch", "must be at most 64 bytes")
	}
	if problem := weakens(c.APITransport); problem != "" {
		bad.Add("ManagerConfig.APITransport", problem)
	}
	c.Timing.fill(&bad)
	return invalidFields(op, bad)
}

const defaultLease = 10 * time.Second

// Timing holds the times that decide when a refresh is given up, taken over by another process or tried again.
type Timing struct {
	Lease   time.Duration // from writing the intent to the first byte of the request. Default 10 s
	Quiet   time.Duration // after the lease until another process looks into it, for the request to arrive in. Default 5 s
	Confirm time.Duration // between the two confirmations that a refresh token is unspent. Default 5 s
	LastTry time.Duration // in doubt this long and nothing left to lose: one last try. Default 150 s
	Recheck time.Duration // how long a token is handed out without asking the store. Default and maximum 30 s
	Login   time.Duration // lifetime of a login that was begun; less by what a process's clock is ahead. Default 15 min, 5 to 60 min
}

// fill sets defaults, and adds the fields at fault.
func (t *Timing) fill(bad *badfields.List) {
	set := func(d *time.Duration, field string, def, least, most time.Duration) {
		if *d == 0 {
			*d = def
		}
		if *d < least || *d > most {
			bad.Add("ManagerConfig.Timing."+field, fmt.Sprintf("must be %v to %v", least, most))
		}
	}
	set(&t.Lease, "Lease", defaultLease, 50*time.Millisecond, time.Minute)
	set(&t.Quiet, "Quiet", 5*time.Second, 50*time.Millisecond, time.Minute)
	set(&t.Confirm, "Confirm", 5*time.Second, 10*time.Millisecond, time.Minute)
	set(&t.LastTry, "LastTry", 150*time.Second, 100*time.Millisecond, time.Hour)
	set(&t.Recheck, "Recheck", 30*time.Second, time.Millisecond, 30*time.Second)
	set(&t.Login, "Login", 15*time.Minute, 5*time.Minute, time.Hour)
}
