package orgtest_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const tokenPath = "/services/oauth2/token"

func TestAFaultHitsTheRequestsItNames(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	if err := w.org.Inject(orgtest.Fault{
		Path: tokenPath, GrantType: "refresh_token", Skip: 1, Times: 2, Status: http.StatusServiceUnavailable, Body: "<h1>Down for maintenance</h1>",
	}); err != nil {
		t.Fatal(err)
	}
	var got []int
	for range 4 {
		got = append(got, w.refresh(refresh).status)
	}
	if want := []int{200, 503, 503, 200}; !equal(got, want) {
		t.Errorf("refreshes answered %v, want %v", got, want)
	}
	if got := w.api(access); got != http.StatusOK {
		t.Errorf("another path was hit: %d", got)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestAFaultDecidesWhetherTheOrgActs(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault orgtest.Fault
		acts  bool
		fails bool // the call, not the answer
	}{
		{"a connection dropped before", orgtest.Fault{Drop: orgtest.DropBefore}, false, true},
		{"a connection dropped after", orgtest.Fault{Drop: orgtest.DropAfter}, true, true},
		{"an answer cut in the body", orgtest.Fault{Drop: orgtest.CutBody, Keep: 10}, true, true},
		{"a gateway's page instead of the org", orgtest.Fault{Status: 502, Body: "Bad Gateway"}, false, false},
		{"a gateway's page over the org's answer", orgtest.Fault{Status: 504, Body: "Gateway Timeout", Acts: true}, true, false},
		{"a redirect to another host", orgtest.Fault{Status: 302, Header: http.Header{"Location": {"https://na1.salesforce.com" + tokenPath}}}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, served := range []string{"in process", "over TLS"} {
				t.Run(served, func(t *testing.T) {
					w := withDemo(t, orgtest.Config{RotateRefreshTokens: true})
					if served == "over TLS" {
						server, err := w.org.Start()
						if err != nil {
							t.Fatal(err)
						}
						defer server.Close()
						transport := server.Transport()
						defer transport.CloseIdleConnections()
						w.http.Transport = transport
					}
					_, refresh := w.connect()
					c.fault.Path = tokenPath
					if err := w.org.Inject(c.fault); err != nil {
						t.Fatal(err)
					}
					a, err := w.do(w.refreshForm(refresh))
					if (err != nil) != c.fails {
						t.Fatalf("got %v, %v", a, err)
					}
					if err == nil && c.fault.Header == nil && a.header.Get("Content-Type") != "text/html;charset=UTF-8" {
						t.Errorf("Content-Type %q", a.header.Get("Content-Type"))
					}
					if err == nil && (a.status != c.fault.Status || a.body != c.fault.Body) {
						t.Errorf("got %d %q", a.status, a.body)
					}
					// where the org acted, the refresh token was rotated away
					if again := w.refresh(refresh); (again.status != http.StatusOK) != c.acts {
						t.Errorf("the same token again: %d %s", again.status, again.body)
					}
				})
			}
		})
	}
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault orgtest.Fault
	}{
		{"a path without a slash", orgtest.Fault{Path: "token", Status: 500}},
		{"a negative delay", orgtest.Fault{Delay: -1}},
		{"nothing that goes wrong", orgtest.Fault{Path: tokenPath}},
		{"a body without a status", orgtest.Fault{Body: "x"}},
		{"bytes to keep of a whole answer", orgtest.Fault{Keep: 3}},
		{"an unknown drop", orgtest.Fault{Drop: 9}},
		{"an interim status", orgtest.Fault{Status: 100}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := withDemo(t, orgtest.Config{}).org.Inject(c.fault); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestOnlyTheOrgsHostsAnswer(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	server, err := w.org.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	transport := server.Transport()
	defer transport.CloseIdleConnections()
	for name, rt := range map[string]http.RoundTripper{"in process": w.org.RoundTripper(), "over TLS": transport} {
		t.Run(name, func(t *testing.T) {
			w.http.Transport = rt
			for _, host := range []string{"login.salesforce.com", "test.salesforce.com", "acme.my.salesforce.com"} {
				if a := w.get("https://"+host+"/id/keys", ""); a.status != http.StatusOK {
					t.Errorf("%s: %d", host, a.status)
				}
			}
			for _, address := range []string{"https://other.my.salesforce.com/", "https://example.com/", "http://login.salesforce.com/", "https://127.0.0.1/"} {
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
				_, err := w.do(r)
				var dns *net.DNSError
				if !errors.As(err, &dns) || !dns.IsNotFound {
					t.Errorf("%s: %v, want a name that does not resolve", address, err)
				}
			}
		})
	}
}

func TestLeadingSlashesAndPlainServersAreServed(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	server := httptest.NewServer(w.org)
	defer server.Close()
	w.http, w.host = server.Client(), server.URL
	a := w.exchange(w.approve().Get("code"))
	if a.field("instance_url") != server.URL || !strings.HasPrefix(a.field("id"), server.URL+"/id/") {
		t.Fatalf("under httptest every address leads to the server itself: %s", a.body)
	}
	if got := w.get(server.URL+"//services/data/v66.0/limits", a.field("access_token")); got.status != http.StatusOK {
		t.Errorf("a double slash: %d %s", got.status, got.body)
	}
}

func TestTheLedgerCountsWithoutGapsAndHoldsNoSecret(t *testing.T) {
	w := withDemo(t, orgtest.Config{RotateRefreshTokens: true})
	access, refresh := w.connect()
	second := w.refresh(refresh).field("refresh_token")
	w.api(access)
	w.refresh(refresh)
	key, secret := w.credentials("Demo")
	var text strings.Builder
	var story []string
	for i, e := range w.org.Ledger() {
		if e.Seq != i+1 || e.Time.IsZero() {
			t.Errorf("entry %d: %+v", i, e)
		}
		story = append(story, e.Event+" "+e.Outcome)
		text.WriteString(strings.Join([]string{e.Event, e.App, e.User, e.Outcome, e.Detail}, "|"))
	}
	if got, want := strings.Join(story, ", "), "authorize code, exchange ok, refresh ok, api ok, refresh reuse"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, hidden := range []string{access, refresh, second, key, secret} {
		if strings.Contains(text.String(), hidden) {
			t.Error("a secret is in the ledger")
		}
	}
}
