package oteloauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/fullcast/sfauth/oauthflow"
)

const scope = "github.com/fullcast/sfauth/oauthflow/oteloauth"

// Config says where the telemetry goes.
type Config struct {
	// MeterProvider and TracerProvider take metrics and spans. Optional; default OpenTelemetry's global ones.
	MeterProvider  metric.MeterProvider
	TracerProvider trace.TracerProvider

	// Label returns further attributes for the metrics of an event, such as the tenant's plan. Optional. It is called for
	// each event, one at a time. Each value that it may return multiplies the number of series.
	Label func(oauthflow.Event) []attribute.KeyValue
}

// Bridge tells OpenTelemetry. Its methods may be called from many goroutines.
type Bridge struct {
	label     func(oauthflow.Event) []attribute.KeyValue
	meter     metric.Meter
	tracer    trace.Tracer
	events    metric.Int64Counter
	refreshes metric.Float64Histogram
}

// New returns a Bridge. Its error is the MeterProvider's.
func New(c Config) (*Bridge, error) {
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.Label == nil {
		c.Label = func(oauthflow.Event) []attribute.KeyValue { return nil }
	}
	b := &Bridge{label: c.Label, meter: c.MeterProvider.Meter(scope), tracer: c.TracerProvider.Tracer(scope)}
	var err, err2 error
	b.events, err = b.meter.Int64Counter("sfauth.events",
		metric.WithDescription("What happened to connections."), metric.WithUnit("{event}"))
	b.refreshes, err2 = b.meter.Float64Histogram("sfauth.refresh.duration",
		metric.WithDescription("How long Salesforce took to replace an access token."), metric.WithUnit("s"),
		metric.WithExplicitBucketBoundaries(.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120))
	if err = errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("oteloauth: %w", err)
	}
	return b, nil
}

// Observe records an event. It is for oauthflow.ManagerConfig.Observe or fullcast.Config.Observe.
func (b *Bridge) Observe(e oauthflow.Event) {
	label := b.label(e)
	attrs := append(slices.Clip(label), attribute.String("sfauth.event.type", word(string(e.Type))))
	if e.Err != nil {
		attrs = append(attrs, attribute.String("error.type", word(string(e.Err.Kind))))
	}
	ctx := context.Background() // an event belongs to no request
	b.events.Add(ctx, int64(max(e.Count, 1)), metric.WithAttributes(attrs...))
	if e.Type == oauthflow.EventRefreshed && e.Took > 0 {
		b.refreshes.Record(ctx, e.Took.Seconds(), metric.WithAttributes(label...))
	}
}

// Watch counts the connections that list yields for a selection, by status and kind of app, at each collection of the metrics:
//
//	err := oteloauth.Watch(bridge, connector.List, fullcast.Filter{})
//	err := oteloauth.Watch(bridge, manager.List, "")
//
// A collection so reads every record of the selection: give the reader an interval of minutes where there are many, and let one
// process watch. A connection that cannot be read counts as "unreadable". The error is the MeterProvider's.
func Watch[Selection any](b *Bridge, list func(context.Context, Selection) iter.Seq2[oauthflow.Connection, error], which Selection) error {
	type series struct{ status, kind string }
	_, err := b.meter.Int64ObservableGauge("sfauth.connection.count",
		metric.WithDescription("Connections in the store."), metric.WithUnit("{connection}"),
		metric.WithInt64Callback(func(ctx context.Context, o metric.Int64Observer) error {
			counts := map[series]int64{}
			for conn, err := range list(ctx, which) {
				if err != nil {
					counts[series{status: "unreadable"}]++
					continue
				}
				counts[series{word(string(conn.Status)), word(string(conn.Kind))}]++
			}
			if err := ctx.Err(); err != nil {
				return err // a part would look like a loss
			}
			for s, n := range counts {
				o.Observe(n, metric.WithAttributes(attribute.String("sfauth.connection.status", s.status),
					attribute.String("sfauth.app.kind", cmp.Or(s.kind, "unknown"))))
			}
			return nil
		}))
	if err != nil {
		return fmt.Errorf("oteloauth: %w", err)
	}
	return nil
}

// word returns a value of package oauthflow as an attribute's value: "in doubt" as in_doubt, "ExternalClientApp" as
// external_client_app.
//
// Source: OpenTelemetry semantic conventions, "Naming": lower case, words separated by underscores.
func word(value string) string {
	var b strings.Builder
	before := ' '
	for _, c := range value {
		switch {
		case c == ' ':
			b.WriteByte('_')
		case unicode.IsUpper(c) && unicode.IsLower(before):
			b.WriteByte('_')
			b.WriteRune(unicode.ToLower(c))
		default:
			b.WriteRune(unicode.ToLower(c))
		}
		before = c
	}
	return b.String()
}
