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
)

// Transport returns a RoundTripper that makes a span of each request it hands to base; nil is http.DefaultTransport at
// each call. The span begins as a child of the one in the request's context, and ends when the answer's header is there.
//
// There is a price: package oauthflow can harden nothing but an *http.Transport. Under any other RoundTripper, as this one, it neither
// refuses addresses inside the network nor a base that verifies no certificate, and does not ask for TLS 1.2: base has to. For token
// calls, as Config.Transport of oauthflow or fullcast, it also cannot see whether a request has left, so that each network error leaves
// the connection in doubt until Salesforce has been asked. oauthflow.Source.Transport, for API calls, takes it as its base.
func (b *Bridge) Transport(base http.RoundTripper) http.RoundTripper {
	return transport{b.tracer, base}
}

type transport struct {
	tracer trace.Tracer
	base   http.RoundTripper
}

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
