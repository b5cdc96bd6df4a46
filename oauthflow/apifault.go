package oauthflow

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// What API calls are refused for is a note in the record: it says what an admin has to know, and holds up neither a
// refresh nor a call. It is written and taken away by what the API answers.
const (
	apiFaultAge   = time.Hour        // without a newer refusal a note counts for so long,
	apiFaultRenew = 20 * time.Minute // and is renewed by a refusal from this age on
	apiFaultEvery = time.Minute      // a process looks at a record for a note at most so often
)

// hearing is what the API has answered last on a connection where it refused or redirected once.
type hearing struct {
	refused atomic.Bool // the last answer; read without the lock

	mu     sync.Mutex
	last   heard
	looked time.Duration // when the record was last looked at, on the manager's clock
	busy   bool          // somebody is about to

	left departure // by the host that API calls go to
}

// heard is one answer of the API.
type heard struct {
	fault *fault // nil: the call worked
	at    time.Time
	epoch tag
}

// hear takes from an answer of the API what it says of all calls of the connection. The caller is not kept waiting for
// anything but the beginning of a refusal's body.
func (s *Source) hear(req *http.Request, v *view, resp *http.Response) {
	switch resp.StatusCode {
	case http.StatusForbidden, http.StatusServiceUnavailable:
		if !callsAPI(req) {
			return
		}
		if f := withheld(v, resp, s.m.flow.now()); f != nil {
			s.note(heard{f, f.At, v.epoch})
		}
	default:
		if resp.StatusCode/100 != 2 {
			return
		}
		if h := s.api.Load(); (v.withheld || h != nil && h.refused.Load()) && callsAPI(req) {
			s.note(heard{nil, s.m.flow.now(), v.epoch})
		}
	}
}

// callsAPI reports whether the request is for an API of Salesforce's own that needs a session. Apex REST answers what its
// developer likes, and the list of versions comes without a session.
func callsAPI(req *http.Request) bool {
	p := req.URL.Path
	return strings.HasPrefix(p, "/services/data/v") || strings.HasPrefix(p, "/services/async/") || callsSOAP(req)
}

// listsVersions reports whether the request is for the list of versions, which Salesforce answers whatever session it carries.
//
// Source: REST API Developer Guide, "Versions".
func listsVersions(req *http.Request) bool {
	return req.URL.Path == "/services/data" || req.URL.Path == "/services/data/"
}

// callsSOAP reports whether the request is for a SOAP API, whose session is in the body.
func callsSOAP(req *http.Request) bool { return strings.HasPrefix(req.URL.Path, "/services/Soap/") }

// withheld returns the refusal if it is one of all API calls, or nil. Maintenance shows an error or a page.
//
// Source: REST API Developer Guide, "Status Codes and Error Responses"; that maintenance shows a page of HTML is assumed.
func withheld(v *view, resp *http.Response, now time.Time) *fault {
	body, err := peek(resp)
	if err != nil {
		return nil
	}
	e := resourceError(opRequest, "", &answer{status: resp.StatusCode, header: resp.Header, body: body}, now, NewSecret(v.access()))
	r, ok := rulingOf(e)
	page := e.Status == http.StatusServiceUnavailable && e.Code == "" &&
		(strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || strings.HasPrefix(strings.TrimSpace(salesforce.PlainText(resp.Header, body)), "<"))
	if !ok || !r.withholds && !page {
		return nil
	}
	return &fault{Op: opRequest, Code: e.Code, Description: e.Description, Kind: e.Kind, Status: e.Status, At: now}
}

// hearing returns what is kept of the API's answers.
func (s *Source) hearing() *hearing {
	if s.api.Load() == nil {
		s.api.CompareAndSwap(nil, &hearing{looked: -apiFaultEvery})
	}
	return s.api.Load()
}

// note remembers an answer and has the record follow it.
func (s *Source) note(said heard) {
	h := s.hearing()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last = said
	h.refused.Store(said.fault != nil)
	if h.busy {
		return
	}
	end, err := s.m.begin()
	if err != nil {
		return
	}
	h.busy = true
	go func() {
		defer end()
		defer s.m.contain(nil)
		s.follow(h)
	}()
}

// follow brings the record up to the last answer, and again when the API says the opposite meanwhile.
func (s *Source) follow(h *hearing) {
	h.mu.Lock()
	defer h.mu.Unlock()
	defer func() { h.busy = false }()
	for {
		rest := h.looked + apiFaultEvery - s.m.elapsed()
		rested := true
		h.unlocked(func() { rested = rest <= 0 || sleep(s.m.open, rest) })
		if !rested {
			return
		}
		said := h.last
		h.looked = s.m.elapsed()
		h.unlocked(func() { s.m.keep(s.key, said) })
		if (h.last.fault == nil) == (said.fault == nil) {
			return
		}
	}
}

// unlocked lets others in while it does what takes long, and may panic.
func (h *hearing) unlocked(do func()) {
	h.mu.Unlock()
	defer h.mu.Lock()
	do()
}

// keep puts what the API said into the record. What cannot be kept now is kept when the API answers next.
func (m *Manager) keep(k Key, said heard) {
	for range conflictTries {
		r, g, err := m.load(m.ctx, opRequest, k)
		if err != nil {
			m.logf(slog.LevelDebug, "what the API answers could not be kept", "connection", k, "error", err)
			return
		}
		now := m.flow.now()
		was := g.connection(now)
		if tagOf(g.Epoch) != said.epoch || g.occupied() || !g.hears(said, now) {
			return
		}
		if _, err = m.saveDue(m.ctx, opRequest, r, g); err == nil {
			m.tellAPI(was, g.connection(now), said)
			return
		}
		if !errors.Is(err, tokenstore.ErrConflict) {
			m.logf(slog.LevelDebug, "what the API answers could not be kept", "connection", k, "error", err)
			return
		}
	}
}

// tellAPI reports a status that has changed.
func (m *Manager) tellAPI(was, is Connection, said heard) {
	switch {
	case said.fault == nil && is.Status == StatusActive:
		m.observe(Event{Type: EventRepaired, Key: is.Key, OrgID: is.OrgID})
	case said.fault == nil || is.Status != StatusSuspended || is.Fault.Op != opRequest: // something worse stands
	case was.Status != StatusSuspended || was.Fault.Kind != is.Fault.Kind:
		m.observe(Event{Type: EventSuspended, Key: is.Key, OrgID: is.OrgID, Err: is.Fault})
	}
}

// occupied reports whether somebody is at the record who must not find another one.
func (g *grant) occupied() bool {
	return g.Intent != nil || g.Revoking || g.MovedTo != nil || g.Adopting
}

// hears takes up what the API said, and reports whether that is news.
func (g *grant) hears(said heard, now time.Time) bool {
	switch old := g.apiFault(now); {
	case said.fault == nil && (g.APIFault == nil || g.APIFault.Kind == ""):
		return false
	case g.APIFault != nil && g.APIFault.At.After(said.at) && g.APIFault.At.Sub(now) < apiFaultEvery: // another process knows better
		return false
	case said.fault != nil && old != nil && old.Kind == said.fault.Kind && said.at.Sub(old.At) < apiFaultRenew:
		return false
	}
	g.APIFault = said.fault
	if said.fault == nil {
		g.APIFault = &fault{Op: opRequest, At: said.at}
	}
	return true
}

// apiFault returns the note while it counts. One from far ahead was written by a wrong clock; one without a kind says when a
// call worked again, so that no process comes late with an older refusal.
func (g *grant) apiFault(now time.Time) *fault {
	if g.APIFault == nil || g.APIFault.Kind == "" || now.Sub(g.APIFault.At).Abs() >= apiFaultAge {
		return nil
	}
	return g.APIFault
}

// reason returns why the connection is not active, or nil: a refused refresh before refused API calls.
func (g *grant) reason(now time.Time) *Error {
	if g.Fault != nil || g.status(now) != StatusSuspended {
		return g.fault(now)
	}
	f := g.apiFault(now)
	return &Error{
		Op: f.Op, Host: strings.TrimPrefix(g.InstanceURL, "https://"),
		Code: f.Code, Description: f.Description, Kind: f.Kind, Status: f.Status,
	}
}
