package orgtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// ownPaths are what a test cannot take over, since no session is asked for there, or not this one.
var ownPaths = []string{"/services/oauth2/", "/id/", "/services/Soap/", "/.well-known/"}

// Handle serves a resource of the test's own on the org's My Domain, for example an Apex REST class or a part of the API that this
// package does not simulate. The pattern is one of [http.ServeMux]: "GET /services/apexrest/things/{id}". A request reaches the handler
// after the org's faults, its session check and its limit of API requests, and it is in the ledger as an "api" entry; the same path with
// another method is refused. The resource comes before one of this package's of the same path.
//
// The handler runs in the goroutine of the request. It may call the org's methods. It gets the whole body and sends its own once it
// returns; its answer is not streamed.
//
// The error names a pattern that http.ServeMux does not take, that is registered already, or that covers OAuth, identity or SOAP.
//
// Source: docs, REST API, session and limit headers; error codes, for the refusal of another method.
func (o *Org) Handle(pattern string, h http.Handler) (err error) {
	defer func() {
		if v := recover(); v != nil { // of ServeMux, which has no error
			err = fmt.Errorf("orgtest: Handle: %q: %v", pattern, v)
		}
	}()
	if h == nil {
		return fmt.Errorf("orgtest: Handle: %q: the handler is nil", pattern)
	}
	if at := strings.IndexByte(pattern, '/'); at >= 0 && slices.ContainsFunc(ownPaths, func(p string) bool { return strings.HasPrefix(pattern[at:], p) }) {
		return fmt.Errorf("orgtest: Handle: %q: %w", pattern, errors.New("the org's own endpoint; script its answers by Inject"))
	}
	o.handlers.Handle(pattern, h)
	return nil
}

// own serves a resource of the test's. ok is false if there is none for the path. Source: docs, REST API error codes, for the method.
func (o *Org) own(in *request) (a answer, ok bool) {
	r := in.Request.Clone(in.Context())
	at := *in.URL
	at.Path, at.RawPath = in.path, ""
	if raw := in.URL.RawPath; raw != "" {
		at.RawPath = "/" + strings.TrimLeft(raw, "/")
	}
	r.URL, r.RequestURI = &at, at.RequestURI()
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(in.body)), int64(len(in.body))
	h, pattern := o.handlers.Handler(r)
	out := &recorder{header: http.Header{}}
	if pattern == "" {
		h.ServeHTTP(out, r) // of ServeMux: 404 or 405
		if out.status != http.StatusMethodNotAllowed {
			return answer{}, false
		}
	}
	o.mu.Lock()
	_, refused := o.restSession(in)
	o.mu.Unlock()
	if refused != nil {
		return *refused, true
	}
	if pattern == "" {
		return o.told(methodNotAllowed(in.Method, out.header.Get("Allow"))), true
	}
	o.handlers.ServeHTTP(out, r)
	return o.told(out.answer()), true
}

// methodNotAllowed refuses a method. Source: docs, REST API error codes; the text as reported.
func methodNotAllowed(method, allowed string) answer {
	a := restError(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method '"+method+"' not allowed. Allowed are "+allowed)
	a.header.Set("Allow", allowed)
	return a
}

// recorder is an http.ResponseWriter that keeps what is written.
type recorder struct {
	header http.Header
	sent   http.Header // as it was with the status
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sent = status, w.header.Clone()
	}
}

func (w *recorder) Write(data []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(data)
}

// answer is what was written, as net/http would send it. Source: the test's own handler.
func (w *recorder) answer() answer {
	w.WriteHeader(http.StatusOK)
	if w.sent.Get("Content-Type") == "" && w.body.Len() > 0 {
		w.sent.Set("Content-Type", http.DetectContentType(w.body.Bytes()))
	}
	return answer{w.status, w.sent, w.body.Bytes()}
}

// apexREST is an Apex class with the annotation @RestResource: there is none but by Handle. Source: docs, Apex REST; the text is reported.
func (o *Org) apexREST(in *request) answer {
	o.mu.Lock()
	_, refused := o.restSession(in)
	o.mu.Unlock()
	if refused != nil {
		return *refused
	}
	return o.told(restError(http.StatusNotFound, "NOT_FOUND", "Could not find a match for URL"))
}
