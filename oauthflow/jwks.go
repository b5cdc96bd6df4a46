package oauthflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	maxIssuers = 1000             // whose keys are kept
	keysLife   = 24 * time.Hour   // after which an issuer is asked again, so that a key that was withdrawn is forgotten
	keysPause  = 30 * time.Second // between two requests for the same keys
	maxKeys    = 64 << 10         // bytes of an issuer's keys, or of its discovery document; a key has some 400, of which a signature may be tried with each
)

// issuerKeys keeps the public keys of Salesforce's login hosts. The zero value is ready.
type issuerKeys struct {
	mu  sync.Mutex
	all map[string]*keySource // by issuer
}

// keySource is where one issuer's keys come from. It carries go-oidc's requests, which read answers without a limit,
// follow redirects and would go to any host: this one does none of that, and answers out of memory when it was asked
// a moment ago.
type keySource struct {
	flow    *Flow
	issuers []string // hosts that keys may come from
	since   time.Time
	set     *oidc.RemoteKeySet

	mu   sync.Mutex
	last []byte // the keys as they were asked for last
	at   time.Time
}

// of returns where the keys of an issuer come from, after discovery where that is not known. Keys may come from the hosts
// in issuers only.
func (k *issuerKeys) of(ctx context.Context, f *Flow, issuer string, issuers []string) (*keySource, error) {
	k.mu.Lock()
	s := k.all[issuer]
	k.mu.Unlock()
	if s != nil && time.Since(s.since) < keysLife {
		return s, nil
	}
	s = &keySource{flow: f, issuers: issuers, since: time.Now()}
	client := &http.Client{
		Transport:     s,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
	if err != nil {
		var e *Error
		if !errors.As(err, &e) { // go-oidc's own words may hold the answer's body
			e = &Error{Kind: KindBadAnswer, Err: errors.New("the login host's discovery document is not its own or makes no sense")}
		}
		return nil, e
	}
	var found struct {
		Keys string `json:"jwks_uri"`
	}
	if p.Claims(&found) != nil || !s.allowed(found.Keys) {
		return nil, &Error{Kind: KindBadAnswer, Err: errors.New("the login host's discovery document names keys elsewhere")}
	}
	s.set = oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), client), found.Keys)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[string]*keySource{}
	}
	for other := range k.all {
		if len(k.all) < maxIssuers {
			break
		}
		delete(k.all, other)
	}
	k.all[issuer] = s
	return s, nil
}

// allowed reports whether an address is on one of the issuer's hosts.
func (s *keySource) allowed(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User == nil && u.Opaque == "" && slices.Contains(s.issuers, u.Scheme+"://"+u.Host)
}

// RoundTrip implements http.RoundTripper for go-oidc.
func (s *keySource) RoundTrip(req *http.Request) (*http.Response, error) {
	if !s.allowed(req.URL.String()) {
		return nil, &Error{Kind: KindBadAnswer, Err: errors.New("the login host's keys are elsewhere")}
	}
	discovery := s.set == nil
	if !discovery { // go-oidc asks for keys once at a time
		if keys := s.recent(); keys != nil {
			return jsonResponse(req, keys), nil
		}
	}
	a, err := s.ask(req)
	if err != nil {
		return nil, &Error{Host: req.URL.Host, Kind: KindNotSent, Err: err}
	}
	if a.status != http.StatusOK {
		return nil, resourceError(opIDToken, req.URL.Host, a, s.flow.now())
	}
	if a.err != nil || len(a.body) > maxKeys || !json.Valid(a.body) {
		return nil, &Error{Host: req.URL.Host, Kind: KindBadAnswer, Status: a.status, Err: errors.New("the keys are cut off, not JSON, or more than 64 KiB")}
	}
	if !discovery {
		s.mu.Lock()
		s.last, s.at = a.body, time.Now()
		s.mu.Unlock()
	}
	return jsonResponse(req, a.body), nil
}

// ask sends a request in a goroutine of its own: that of go-oidc is nobody's, so that a transport of the caller's which panics would
// end the process, and one which ends the goroutine would leave go-oidc waiting.
func (s *keySource) ask(req *http.Request) (a *answer, err error) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer caught(&err, errKeysPanicked)
		err = errStopped
		a, err = s.flow.do(req)
	}()
	<-ended
	return a, err
}

var errKeysPanicked = fmt.Errorf("%w panicked", ErrTransport)

// recent returns the keys when they were asked for a moment ago.
func (s *keySource) recent() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) >= keysPause {
		return nil
	}
	return s.last
}

func jsonResponse(req *http.Request, body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}
}
