package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Readiness says whether a process can serve its connections at this moment. It holds texts of this package only: no error's words, no
// name, host or address of the store, and no secret.
type Readiness struct {
	Checks []ReadyCheck `json:"checks"`
}

// Ready reports whether no check that decides has found a problem.
func (r Readiness) Ready() bool {
	for _, c := range r.Checks {
		if c.Subject.Decides() && c.State == ReadyProblem {
			return false
		}
	}
	return true
}

// ReadyCheck is what was found about one subject.
type ReadyCheck struct {
	Subject ReadySubject `json:"subject"`
	State   ReadyState   `json:"state"`
	Text    string       `json:"text"` // one sentence
}

// ReadySubject is what a [ReadyCheck] is about.
type ReadySubject string

// Subjects of a [Readiness], in their order.
const (
	ReadyManager    ReadySubject = "manager"    // it is not closed
	ReadyStore      ReadySubject = "store"      // it answers
	ReadyKeys       ReadySubject = "keys"       // they open what they have sealed
	ReadyClock      ReadySubject = "clock"      // it may be right, and is within five minutes of Salesforce's, where that is known
	ReadyEvents     ReadySubject = "events"     // the observer keeps up: no event has been dropped that it was not told of
	ReadySalesforce ReadySubject = "salesforce" // login.salesforce.com answers; a detail, which decides nothing
)

// Decides reports whether a problem of the subject means that the process is not ready.
func (s ReadySubject) Decides() bool { return s != ReadySalesforce }

// ReadyState is the result of a [ReadyCheck].
type ReadyState string

// States of a [ReadyCheck].
const (
	ReadyOK      ReadyState = "ok"
	ReadyProblem ReadyState = "problem"
	ReadyUnknown ReadyState = "unknown" // nothing was found out yet
)

// Readiness looks whether this process can serve connections now. It writes nothing and waits for the store alone, for ctx at the
// longest: one load at a time, which all who ask meanwhile share, so that a store that hangs gathers no calls. Whether
// Salesforce can be reached is looked up in the background, once a minute at most and only when somebody asks here; what is
// returned is what the last look has found.
//
// That keys open what they have sealed says nothing of the records in the store: [EventForeign] tells of those.
func (m *Manager) Readiness(ctx context.Context) Readiness {
	if m.ended() != nil {
		return Readiness{[]ReadyCheck{{ReadyManager, ReadyProblem, "It is closed; this process is ending."}}}
	}
	last := m.ready.salesforce(m)
	return Readiness{[]ReadyCheck{
		{ReadyManager, ReadyOK, "It is open."},
		storeCheck(m.ready.store(ctx, m)),
		m.keysCheck(),
		clockCheck(m.flow.now(), last),
		eventsCheck(m.events.dropped()),
		last.check(),
	}}
}

// readiness is what a manager keeps for [Manager.Readiness]. The zero value is ready.
type readiness struct {
	mu      sync.Mutex
	load    *storeLoad // under way, or nil
	looking bool       // at Salesforce
	last    salesforceLook
}

// storeLoad is one load of the store, for all who ask meanwhile.
type storeLoad struct {
	done chan struct{}
	err  error
}

// readyRecord is the id of a record that there never is, for which keys are probed.
const readyRecord = hostPrefix + "readiness.invalid"

// store returns nil when the store answers, ctx's error when it does not in time.
func (r *readiness) store(ctx context.Context, m *Manager) error {
	r.mu.Lock()
	l := r.load
	if l == nil {
		end, err := m.begin()
		if err != nil {
			r.mu.Unlock()
			return err
		}
		l = &storeLoad{done: make(chan struct{})}
		r.load = l
		go func() {
			defer end()
			l.err = m.relocated(m.open, "readiness")
			r.mu.Lock()
			r.load = nil
			r.mu.Unlock()
			close(l.done)
		}()
	}
	r.mu.Unlock()
	select {
	case <-l.done:
		return l.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func storeCheck(err error) ReadyCheck {
	switch {
	case err == nil:
		return ReadyCheck{ReadyStore, ReadyOK, "It answers."}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return ReadyCheck{ReadyStore, ReadyProblem, "It does not answer in time."}
	case errors.Is(err, ErrRelocated):
		return ReadyCheck{ReadyStore, ReadyProblem, "Its records were copied to another store, which this process is to be given."}
	case errors.Is(err, ErrClosed):
		return ReadyCheck{ReadyStore, ReadyProblem, "It is not asked any more: this process is ending."}
	}
	return ReadyCheck{ReadyStore, ReadyProblem, "It answers with an error; the log of the store's own library says which."}
}

// keysCheck seals and opens a probe.
func (m *Manager) keysCheck() ReadyCheck {
	if m.seal.Works(readyRecord) {
		return ReadyCheck{ReadyKeys, ReadyOK, "They open what they have sealed."}
	}
	return ReadyCheck{ReadyKeys, ReadyProblem, "They do not open what they have sealed; see whether FIPS 140 is enforced (GODEBUG) where this process runs."}
}

// clockFrom and clockTo bound what a wall clock may say: one that was never set begins in 1970, and tests in a bubble of
// testing/synctest in 2000; after the second no time can be stored.
var (
	clockFrom = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	clockTo   = time.Date(9990, 1, 1, 0, 0, 0, 0, time.UTC)
)

// clockCheck judges the wall clock, by Salesforce's where that is known.
func clockCheck(now time.Time, l salesforceLook) ReadyCheck {
	switch {
	case now.Before(clockFrom) || now.After(clockTo):
		return ReadyCheck{ReadyClock, ReadyProblem, fmt.Sprintf("It says %s, which cannot be.", now.UTC().Format(time.DateOnly))}
	case l.dated && l.ahead.Abs() > clockSkew:
		return ReadyCheck{ReadyClock, ReadyProblem, fmt.Sprintf("It is %s apart from Salesforce's; logins and refreshes are misjudged.", l.ahead.Abs().Round(time.Second))}
	case l.dated:
		return ReadyCheck{ReadyClock, ReadyOK, "It agrees with Salesforce's within five minutes."}
	}
	return ReadyCheck{ReadyClock, ReadyOK, "It may be right; Salesforce has told no time yet."}
}

func eventsCheck(dropped int) ReadyCheck {
	if dropped > 0 {
		return ReadyCheck{ReadyEvents, ReadyProblem, fmt.Sprintf("%d events found no room: Observe does not keep up, or does not return.", dropped)}
	}
	return ReadyCheck{ReadyEvents, ReadyOK, "The observer keeps up."}
}

const (
	salesforceLookEvery = time.Minute
	salesforceLookTime  = 10 * time.Second

	// discovery is what is asked for: public, small, and at the host that knows production orgs.
	//
	// Source: Salesforce Help, "OpenID Connect Discovery Endpoint".
	discovery = "https://login.salesforce.com/.well-known/openid-configuration"
)

// salesforceLook is what the last look at Salesforce has found.
type salesforceLook struct {
	at       time.Duration // on the manager's clock; 0 = never
	answered bool
	dated    bool          // the answer has told Salesforce's time
	ahead    time.Duration // of our clock
}

func (l salesforceLook) check() ReadyCheck {
	switch {
	case l.at == 0:
		return ReadyCheck{ReadySalesforce, ReadyUnknown, "It has not been asked yet."}
	case l.answered:
		return ReadyCheck{ReadySalesforce, ReadyOK, "login.salesforce.com answers."}
	}
	return ReadyCheck{ReadySalesforce, ReadyProblem, "login.salesforce.com does not answer; connections whose access tokens serve go on."}
}

// salesforce returns what the last look has found, and begins another where that is a minute ago.
func (r *readiness) salesforce(m *Manager) salesforceLook {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looking || r.last.at != 0 && m.elapsed()-r.last.at < salesforceLookEvery {
		return r.last
	}
	end, err := m.begin()
	if err != nil {
		return r.last
	}
	r.looking = true
	go func() {
		defer end()
		l := m.lookAtSalesforce()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.last, r.looking = l, false
	}()
	return r.last
}

func (m *Manager) lookAtSalesforce() (l salesforceLook) {
	defer func() { l.at = max(m.elapsed(), 1) }()
	defer m.contain(nil)
	ctx, cancel := context.WithTimeout(m.open, salesforceLookTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, discovery, nil)
	if err != nil {
		return l
	}
	a, err := m.flow.do(req)
	if err != nil {
		return l
	}
	l.answered = a.status < http.StatusInternalServerError
	if said, err := http.ParseTime(a.header.Get("Date")); err == nil {
		l.dated, l.ahead = true, m.flow.now().Sub(said)
	}
	return l
}
