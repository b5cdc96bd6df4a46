package oauthflow

import (
	"net/http"
	"net/http/httptrace"
)

// TransportLayer is a RoundTripper around another one that says what is inside, so that an *http.Transport below it is copied and
// guarded as one that is given bare: where a Transport or an APITransport is asked for, such a layer takes no check away. That of
// package oteloauth is one. A layer hands each request on once, to what it is around, with the request's context or one made of
// it, and before its RoundTrip returns. It may be around another layer, eight in all. Its methods are called by many goroutines at
// once.
//
//	type counted struct{ inner http.RoundTripper }
//
//	func (c counted) RoundTrip(r *http.Request) (*http.Response, error)  { calls.Add(1); return c.inner.RoundTrip(r) }
//	func (c counted) Unwrap() http.RoundTripper                          { return c.inner }
//	func (c counted) Wrap(inner http.RoundTripper) http.RoundTripper     { return counted{inner} }
type TransportLayer interface {
	http.RoundTripper

	// Unwrap returns what the layer is around; nil means http.DefaultTransport as it is at each call.
	Unwrap() http.RoundTripper

	// Wrap returns the same layer around another RoundTripper, for one request or many. It changes nothing of the layer itself.
	Wrap(inner http.RoundTripper) http.RoundTripper
}

// maxLayers is how many layers are looked into.
const maxLayers = 8

// layered is a RoundTripper of the caller's, taken apart: network is below layers, the first of which is outside.
type layered struct {
	layers  []TransportLayer
	network *http.Transport
}

// apart takes rt apart; false where no *http.Transport is known to be inside, so that rt can only be used as it is. Nil is
// http.DefaultTransport.
func apart(rt http.RoundTripper) (layered, bool) {
	var l layered
	for range maxLayers + 1 {
		if rt == nil {
			rt = http.DefaultTransport
		}
		switch in := rt.(type) {
		case *http.Transport:
			l.network = in
			return l, true
		case TransportLayer:
			l.layers = append(l.layers, in)
			rt = in.Unwrap()
		default:
			return layered{}, false
		}
	}
	return layered{}, false
}

// around returns the layers around another RoundTripper.
func (l layered) around(rt http.RoundTripper) http.RoundTripper {
	for i := len(l.layers) - 1; i >= 0; i-- {
		rt = l.layers[i].Wrap(rt)
	}
	return rt
}

// traced has net/http tell of what it does with each request, also where a layer has given that a context of its own.
type traced struct {
	next  http.RoundTripper
	trace *httptrace.ClientTrace
}

func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), t.trace)))
}
