package orgtest

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ServeHTTP answers one request; the host it was sent to decides what it reaches. See the package comment.
func (o *Org) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, broken := o.respond(r)
	if broken.before {
		panic(http.ErrAbortHandler)
	}
	for k, v := range a.header {
		w.Header()[k] = v
	}
	if broken.cut {
		// the full length is announced, so that the client sees that something is missing
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
		w.WriteHeader(a.status)
		w.Write(a.body[:min(broken.keep, len(a.body))])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(a.status)
	w.Write(a.body)
}

// RoundTripper calls the org without a network, in the caller's goroutine. It knows the org's production host names; any
// other host fails like a name that does not resolve. Requests come from the address 203.0.113.10.
func (o *Org) RoundTripper() http.RoundTripper {
	return o.RoundTripperFrom(netip.MustParseAddr("203.0.113.10"))
}

// RoundTripperFrom is [Org.RoundTripper] for a caller with another public address, for login IP ranges.
func (o *Org) RoundTripperFrom(address netip.Addr) http.RoundTripper {
	return roundTripper{o, netip.AddrPortFrom(address, 50000).String()}
}

type roundTripper struct {
	org  *Org
	from string
}

func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	ctx := r.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	host := strings.ToLower(r.URL.Hostname())
	if p := t.org.place(host); p == nowhere || p == foreign || r.URL.Scheme != "https" {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	in := r.Clone(ctx)
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), t.from
	in.Host = cmp.Or(r.Host, r.URL.Host)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	a, broken := t.org.respond(in)
	if err := ctx.Err(); err != nil {
		return nil, err // the org may have acted all the same
	}
	if broken.before {
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	}
	var body io.ReadCloser = io.NopCloser(bytes.NewReader(a.body))
	if broken.cut {
		body = io.NopCloser(io.MultiReader(bytes.NewReader(a.body[:min(broken.keep, len(a.body))]), failing{}))
	}
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Date", t.org.now().UTC().Format(http.TimeFormat))
	header.Set("Content-Length", strconv.Itoa(len(a.body)))
	return &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: body, ContentLength: int64(len(a.body)), Request: r,
	}, nil
}

// failing is what is left of a connection that broke.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// respond reads a request, carries out the fault that is due, and answers. What cannot be read is a 400 (assumed).
func (o *Org) respond(r *http.Request) (answer, breakage) {
	in, err := o.read(r)
	if err != nil {
		return textAnswer(http.StatusBadRequest, "unreadable request"), breakage{}
	}
	o.mu.Lock()
	o.advance()
	o.mu.Unlock()
	f := o.fault(in)
	if f == nil {
		return o.route(in), breakage{}
	}
	return o.suffer(in, f)
}

// route finds the endpoint. Generic login hosts have no API, and a name the org no longer uses points to the new one
// (assumed to be a redirect for every path).
func (o *Org) route(in *request) answer {
	if in.place == nowhere {
		return noSuchURL(http.StatusNotFound)
	}
	if a, moved := o.moved(in); moved {
		return a
	}
	switch in.path {
	case authorizePath:
		return o.authorize(in)
	case tokenPath:
		return o.token(in)
	case "/services/oauth2/revoke":
		return o.revoke(in)
	case "/services/oauth2/introspect":
		return o.introspect(in)
	case "/services/oauth2/userinfo":
		return o.userinfo(in)
	case "/id/keys":
		return o.jwks(in)
	case "/.well-known/openid-configuration":
		return o.discovery(in)
	}
	switch {
	case strings.HasPrefix(in.path, "/services/oauth2/"):
		return oauthError("invalid_request", notSimulated+in.path)
	case strings.HasPrefix(in.path, "/id/"):
		return o.identity(in)
	case in.place == loginHost || in.place == otherLogin: // docs, REST error codes
		return restError(http.StatusNotFound, "URL_NOT_RESET", "Destination URL not reset. The URL returned from login must be set in the SforceService")
	case strings.HasPrefix(in.path, "/services/Soap/m/"):
		return o.soap(in)
	case strings.HasPrefix(in.path, "/services/Soap/"):
		return soapFault(unsimulatedSOAP(in.path))
	}
	if a, ok := o.own(in); ok {
		return a
	}
	switch {
	case in.path == "/services/data" || strings.HasPrefix(in.path, "/services/data/"):
		return o.rest(in)
	case strings.HasPrefix(in.path, "/services/apexrest/"):
		return o.apexREST(in)
	case strings.HasPrefix(in.path, "/services/"):
		return unsimulatedREST(in.path)
	}
	return noSuchURL(http.StatusNotFound)
}

// wait sleeps in the org's time, or until the caller leaves.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
