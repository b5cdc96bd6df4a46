package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// adoptedMany returns a store with n connections and the Salesforce that knows them.
func adoptedMany(t *testing.T, n int, at func(i int) string) (*many, tokenstore.Store, *tokenstore.Keyring) {
	t.Helper()
	sf, store, keys := newMany(), tokenstore.NewMemory(), sealingKeys(t)
	if err := sf.process(t, store, keys).AdoptAll(t.Context(), read(adoptions(t, n, at)), nil); err != nil {
		t.Fatal(err)
	}
	clear(sf.sent)
	clear(sf.asked)
	clear(sf.most)
	sf.peak = 0
	return sf, store, keys
}

// A revocation takes 300 ms: one after the other they would take 300 s.
func TestAThousandConnectionsAreDisconnectedInHalfAMinuteAndNoHostIsAskedForManyAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		at     func(i int) string
		atHost int
		limit  time.Duration
	}{
		"each at a host of its own":     {ownHost, 4, 30 * time.Second},
		"all at the generic login host": {func(int) string { return "login.salesforce.com" }, 12, 30 * time.Second},
		"all at one org's host":         {func(int) string { return ownHost(0) }, 4, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 1000
				sf, store, keys := adoptedMany(t, n, tt.at)
				c := sf.process(t, store, keys)
				got, began := results{t: t}, time.Now()
				if err := c.DisconnectEveryTenant(t.Context(), fullcast.Filter{}, got.told); err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				t.Logf("%d took %v, %.0f a second", n, took.Round(time.Millisecond), n/took.Seconds())
				if all, most := sf.times(revocation); took > tt.limit || all != n || most != 1 || got.done != n {
					t.Errorf("%v, %d revocations, %d of one token, %d told; want %v at most, %d, 1, %d", took, all, most, got.done, tt.limit, n, n)
				}
				if host, all := sf.mostAt(); host > tt.atHost || all > 16 {
					t.Errorf("%d requests at once at one host and %d in all, want %d and 16 at most", host, all, tt.atHost)
				}
			})
		})
	}
}

func TestTheCrewIsAsLargeAsItIsConfigured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, crew := range []int{1, 50} {
			sf, store, keys := adoptedMany(t, 200, ownHost)
			c := sf.process(t, store, keys, func(cfg *fullcast.Config) { cfg.Crew = crew })
			if err := c.DisconnectEveryTenant(t.Context(), fullcast.Filter{}, nil); err != nil {
				t.Fatal(err)
			}
			if _, all := sf.mostAt(); all != crew {
				t.Errorf("%d requests at once, want %d", all, crew)
			}
		}
		for _, crew := range []int{-1, 257} {
			_, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Store: tokenstore.NewMemory(), Keyring: sealingKeys(t), Crew: crew})
			var e *fullcast.Error
			if !errors.As(err, &e) || e.Remedy != fullcast.FixService || !strings.Contains(e.Error(), "Crew") {
				t.Errorf("a crew of %d: %v", crew, err)
			}
		}
	})
}

func TestDisconnectingManyGoesOnAfterAnInterruptionAndRevokesNothingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 200
		sf, store, keys := adoptedMany(t, n, ownHost)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first := results{t: t}
		err := sf.process(t, store, keys).DisconnectEveryTenant(ctx, fullcast.Filter{}, func(p fullcast.Progress) {
			if first.told(p); p.Done == 50 {
				cancel()
			}
		})
		var b *oauthflow.BulkError
		if !errors.Is(err, context.Canceled) || !errors.As(err, &b) || b.Done != first.done || b.Done+b.Left != n || b.Left < n-50-16 {
			t.Fatalf("%d told: %v", first.done, err)
		}
		done := map[string]bool{}
		for k, err := range first.errs {
			if err == nil {
				done[k.Tenant] = true
			}
		}
		before := map[string]int{}
		for what, n := range sf.sent {
			before[what] = n
		}
		second := results{t: t}
		if err := sf.process(t, store, keys).DisconnectEveryTenant(t.Context(), fullcast.Filter{}, second.told); err != nil {
			t.Error(err)
		}
		for k := range second.errs {
			if done[k.Tenant] {
				t.Errorf("%v was disconnected already", k)
			}
		}
		if len(done)+second.done != n {
			t.Errorf("%d were disconnected before and %d after, want %d", len(done), second.done, n)
		}
		for tenant := range done {
			what := revocation + " 5Aep-" + strings.TrimPrefix(tenant, "tenant") + "-next"
			if before[what] != 1 || sf.sent[what] != 1 {
				t.Errorf("%s was sent %d times, then %d", what, before[what], sf.sent[what])
			}
		}
	})
}

func TestAHostThatAsksToBeLeftAloneIsLeftAloneByDisconnections(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		header http.Header
		most   int // requests in its pause
	}{
		"for a time that it names":     {http.StatusTooManyRequests, http.Header{"Retry-After": {"25"}}, 4},
		"for a while, in maintenance":  {http.StatusServiceUnavailable, http.Header{"Retry-After": {"25"}}, 4},
		"for a time that it names not": {http.StatusTooManyRequests, http.Header{}, 12},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sf, store, keys := adoptedMany(t, 300, func(i int) string { return ownHost(i % 3) })
				began, others := time.Now(), 0
				sf.refuse = func(host, _ string) *http.Response {
					if host != ownHost(0) || time.Since(began) >= 25*time.Second {
						return nil
					}
					return &http.Response{StatusCode: tt.status, Header: tt.header, Body: io.NopCloser(strings.NewReader(""))}
				}
				got := results{t: t}
				err := sf.process(t, store, keys).DisconnectEveryTenant(t.Context(), fullcast.Filter{}, func(p fullcast.Progress) {
					if got.told(p); time.Since(began) < 24*time.Second {
						others++
					}
				})
				if err != nil || got.done != 300 {
					t.Errorf("%d told: %v", got.done, err)
				}
				early := 0
				for _, at := range sf.asked[ownHost(0)] {
					if at.Sub(began) < 25*time.Second {
						early++
					}
				}
				if early > tt.most || others != 200 {
					t.Errorf("the host was asked %d times in its pause, want %d at most; %d of 200 others were done meanwhile", early, tt.most, others)
				}
			})
		})
	}
}

func TestADisconnectionSendsNothingToAHostThatIsKnownToBeInItsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sf, store, keys := adoptedMany(t, 2, func(int) string { return ownHost(0) })
		sf.refuse = func(string, string) *http.Response {
			return &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"300"}}, Body: io.NopCloser(strings.NewReader(""))}
		}
		c := sf.process(t, store, keys)
		for i, want := range []int{1, 1, 1} {
			err := c.Disconnect(t.Context(), oauthflow.Key{Tenant: fmt.Sprint("tenant", i%2), Name: "main"})
			var e *oauthflow.Error
			if !errors.As(err, &e) || e.Kind != oauthflow.KindBusy || e.RetryAfter < 299*time.Second || e.RetryAfter > 300*time.Second {
				t.Errorf("disconnection %d: %v", i, err)
			}
			if n := len(sf.asked[ownHost(0)]); n != want {
				t.Errorf("after disconnection %d the host was asked %d times, want %d", i, n, want)
			}
		}
		sf.refuse = nil
		time.Sleep(5 * time.Minute)
		if err := c.DisconnectEveryTenant(t.Context(), fullcast.Filter{}, nil); err != nil {
			t.Error(err)
		}
	})
}
