package oauthflow

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// gate is what a manager keeps of one login host: how many requests are under way there and how long refreshes take, until
// when the host asks to be left alone, and whether it answers at all.
type gate struct {
	pace   pace
	places *places

	mu        sync.Mutex
	pauses    map[string]time.Time // until when the host asks to be left alone, by whom it has asked; see [pausing]
	silences  int                  // requests in a row that the host itself did not answer, or put off; of a generic host, tenants
	life      int                  // requests that it has answered
	probed    time.Time            // when one was last asked of a host that is down
	nextProbe time.Time            // by the monotonic clock
	guests    map[string]*guest    // of a generic host, by tenant
}

// guest is what a gate keeps of one tenant.
type guest struct {
	silences  int       // the tenant's requests in a row that were not answered
	nextProbe time.Time // of the tenant
	counted   int       // the gate's life, from 1, in which the tenant is among the silences
	refused   time.Time // when the tenant last was told to wait for the host
	probed    time.Time // when the tenant last asked a host that is down
}

const (
	perHost      = 16             // refreshes, codes and revocations under way at once
	perTenant    = 12             // of those, of one tenant: the others find a place however long its requests take
	manySilences = 8              // after which a host is held to be down
	probeEvery   = time.Second    // how often this process then asks it
	turnWait     = probeEvery / 2 // for which the question is kept for a tenant whose turn it is
	maxGuests    = 256            // tenants that a gate keeps
)

// pause returns how long the host is to be left alone; 0 lets the caller ask. Of many connections of a host that is down, one
// asks every second, and one of a tenant for which a generic host is down. Tenants take turns.
func (g *gate) pause(whom string) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, own := time.Now(), g.guests[whom]
	ownDown := own != nil && own.silences >= manySilences
	if ownDown && now.Before(own.nextProbe) {
		return own.nextProbe.Sub(now)
	}
	if g.silences >= manySilences {
		from := g.nextProbe
		if whom != "" {
			own = g.guest(whom)
			if now.Before(from.Add(turnWait)) && g.anothersTurn(own) {
				from = from.Add(turnWait)
			}
			own.refused = now
		}
		if wait := from.Sub(now); wait > 0 {
			return wait
		}
		g.probed, g.nextProbe = now, now.Add(probeEvery)
		if own != nil {
			own.probed = now
		}
	}
	if ownDown {
		own.nextProbe = now.Add(probeEvery)
	}
	return 0
}

// anothersTurn reports whether a tenant that has been refused since the host was last asked has waited longer for its turn. The
// lock is held.
func (g *gate) anothersTurn(own *guest) bool {
	for _, l := range g.guests {
		if l != own && !l.refused.Before(g.probed) && l.probed.Before(own.probed) {
			return true
		}
	}
	return false
}

// guest returns what is kept of a tenant. The lock is held.
func (g *gate) guest(whom string) *guest {
	l := g.guests[whom]
	if l != nil {
		return l
	}
	if g.guests == nil {
		g.guests = map[string]*guest{}
	}
	for other := range g.guests {
		if len(g.guests) < maxGuests {
			break
		}
		delete(g.guests, other)
	}
	l = new(guest)
	g.guests[whom] = l
	return l
}

// saw takes note of how a tenant's request to the host ended; nil is success. A host that does not answer counts as down, and so
// does a generic one that answers none of many tenants: the fault may be one tenant's org alone.
func (g *gate) saw(e *Error, whom string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case e != nil && putsOff(e): // whom alone that concerns, the host's record says
		g.silent(whom)
	case e == nil, e.Status > 0 && e.Status < http.StatusInternalServerError:
		g.silences = 0
		g.life++
		delete(g.guests, whom)
	case errors.Is(e.Err, errFenced), errors.Is(e.Err, context.Canceled): // our own doing
	default:
		g.silent(whom)
		if whom == "" {
			return
		}
		if l := g.guest(whom); l.silences < manySilences {
			if l.silences++; l.silences == manySilences {
				l.nextProbe = time.Now().Add(probeEvery)
			}
		}
	}
}

// silent counts one more request that was not answered, of a tenant's one alone. The lock is held.
func (g *gate) silent(whom string) {
	if whom != "" {
		l := g.guest(whom)
		if l.counted == g.life+1 {
			return
		}
		l.counted = g.life + 1
	}
	if g.silences++; g.silences == manySilences {
		g.probed = time.Now()
		g.nextProbe = g.probed.Add(probeEvery)
	}
}

// putsOff reports whether the host has answered that it is to be left alone for a while.
func putsOff(e *Error) bool {
	return e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
}

var errSilent = errors.New("the login host has not answered for a while; it is asked again every second")
