package oauthflow

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxAnswer    = 1 << 20
	answerWait   = 2 * time.Minute  // for the answer to a request that has left
	readWait     = 30 * time.Second // for a request that may be repeated
	maxRetryWait = 15 * time.Minute // what is believed of a Retry-After
)

// answer is what came back. The body may be cut short, then err says so.
type answer struct {
	status int
	header http.Header
	body   []byte
	err    error
	path   string // endpoint that was asked, of a POST

	rewritten bool // the transport has sent the request to another URL
}

// post sends one form to one of h's endpoints, once. The caller's context counts until the first byte leaves; after
// that the answer is waited for, two minutes at most, since Salesforce may have acted. The error is nil, or of
// [KindInvalid], [KindNotSent] or [KindInDoubt].
func (f *Flow) post(ctx context.Context, op string, h Host, path string, form url.Values) (*answer, error) {
	return f.postWithin(ctx, limits{delivery: delivery}, op, h, path, form)
}

// limits say when a request may leave and arrive.
type limits struct {
	lease    lease         // it leaves in this or never
	delivery time.Duration // it arrives within this or never, as far as this machine can help it
}

// postWithin is post of a request with limits.
func (f *Flow) postWithin(ctx context.Context, within limits, op string, h Host, path string, form url.Values) (*answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Op: op, Host: h.name, Kind: KindNotSent, Err: err}
	}
	detached, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	late := time.AfterFunc(math.MaxInt64, func() { cancel(errLate) }) // started when the first byte leaves
	defer late.Stop()
	fc := &fence{delivery: within.delivery, lease: within.lease, passed: func() { late.Reset(answerWait) }}
	fc.deadline, _ = ctx.Deadline()
	defer context.AfterFunc(ctx, func() {
		if fc.close() {
			cancel(nil)
		}
	})()
	var written atomic.Int32
	trace := &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { fc.armed.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				written.Add(1)
			}
		},
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(detached, http.MethodPost, h.endpoint(path), strings.NewReader(body))
	if err != nil {
		return nil, &Error{Op: op, Host: h.name, Kind: KindInvalid, Err: errors.New("the endpoint cannot be addressed")}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.GetBody = nil // nothing may send it again

	rt := f.base()
	if l, ok := apart(rt); ok {
		hardened, err := harden(l.network, req, fc, f.to)
		if fault := dialFault(err); fault != nil {
			f.tell(op, h, fault)
			return nil, &Error{Op: op, Host: h.name, Kind: KindNotSent, Err: fault}
		} else if err != nil {
			return nil, &Error{Op: op, Host: h.name, Kind: KindInvalid, Err: err}
		}
		defer hardened.CloseIdleConnections()
		rt = l.around(traced{hardened, trace})
	} else if err := fc.pass(); err != nil { // nobody can see what a foreign transport has sent
		return nil, &Error{Op: op, Host: h.name, Kind: KindNotSent, Err: err}
	} else {
		req = req.WithContext(httptrace.WithClientTrace(detached, trace))
	}
	a, err := roundTrip(rt, req, secretsOf(form))
	if written.Load() > 1 {
		f.tell(op, h, errRepeated)
	}
	if err == nil {
		if a.rewritten {
			f.tell(op, h, errRewritten)
		}
		a.path = path
		return a, nil
	}
	if errors.Is(err, ErrTransport) { // its own text, which names no address
		f.tell(op, h, err)
	}
	e := &Error{Op: op, Host: h.name, Kind: KindInDoubt, Err: f.named(ctx, h.name, err)}
	if !fc.sent() {
		e.Kind = KindNotSent
		if cause := ctx.Err(); cause != nil {
			e.Err = cause
		}
	}
	return nil, e
}

var errLate = errors.New("no answer within two minutes")

// secretsOf returns what a form holds that nobody else may see.
func secretsOf(form url.Values) []Secret {
	var out []Secret
	for _, name := range []string{"client_id", "client_secret", "code", "code_verifier", "refresh_token", "token"} {
		out = append(out, NewSecret(form.Get(name)))
	}
	return out
}

// roundTrip sends a request that carries the secrets in sent, and reads the answer. Its errors, also the one in the
// answer, are fit to be shown.
func roundTrip(rt http.RoundTripper, req *http.Request, sent []Secret) (*answer, error) {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return nil, plainCause(req.Context(), err, sent)
	}
	defer resp.Body.Close()
	fault := misled(req, resp)
	if fault != nil && fault != errRewritten {
		return nil, fault
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, rewritten: fault == errRewritten}
	a.body, a.err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case len(a.body) > maxAnswer:
		a.body, a.err = a.body[:maxAnswer], errors.New("the answer is longer than 1 MiB")
	case a.err != nil:
		a.err = plainCause(req.Context(), a.err, sent)
	}
	return a, nil
}

// plainCause reduces a network error to words without URL, address or body, and drops its chain, where a foreign
// transport may have put anything; sentinels that callers look for stay.
func plainCause(ctx context.Context, err error, sent []Secret) error {
	var (
		dns     *net.DNSError
		verify  *tls.CertificateVerificationError
		op      *net.OpError
		urlErr  *url.Error
		timeout net.Error
	)
	if own := ownFault(err); own != nil {
		return own
	}
	switch {
	case dialFault(err) != nil:
		return dialFault(err)
	case errors.Is(err, errTLSPanicked):
		return errTLSPanicked
	case context.Cause(ctx) == errLate:
		return errLate
	case errors.Is(err, errFenced):
		return errFenced
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	case errors.As(err, &dns) && dns.IsNotFound:
		return ErrNoSuchHost
	case errors.As(err, &verify):
		return errors.New("the server's certificate is not trusted for this host")
	case errors.As(err, &op):
		return errors.New("network: " + scrub(op.Op+": "+op.Err.Error(), sent...))
	case errors.As(err, &urlErr):
		return errors.New(scrub(urlErr.Err.Error(), sent...))
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("timed out")
	}
	return errors.New(scrub(err.Error(), sent...))
}

// retryAfter reads the header in either of its forms, bounded. A date is of the clock that wrote the answer's Date, too.
//
// Source: RFC 9110 §10.2.3, §6.6.1.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	var d time.Duration
	if n, err := strconv.Atoi(v); err == nil {
		d = time.Duration(min(max(n, 0), int(maxRetryWait/time.Second))) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		if sent, err := http.ParseTime(h.Get("Date")); err == nil {
			now = sent
		}
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryWait)
}
