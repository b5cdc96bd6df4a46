package oteloauth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/fullcast/sfauth/oauthflow"
)

// Transport returns a RoundTripper that makes a span of each request it hands to base; nil is http.DefaultTransport at
// each call. The span begins as a child of the one in the request's context, and ends when the answer's header is there.
//
// It is an oauthflow.TransportLayer, as Transport or APITransport of oauthflow or fullcast, and as the base of
// oauthflow.Source.Transport: an *http.Transport inside is copied, guarded, hardened or refused as one that is given without the
// Bridge. The span is around that copy. A base that is neither an *http.Transport nor such a layer is used as it is: it has to
// verify certificates and keep away from addresses inside the network by itself, and each network error of a token call leaves the
// connection in doubt until Salesforce has been asked.
func (b *Bridge) Transport(base http.RoundTripper) http.RoundTripper {
	return transport{b.tracer, base}
}

type transport struct {
	tracer trace.Tracer
	base   http.RoundTripper
}

var _ oauthflow.TransportLayer = transport{}

// Unwrap returns the base.
func (t transport) Unwrap() http.RoundTripper { return t.base }

// Wrap returns the same around another base.
func (t transport) Wrap(base http.RoundTripper) http.RoundTripper { return transport{t.tracer, base} }

// endpoints are the paths that hold no id.
var endpoints = map[string]bool{
	"/services/oauth2/token":            true,
	"/services/oauth2/revoke":           true,
	"/services/oauth2/introspect":       true,
	"/services/oauth2/userinfo":         true,
	"/id/keys":                          true,
	"/.well-known/openid-configuration": true,
}

// RoundTrip makes the request in a span.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	base := t.base
	if base == nil {
		base = http.DefaultTransport
	}
	name := r.Method
	attrs := []attribute.KeyValue{
		attribute.String("http.request.method", r.Method),
		attribute.String("server.address", r.URL.Hostname()),
	}
	if endpoints[r.URL.Path] {
		name += " " + r.URL.Path
		attrs = append(attrs, attribute.String("url.path", r.URL.Path))
	}
	ctx, span := t.tracer.Start(r.Context(), name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	defer span.End()
	resp, err := base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		// its text may be anybody's
		span.SetAttributes(attribute.String("error.type", errorType(err)))
		span.SetStatus(codes.Error, "")
		return nil, err
	}
	span.SetAttributes(attribute.Int("http.response.status_code", resp.StatusCode))
	if resp.StatusCode >= http.StatusBadRequest {
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(resp.StatusCode)))
		span.SetStatus(codes.Error, "")
	}
	return resp, nil
}

func errorType(err error) string {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &dns):
		return "dns"
	}
	return "network"
}
