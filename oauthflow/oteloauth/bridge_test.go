package oteloauth_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/oteloauth"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// kit is a Bridge whose telemetry stays in memory.
type kit struct {
	*oteloauth.Bridge
	reader *sdkmetric.ManualReader
	spans  *tracetest.InMemoryExporter
	tracer *sdktrace.TracerProvider
}

func newKit(t *testing.T, label func(oauthflow.Event) []attribute.KeyValue) *kit {
	t.Helper()
	k := &kit{reader: sdkmetric.NewManualReader(), spans: tracetest.NewInMemoryExporter()}
	k.tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(k.spans))
	b, err := oteloauth.New(oteloauth.Config{
		MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(k.reader)), TracerProvider: k.tracer, Label: label,
	})
	if err != nil {
		t.Fatal(err)
	}
	k.Bridge = b
	return k
}

// points are the values of a metric by their attributes, such as "sfauth.event.type=refreshed"; of a histogram, the counts.
func points(r *sdkmetric.ManualReader, name string) map[string]int64 {
	var all metricdata.ResourceMetrics
	check(r.Collect(context.Background(), &all))
	out := map[string]int64{}
	add := func(attrs attribute.Set, value int64) { out[attrs.Encoded(attribute.DefaultEncoder())] = value }
	for _, s := range all.ScopeMetrics {
		for _, m := range s.Metrics {
			if m.Name != name {
				continue
			}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					add(p.Attributes, p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					add(p.Attributes, int64(p.Count))
				}
			}
		}
	}
	return out
}

func expect(t *testing.T, got, want map[string]int64) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEventsAreCountedByTypeAndKind(t *testing.T) {
	k := newKit(t, nil)
	key := oauthflow.Key{Tenant: "acme", Name: "main"}
	for _, e := range []oauthflow.Event{
		{Type: oauthflow.EventRefreshed, Key: key, OrgID: "00D000000000001AAA", Took: 300 * time.Millisecond},
		{Type: oauthflow.EventRefreshed, Key: oauthflow.Key{Tenant: "globex", Name: "main"}, Took: 2 * time.Second},
		{Type: oauthflow.EventRefreshed, Key: key}, // taken over from the store: no request, so no duration
		{Type: oauthflow.EventInDoubt, Key: key},
		{Type: oauthflow.EventBroken, Key: key, Err: &oauthflow.Error{Kind: oauthflow.KindGrantDead, Code: "invalid_grant", Description: "expired access/refresh token"}},
	} {
		k.Observe(e)
	}
	expect(t, points(k.reader, "sfauth.events"), map[string]int64{
		"sfauth.event.type=refreshed":                    3,
		"sfauth.event.type=in_doubt":                     1,
		"error.type=grant_dead,sfauth.event.type=broken": 1,
	})
	expect(t, points(k.reader, "sfauth.refresh.duration"), map[string]int64{"": 2})
}

func TestALabelOfTheServiceIsAdded(t *testing.T) {
	k := newKit(t, func(e oauthflow.Event) []attribute.KeyValue {
		return []attribute.KeyValue{attribute.String("plan", map[string]string{"acme": "gold"}[e.Key.Tenant])}
	})
	k.Observe(oauthflow.Event{Type: oauthflow.EventRefreshed, Key: oauthflow.Key{Tenant: "acme", Name: "main"}, Took: time.Second})
	expect(t, points(k.reader, "sfauth.events"), map[string]int64{"plan=gold,sfauth.event.type=refreshed": 1})
	expect(t, points(k.reader, "sfauth.refresh.duration"), map[string]int64{"plan=gold": 1})
}

func TestConnectionsAreCountedByStatus(t *testing.T) {
	k := newKit(t, nil)
	stored := []oauthflow.Connection{
		{Kind: oauthflow.ExternalClientAppKind, Status: oauthflow.StatusActive},
		{Kind: oauthflow.ExternalClientAppKind, Status: oauthflow.StatusActive},
		{Kind: oauthflow.ConnectedAppKind, Status: oauthflow.StatusBroken},
	}
	err := oteloauth.Watch(k.Bridge, func(_ context.Context, which string) iter.Seq2[oauthflow.Connection, error] {
		return func(yield func(oauthflow.Connection, error) bool) {
			for _, c := range stored {
				if !yield(c, nil) {
					return
				}
			}
			yield(oauthflow.Connection{}, errors.New("sealed elsewhere"))
		}
	}, "all")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, points(k.reader, "sfauth.connection.count"), map[string]int64{
		"sfauth.app.kind=external_client_app,sfauth.connection.status=active": 2,
		"sfauth.app.kind=connected_app,sfauth.connection.status=broken":       1,
		"sfauth.app.kind=unknown,sfauth.connection.status=unreadable":         1,
	})
	stored = stored[:2] // what is gone is counted no more
	expect(t, points(k.reader, "sfauth.connection.count"), map[string]int64{
		"sfauth.app.kind=external_client_app,sfauth.connection.status=active": 2,
		"sfauth.app.kind=unknown,sfauth.connection.status=unreadable":         1,
	})
}

// answers is a RoundTripper that fails with err, or answers with status.
type answers struct {
	status int
	err    error
	seen   *http.Request
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.seen = r
	if a.err != nil {
		return nil, a.err
	}
	w := httptest.NewRecorder()
	w.WriteHeader(a.status)
	return w.Result(), nil
}

func TestARequestIsASpan(t *testing.T) {
	const host = "https://acme.my.salesforce.com"
	tests := []struct {
		name, url string
		answer    answers
		want      string // span's name
		attrs     []string
		failed    bool
	}{
		{"a refresh", host + "/services/oauth2/token", answers{status: 200}, "POST /services/oauth2/token",
			[]string{"url.path=/services/oauth2/token", "http.response.status_code=200"}, false},
		{"a refusal", host + "/services/oauth2/token", answers{status: 400}, "POST /services/oauth2/token",
			[]string{"http.response.status_code=400", "error.type=400"}, true},
		{"an API call, whose path and query may say anything", host + "/services/data/v66.0/query?q=SELECT+Canary", answers{status: 200}, "POST",
			[]string{"server.address=acme.my.salesforce.com"}, false},
		{"an identity, whose path names org and user", host + "/id/00DCanary/005Canary", answers{status: 200}, "POST", nil, false},
		{"a caller that left", host + "/services/oauth2/token", answers{err: context.Canceled}, "POST /services/oauth2/token", []string{"error.type=canceled"}, true},
		{"an error that quotes the request", host + "/services/oauth2/token?Canary", answers{err: &url.Error{Op: "Post", URL: "Canary", Err: errors.New("reset")}},
			"POST /services/oauth2/token", []string{"error.type=network"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKit(t, nil)
			ctx, parent := k.tracer.Tracer("test").Start(t.Context(), "parent")
			r, err := http.NewRequestWithContext(ctx, "POST", tt.url, strings.NewReader("refresh_token=Canary"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer Canary")
			_, err = k.Transport(&tt.answer).RoundTrip(r)
			if !errors.Is(err, tt.answer.err) {
				t.Errorf("got error %v", err)
			}
			spans := k.spans.GetSpans()
			if len(spans) != 1 {
				t.Fatalf("%d spans", len(spans))
			}
			s := spans[0]
			if s.Name != tt.want || s.Parent.SpanID() != parent.SpanContext().SpanID() || (s.Status.Code == codes.Error) != tt.failed {
				t.Errorf("got %q, %v, below %v", s.Name, s.Status, s.Parent.SpanID())
			}
			var got []string
			for _, a := range s.Attributes {
				got = append(got, string(a.Key)+"="+a.Value.String())
			}
			for _, want := range append(tt.attrs, "http.request.method=POST") {
				if !slices.Contains(got, want) {
					t.Errorf("no %s in %v", want, got)
				}
			}
			if all := strings.Join(append(got, s.Name, s.Status.Description), " "); strings.Contains(all, "Canary") || len(s.Events) > 0 {
				t.Errorf("the span tells too much: %s, %v", all, s.Events)
			}
			if tt.answer.seen.Header.Get("Traceparent") != "" {
				t.Error("Salesforce is told of the trace")
			}
		})
	}
}

func TestWithoutAnSDKNothingFails(t *testing.T) {
	b, err := oteloauth.New(oteloauth.Config{})
	if err != nil {
		t.Fatal(err)
	}
	b.Observe(oauthflow.Event{Type: oauthflow.EventConnected})
	r, err := http.NewRequest("GET", "https://acme.my.salesforce.com/services/data", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := b.Transport(&answers{status: 204}).RoundTrip(r); err != nil || resp.StatusCode != 204 {
		t.Errorf("got %v, %v", resp, err)
	}
}

// A manager over a simulated org, with everything that the bridge offers: a refresh, a refusal that heals and one that
// does not, as OpenTelemetry's own SDK exports them.
func TestAConnectionsLifeIsExportedAsSpansEventsAndStates(t *testing.T) {
	k := newKit(t, nil)
	org, client, refreshToken := orgWithApp()
	flow, err := oauthflow.NewFlow(oauthflow.Config{
		RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}, Transport: k.Transport(org.RoundTripper()),
	})
	check(err)
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	check(err)
	m, err := oauthflow.NewManager(oauthflow.ManagerConfig{
		Flow: flow, Store: tokenstore.NewMemory(), Keyring: keys, Environment: "test", Observe: k.Observe,
	})
	check(err)
	check(oteloauth.Watch(k.Bridge, m.List, ""))
	key := oauthflow.Key{Tenant: "acme", Name: "main"}
	state := func(want string) {
		t.Helper()
		expect(t, points(k.reader, "sfauth.connection.count"), map[string]int64{"sfauth.app.kind=connected_app,sfauth.connection.status=" + want: 1})
	}

	_, err = m.Adopt(t.Context(), key, client, refreshToken)
	check(err)
	state("active")
	check(org.Inject(orgtest.Fault{
		Path: "/services/oauth2/token", Status: 400, Body: `{"error":"invalid_grant","error_description":"ip restricted"}`,
		Header: http.Header{"Content-Type": {"application/json"}},
	}))
	if err := m.Renew(t.Context(), key); err == nil {
		t.Fatal("the refresh was not refused")
	}
	state("suspended")
	check(m.SetClient(t.Context(), key, client))
	for began := time.Now(); m.Renew(t.Context(), key) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("it does not heal")
		}
	}
	state("active")
	check(org.RevokeAll("Demo"))
	if err := m.Renew(t.Context(), key); err == nil {
		t.Fatal("the grant is alive")
	}
	state("broken")
	check(m.Close(t.Context()))

	events := points(k.reader, "sfauth.events")
	for want, n := range map[string]int64{
		"sfauth.event.type=refreshed": 2, "sfauth.event.type=connected": 1, "sfauth.event.type=repaired": 1,
		"error.type=ip_restricted,sfauth.event.type=suspended": 1, "error.type=grant_dead,sfauth.event.type=broken": 1,
	} {
		if events[want] != n {
			t.Errorf("%d events %s, want %d", events[want], want, n)
		}
	}
	expect(t, points(k.reader, "sfauth.refresh.duration"), map[string]int64{"": 2})
	posts, failed := 0, 0
	for _, s := range k.spans.GetSpans() {
		if s.Name == "POST /services/oauth2/token" {
			posts++
			if s.Status.Code == codes.Error {
				failed++
			}
		}
	}
	if posts != 4 || failed != 2 {
		t.Errorf("%d spans of token calls, %d of them failed; want 4 and 2", posts, failed)
	}
}
