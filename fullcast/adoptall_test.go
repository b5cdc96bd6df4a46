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
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Every request takes 300 ms at Salesforce, and every call of the store 2 ms.
func TestTenThousandConnectionsAreAdoptedInLessThanFiveMinutes(t *testing.T) {
	const full = 10_000
	for name, tt := range map[string]struct {
		at           func(i int) string
		most, atHost int // requests under way at once, in all and at one host
		n            int
	}{
		"each at a host of its own":        {ownHost, 16, 4, needs.Size(full, 1000)},
		"all at the generic login host":    {func(int) string { return "login.salesforce.com" }, 12, 12, needs.Size(full, 1000)},
		"half of them at one, half at own": {func(i int) string { return []string{"test.salesforce.com", ownHost(i)}[i%2] }, 16, 12, 1000},
		"of orgs with many connections":    {func(i int) string { return ownHost(i / 100) }, 16, 4, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			n := tt.n
			synctest.Test(t, func(t *testing.T) {
				sf, store := newMany(), tokenstore.NewMemory()
				c := sf.process(t, store, sealingKeys(t))
				got, began := results{t: t}, time.Now()
				if err := c.AdoptAll(t.Context(), read(adoptions(t, n, tt.at)), got.told); err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				t.Logf("%d adoptions took %v, %.0f a second", n, took.Round(time.Millisecond), float64(n)/took.Seconds())
				if limit := 5 * time.Minute * time.Duration(n) / full; took >= limit {
					t.Errorf("%d adoptions took %v, want less than %v", n, took, limit)
				}
				if all, most := sf.times(grants); all != n || most != 1 || got.done != n {
					t.Errorf("%d token requests, %d with one token, %d told; want %d, 1, %d", all, most, got.done, n, n)
				}
				if host, all := sf.mostAt(); host > tt.atHost || all > tt.most {
					t.Errorf("%d requests at once at one host and %d in all, want %d and %d at most", host, all, tt.atHost, tt.most)
				}
			})
		})
	}
}

func TestAdoptionsThatAreInterruptedGoOnWithTheRestAndSendNoTokenTwice(t *testing.T) {
	const n = 200
	synctest.Test(t, func(t *testing.T) {
		sf, store, keys := newMany(), tokenstore.NewMemory(), sealingKeys(t)
		all := adoptions(t, n, ownHost)
		calls := 0
		for ; calls < 20; calls++ {
			ctx, cancel := context.WithCancel(t.Context())
			if calls%2 == 1 { // in the middle of requests
				time.AfterFunc(900*time.Millisecond, cancel)
			}
			got := results{t: t}
			err := sf.process(t, store, keys).AdoptAll(ctx, read(all), func(p fullcast.Progress) {
				if got.told(p); calls%2 == 0 && p.Done == 30*(calls+1) {
					cancel()
				}
			})
			cancel()
			if err == nil {
				break
			}
			var b *oauthflow.BulkError
			if !errors.Is(err, context.Canceled) || !errors.As(err, &b) || b.Done != got.done {
				t.Fatalf("%d told: %v", got.done, err)
			}
		}
		if sent, most := sf.times(grants); calls < 3 || calls == 20 || sent != n || most != 1 {
			t.Errorf("after %d interruptions %d token requests, %d with one token; want 3 at least, %d, 1", calls, sent, most, n)
		}
		live := 0
		for conn, err := range sf.process(t, store, keys).List(t.Context(), fullcast.Filter{Status: oauthflow.StatusActive}) {
			if live++; err != nil || conn.InstanceURL == "" {
				t.Errorf("%+v, %v", conn, err)
			}
		}
		if live != n {
			t.Errorf("%d connections, want %d", live, n)
		}
	})
}

func TestAdoptionsThatFailStopNoOthersAndAreToldInOneErrorOfBoundedLength(t *testing.T) {
	const n = 2000
	synctest.Test(t, func(t *testing.T) {
		sf := newMany()
		c := sf.process(t, tokenstore.NewMemory(), sealingKeys(t))
		all := adoptions(t, n, ownHost)
		for i := range all {
			switch {
			case i == n-1:
				all[i].Client.Kind = "none"
			case i%2 == 0: // its token is spent already
				sf.sent[grants+" "+all[i].RefreshToken.Reveal()] = 1
			}
		}
		got := results{t: t}
		err := c.AdoptAll(t.Context(), read(all), got.told)
		var e *fullcast.Error
		var b *oauthflow.BulkError
		if !errors.As(err, &e) || e.Remedy != fullcast.Retry || !errors.As(err, &b) {
			t.Fatalf("got %v", err)
		}
		if b.Done != n || b.Failed != n/2+1 || b.Left != 0 || b.Kinds[oauthflow.KindGrantDead] != n/2 || b.Err != nil {
			t.Errorf("%d done, %d failed, %d left, %v, %v", b.Done, b.Failed, b.Left, b.Kinds, b.Err)
		}
		if len(b.Errs) > 110 || len(err.Error()) > 4096 || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "1001 of 2000 failed") {
			t.Errorf("%d errors are kept, and the text is %d bytes: %v", len(b.Errs), len(err.Error()), err)
		}
		failed := 0
		for k, err := range got.errs {
			var one *fullcast.Error
			if err != nil && (!errors.As(err, &one) || one.Key != k || one.Remedy == 0) {
				t.Errorf("%v: %v", k, err)
			}
			if err != nil {
				failed++
			}
		}
		if failed != b.Failed {
			t.Errorf("%d failures were told, want %d", failed, b.Failed)
		}
	})
}

func TestAHostThatAsksToBeLeftAloneIsLeftAloneByAdoptionsAndAllAreAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sf := newMany()
		began := time.Now()
		const pause = 40 * time.Second
		sf.refuse = func(host, _ string) *http.Response {
			if host != ownHost(0) || time.Since(began) >= pause {
				return nil
			}
			left := int((pause - time.Since(began)).Seconds()) + 1
			return &http.Response{StatusCode: http.StatusTooManyRequests, Body: io.NopCloser(strings.NewReader("")),
				Header: http.Header{"Retry-After": {fmt.Sprint(left)}}}
		}
		all := adoptions(t, 300, func(i int) string { return ownHost(i % 3) })
		others := time.Duration(0)
		got := results{t: t}
		err := sf.process(t, tokenstore.NewMemory(), sealingKeys(t)).AdoptAll(t.Context(), read(all), func(p fullcast.Progress) {
			if got.told(p); p.Done == 200 {
				others = time.Since(began)
			}
		})
		if err != nil {
			t.Error(err)
		}
		early := 0
		for _, at := range sf.asked[ownHost(0)] {
			if at.Sub(began) < pause {
				early++
			}
		}
		if early > 4 || others > 30*time.Second {
			t.Errorf("the host was asked %d times in its pause, want 4 at most: those under way at once; 200 of the others took %v, want half a minute at most", early, others)
		}
	})
}

func TestOfTwoKeysThatAreGivenOneRefreshTokenOneIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sf := newMany()
		all := adoptions(t, 100, ownHost)
		for i, a := range adoptions(t, 100, ownHost) {
			a.Key.Name = "again"
			if i%2 == 0 {
				a.Key.Tenant = "another"
				a.Key.Name = fmt.Sprint(i)
			}
			all = append(all, a)
		}
		got := results{t: t}
		err := sf.process(t, tokenstore.NewMemory(), sealingKeys(t)).AdoptAll(t.Context(), read(all), got.told)
		if sent, most := sf.times(grants); sent != 100 || most != 1 {
			t.Errorf("%d token requests, %d with one token, want 100 and 1", sent, most)
		}
		refused := 0
		for k, err := range got.errs {
			if err == nil {
				continue
			}
			if refused++; !errors.Is(err, oauthflow.ErrConnectedElsewhere) {
				t.Errorf("%v: %v", k, err)
			}
		}
		if refused != 100 || !errors.Is(err, oauthflow.ErrConnectedElsewhere) {
			t.Errorf("%d are refused: %v", refused, err)
		}
	})
}

func TestAnErrorOfWhatIsReadEndsTheReadingAndWhatWasReadIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errRow := errors.New("the row cannot be read")
		got := results{t: t}
		err := newMany().process(t, tokenstore.NewMemory(), sealingKeys(t)).AdoptAll(t.Context(), func(yield func(fullcast.Adoption, error) bool) {
			for _, a := range adoptions(t, 50, ownHost) {
				if !yield(a, nil) {
					t.Error("the reading was ended early")
					return
				}
			}
			if yield(fullcast.Adoption{}, errRow) {
				t.Error("the reading went on after its error")
			}
		}, got.told)
		var b *oauthflow.BulkError
		if !errors.Is(err, errRow) || !errors.As(err, &b) || b.Done != 50 || b.Failed != 0 || got.done != 50 {
			t.Errorf("%d told: %v", got.done, err)
		}
	})
}

// One tenant has hundreds of connections to adopt, each at a host that takes two minutes for nothing.
func TestATenantWithHangingHostsDoesNotHoldUpTheAdoptionsOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sf := newMany()
		var all []fullcast.Adoption
		for i := range 200 {
			all = append(all, adoption(t, oauthflow.Key{Tenant: "rival", Name: fmt.Sprint(i)}, ownHost(1000+i), fmt.Sprint("rival-", i)))
		}
		all = append(all, adoptions(t, 200, ownHost)...)
		sf.refuse = func(host, token string) *http.Response {
			if strings.HasPrefix(token, "rival") {
				sf.mu.Unlock()
				time.Sleep(100 * time.Second)
				sf.mu.Lock()
				return &http.Response{StatusCode: http.StatusBadGateway, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
			}
			return nil
		}
		began, others := time.Now(), 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_ = sf.process(t, tokenstore.NewMemory(), sealingKeys(t)).AdoptAll(ctx, read(all), func(p fullcast.Progress) {
			if p.Key.Tenant == "rival" {
				return
			}
			if others++; others == 200 {
				t.Logf("the others took %v", time.Since(began))
				if took := time.Since(began); took > 3*time.Minute {
					t.Errorf("the others took %v, want three minutes at most", took)
				}
				cancel()
			}
		})
		if others != 200 {
			t.Errorf("%d of 200 were adopted in an hour", others)
		}
	})
}
