package oauthflow

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// ErrTransport is what a RoundTripper of the caller's does, or may do, that no transport of a connection should. It is in the
// Err of an event of type [EventTransport], and of the error of a request whose answer is not trusted for it. Six kinds
// come with texts of their own: nobody can see whether certificates are verified; one was not; a redirect was followed; a
// request was sent to another URL; a request was sent more than once; a function of an *http.Transport, such as DialContext,
// panicked or returned neither a connection nor an error, as may a RoundTripper that is asked for the keys of an id_token. The
// fourth and fifth are told, and the answer counts.
//
// An *http.Transport without functions of the caller's never causes it. What a RoundTripper does and does not show, nobody sees.
var ErrTransport = errors.New("the transport that the service has configured")

var (
	errUnseen     = fmt.Errorf("%w has verified no certificate (TLS.VerifiedChains of its response is empty); it may have shown secrets to anybody", ErrTransport)
	errFollowed   = fmt.Errorf("%w has followed a redirect, with what the request carries: its response is that of another URL than was asked", ErrTransport)
	errRewritten  = fmt.Errorf("%w has sent a request to another URL than was asked, with what the request carries", ErrTransport)
	errRepeated   = fmt.Errorf("%w has sent a request more than once that must be sent once: it spends tokens", ErrTransport)
	errDialsTLS   = fmt.Errorf("%w makes its TLS connections by itself (DialTLSContext): where they are no *tls.Conn, nobody else can see whether certificates are verified", ErrTransport)
	errUnknownWay = fmt.Errorf("%w is no *http.Transport, and no TransportLayer around one: nobody else can see whether it verifies certificates, follows redirects or repeats requests", ErrTransport)
)

// misled says what is wrong with the way that a request and its response took; nil for nothing that shows.
func misled(req *http.Request, resp *http.Response) error {
	if last := resp.Request; last != nil && last != req && last.URL != nil && last.URL != req.URL &&
		(last.URL.Scheme != req.URL.Scheme || hostAndPort(last.URL) != hostAndPort(req.URL) || last.URL.Path != req.URL.Path) {
		if last.Response == nil { // sent there from the beginning, as a gateway of the service or a test double does
			return errRewritten
		}
		return errFollowed
	}
	if resp.TLS != nil && len(resp.TLS.VerifiedChains) == 0 {
		return errUnseen
	}
	return nil
}

// unseenWay says what nobody can see of a transport; nil where it is known to verify certificates. A nil transport is
// http.DefaultTransport.
func unseenWay(rt http.RoundTripper) error {
	l, ok := apart(rt)
	switch {
	case !ok:
		return errUnknownWay
	case l.network.DialTLSContext != nil:
		return errDialsTLS
	}
	return nil
}

// tell passes on what a transport of the caller's does.
func (f *Flow) tell(op string, h Host, fault error) {
	if f.alert != nil {
		f.alert(op, h.name, fault)
	}
}

// alertPause is how long the same is not told again.
const alertPause = time.Minute

// tellTransport tells once what nobody can see of a transport: of a RoundTripper, which often only measures what passes, by a
// line of the log; of a transport that makes its TLS connections by itself by an event, too.
func (m *Manager) tellTransport(rt http.RoundTripper) {
	fault := unseenWay(rt)
	if fault == nil {
		return
	}
	if _, told := m.told.LoadOrStore(fault, m.elapsed()); told {
		return
	}
	m.logf(slog.LevelWarn, "what the transport does with secrets cannot be seen", "error", fault)
	if fault == errDialsTLS {
		m.observe(Event{Type: EventTransport, Err: &Error{Op: "transport", Kind: KindInvalid, Err: fault}})
	}
}

// alertTransport tells what a transport of the caller's has done, once a minute for each kind.
func (m *Manager) alertTransport(op, host string, fault error) {
	now := m.elapsed()
	at, told := m.told.LoadOrStore(fault, now)
	if told && (now-at.(time.Duration) < alertPause || !m.told.CompareAndSwap(fault, at, now)) {
		return
	}
	m.logf(slog.LevelWarn, "the transport is not to be trusted with secrets", "host", host, "error", fault)
	m.observe(Event{Type: EventTransport, Err: &Error{Op: op, Host: host, Kind: KindInvalid, Err: fault}})
}
