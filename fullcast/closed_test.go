package fullcast_test

import (
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// calls has each exported method called with usable arguments; nil for one that neither works nor fails.
type calls map[string]func() error

// wantAll fails the test unless the calls are of every exported method of the value.
func (c calls) wantAll(t *testing.T, of any) {
	t.Helper()
	var methods []string
	for m := range reflect.TypeOf(of).Methods() {
		methods = append(methods, m.Name)
	}
	if have := slices.Sorted(maps.Keys(c)); !slices.Equal(have, methods) {
		t.Errorf("the test calls %v, and %T has %v", have, of, methods)
	}
}

func TestEveryMethodSaysThatTheConnectorIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, orgtest.Config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "a@acme.example"))
		conn := w.connectTo(t, "Fullcast")
		client := w.client(t, "Fullcast")
		ctx := t.Context()
		other := oauthflow.Key{Tenant: main.Tenant, Name: "other"}
		back := w.approved(t, w.begin(t, client))
		begin := fullcast.BeginOptions{Client: client, Binding: session}
		kind := client
		kind.Kind = oauthflow.ExternalClientAppKind
		tokens, api, rest := conn.TokenSource(), conn.HTTPClient(), conn.Resty()
		org, err := conn.Org(66)
		if err != nil {
			t.Fatal(err)
		}
		sf := w.sf
		connector := calls{
			"AdminAPI":     nil, // see TestOfAProcessThatEndsEverythingIsForLater
			"AdminBinding": nil,
			"Adopt": func() error {
				_, err := sf.Adopt(ctx, other, kind, oauthflow.NewSecret("5Aep861-of-tests"))
				return err
			},
			"AdoptAll": func() error {
				return sf.AdoptAll(ctx, read([]fullcast.Adoption{{Key: other, Client: kind, RefreshToken: oauthflow.NewSecret("5Aep861-of-tests")}}), nil)
			},
			"AdoptDryRun": func() error {
				_, err := sf.AdoptDryRun(ctx, other, kind, oauthflow.NewSecret("5Aep861-of-tests"))
				return err
			},
			"Begin":                 func() error { _, err := sf.Begin(ctx, other, begin); return err },
			"BeginMigration":        func() error { _, err := sf.BeginMigration(ctx, main, begin); return err },
			"CallbackAPI":           nil, // its handler calls Complete
			"CallbackMiddleware":    nil,
			"Close":                 nil,
			"Complete":              func() error { _, err := sf.Complete(ctx, back); return err },
			"Connect":               func() error { _, err := sf.Connect(ctx, other, begin); return err },
			"Disconnect":            func() error { return sf.Disconnect(ctx, main) },
			"DisconnectAll":         func() error { return sf.DisconnectAll(ctx, fullcast.Filter{Tenant: main.Tenant}, nil) },
			"DisconnectEveryTenant": func() error { return sf.DisconnectEveryTenant(ctx, fullcast.Filter{}, nil) },
			"ForAdmin":              nil,
			"KeepAlive":             func() error { return sf.KeepAlive(ctx) },
			"LegacyLeft":            func() error { _, err := sf.LegacyLeft(ctx); return err },
			"List": func() error {
				for _, err := range sf.List(ctx, fullcast.Filter{}) {
					return err
				}
				return errors.New("an empty list")
			},
			"Load":             func() error { _, err := sf.Load(ctx, main); return err },
			"Manager":          nil,
			"Open":             func() error { _, err := sf.Open(ctx, main); return err },
			"Readiness":        nil, // has no error, and says so
			"ReadinessHandler": nil,
			"Reconnect":        func() error { _, err := sf.Reconnect(ctx, main, fullcast.BeginOptions{Binding: session}); return err },
			"ResumeMigration":  func() error { _, err := sf.ResumeMigration(ctx, main); return err },
			"StagedMigration":  func() error { _, err := sf.StagedMigration(ctx, main); return err },
			"UpdateCredentials": func() error {
				_, err := sf.UpdateCredentials(ctx, main, client)
				return err
			},
		}
		connector.wantAll(t, sf)
		connection := calls{
			"Check": func() error { _, err := conn.Check(ctx); return err },
			"Diagnose": func() error { // has no error of its own, and says it in its one line
				d := conn.Diagnose(ctx)
				if len(d.Lines) == 1 && strings.Contains(d.String(), "closed its Connector") {
					return oauthflow.ErrClosed
				}
				return errors.New(d.String())
			},
			"ForAdmin":      nil,
			"HTTPClient":    func() error { return get(api, w.org.InstanceURL()) },
			"InstanceURL":   func() error { _, err := conn.InstanceURL(ctx); return err },
			"Key":           nil,
			"Kind":          nil,
			"Org":           func() error { _, err := org.List(ctx); return err },
			"ResponseError": nil,
			"Resty":         func() error { _, err := rest.R().Get("/services/data/v66.0/limits"); return err },
			"Status":        func() error { _, err := conn.Status(ctx); return err },
			"TokenSource":   func() error { _, err := tokens.Token(); return err },
		}
		connection.wantAll(t, conn)
		if _, err := query(ctx, conn); err != nil {
			t.Fatal(err)
		}
		for range 2 { // it is safe to repeat
			if err := sf.Close(ctx); err != nil {
				t.Fatal(err)
			}
		}
		sent, began := len(w.org.Ledger()), time.Now()
		for _, methods := range []calls{connector, connection} {
			for name, call := range methods {
				if call == nil {
					continue
				}
				if err := call(); !errors.Is(err, oauthflow.ErrClosed) {
					t.Errorf("%s: got %v, want ErrClosed", name, err)
				}
			}
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("all calls took %v", took)
		}
		if n := len(w.org.Ledger()) - sent; n != 0 {
			t.Errorf("the org has heard of %d requests", n)
		}
	})
}

func get(api *http.Client, origin string) error {
	resp, err := api.Get(origin + "/services/data/v66.0/limits")
	if err == nil {
		resp.Body.Close()
	}
	return err
}
