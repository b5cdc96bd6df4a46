package oauthflow_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// An org that runs out of API requests stops every service that calls it: its operator hears of it before, and once.
func TestAnOrgWhoseAPIRequestsRunLowIsToldOfOnce(t *testing.T) {
	for _, c := range []struct {
		name  string
		said  []string
		times int
	}{
		{"far away", []string{"api-usage=18/5000", "api-usage=3999/5000"}, 0},
		{"at four fifths, and on", []string{"api-usage=4000/5000", "api-usage=4001/5000", "api-usage=4999/5000", "api-usage=5000/5000"}, 1},
		{"around the threshold", []string{"api-usage=4000/5000", "api-usage=3990/5000", "api-usage=4000/5000"}, 1},
		{"a day later again", []string{"api-usage=4000/5000", "api-usage=10/5000", "wait", "api-usage=4000/5000"}, 2},
		{"to and fro", slices.Repeat([]string{"api-usage=4999/5000", "api-usage=10/5000"}, 50), 1},
		{"another connection under the same key", []string{"api-usage=4999/5000", "connect again", "api-usage=4999/5000"}, 2},
		{"beside the app's own", []string{"api-usage=4500/5000; per-app-api-usage=17/250(appName=sample-app)"}, 1},
		{"the app's own alone", []string{"per-app-api-usage=249/250(appName=sample-app)"}, 0},
		{"more than allowed", []string{"api-usage=5100/5000"}, 1},
		{"nonsense", []string{"", "api-usage", "api-usage=", "api-usage=5/", "api-usage=/5", "api-usage=5/0", "api-usage=-5/5", "api-usage=9223372036854775807/5", "x"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				var mu sync.Mutex
				var told []oauthflow.Event
				m := w.manager(func(cfg *oauthflow.ManagerConfig) {
					cfg.Observe = func(e oauthflow.Event) {
						mu.Lock()
						defer mu.Unlock()
						if e.Type == oauthflow.EventLimit {
							told = append(told, e)
						}
					}
				})
				w.connect(m, mainKey)
				said := ""
				base := carrier(func(req *http.Request) (*http.Response, error) {
					resp, err := w.wire.RoundTrip(req)
					if err == nil {
						resp.Header.Set("Sforce-Limit-Info", said)
					}
					return resp, err
				})
				client := &http.Client{Transport: m.Source(mainKey).Transport(base)}
				at, err := m.Source(mainKey).InstanceURL(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, said = range c.said {
					switch said {
					case "wait":
						time.Sleep(24 * time.Hour)
						continue
					case "connect again":
						if err := m.Disconnect(t.Context(), mainKey); err != nil {
							t.Fatal(err)
						}
						w.connect(m, mainKey)
						client.Transport = m.Source(mainKey).Transport(base)
						continue
					}
					resp, err := client.Get(at + "/services/data/v66.0/limits")
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
				}
				if err := m.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if len(told) != c.times {
					t.Fatalf("told %d times, want %d: %v", len(told), c.times, told)
				}
				for _, e := range told {
					if e.Key != mainKey || e.APIUsed < 4000 || e.APIAllowed != 5000 {
						t.Errorf("told %+v", e)
					}
				}
			})
		})
	}
}
