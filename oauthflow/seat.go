package oauthflow

import (
	"errors"
	"sync"
	"time"
)

// seat is the right of a flight to work: a place among the requests to its login host, and then one among all that the process
// has under way. A flight that is to replace a token waits for it before its first call of the store, and gives it back whenever it
// waits for something else. Who waits for a host holds no place of the process: a host with a long queue takes none from others.
type seat struct {
	m      *Manager
	tenant string
	turn   *turn // told what is waited for; may be nil

	host      string
	leaveHost func()

	mu    sync.Mutex // a timer gives the place back, too
	leave func()     // the place of the process; nil without one
}

// slowAnswer is how long a request holds a place of the process. One that hangs costs a socket and no place: requests to hosts that
// hang do not hold up those to others.
const slowAnswer = 2 * time.Second

// take waits for what the flight lacks of its seat at a login host. It reports whether it had to wait.
func (s *seat) take(host string) (waited bool, err error) {
	if s.leaveHost == nil || s.host != host {
		s.giveBack()
		at, err := s.m.gate(host).places.enter(s.m.open, s.tenant, s.turn)
		if err != nil {
			return false, notEntered(err)
		}
		s.host, s.leaveHost, waited = host, at.leave, at.waited
	}
	s.mu.Lock()
	missing := s.leave == nil
	s.mu.Unlock()
	if missing {
		at, err := s.m.flights.enter(s.m.open, s.tenant, s.turn)
		if err != nil {
			return false, notEntered(err)
		}
		waited = waited || at.waited
		s.mu.Lock()
		s.leave = at.leave
		s.mu.Unlock()
	}
	return waited, nil
}

// notEntered is the error of a flight that has not come to its turn.
func notEntered(err error) error {
	if errors.Is(err, errStoreSilent) {
		return storeError(opRefresh, err)
	}
	return &Error{Op: opRefresh, Kind: KindNotSent, Err: ErrClosed}
}

// giveBack gives the seat back. It may be repeated.
func (s *seat) giveBack() {
	s.lend()
	if s.leaveHost != nil {
		s.leaveHost()
		s.leaveHost = nil
	}
}

// lend gives the place of the process back, and keeps the host's.
func (s *seat) lend() {
	s.mu.Lock()
	leave := s.leave
	s.leave = nil
	s.mu.Unlock()
	if leave != nil {
		leave()
	}
}

// asking has the place of the process given back when the request that follows takes long.
func (s *seat) asking() (answered func()) {
	t := time.AfterFunc(slowAnswer, s.lend)
	return func() { t.Stop() }
}
