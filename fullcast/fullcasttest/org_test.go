package fullcasttest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestTheOrgHasTheAppOfItsSiteAsTheInstructionsSay(t *testing.T) {
	for _, site := range []fullcast.Site{fullcast.Production, fullcast.PreProduction, "http://localhost:4200"} {
		org := fullcasttest.NewOrg(t, site, fullcasttest.ConnectedApp())
		conn := org.Connect(t.Context(), connector(t, org.Config()), acme)
		report, err := conn.Check(t.Context())
		if err != nil || len(report.Findings) > 0 || len(report.Passed) < 10 {
			t.Errorf("%s: %v\n%s", site, err, report)
		}
	}
}

func TestTheOrgRotatesRefreshTokensUnlessItIsToldNotTo(t *testing.T) {
	for want, options := range map[int][]fullcasttest.Option{
		1: {fullcasttest.Config(func(c *orgtest.Config) { c.RotateRefreshTokens = false })},
		2: nil,
	} {
		org := fullcasttest.NewOrg(t, fullcast.Production, options...)
		sf := connector(t, org.Config())
		org.Connect(t.Context(), sf, acme)
		org.ExpireSessions()
		if n, err := countUsers(t.Context(), sf); n != 1 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
		issued := 0
		for _, e := range org.Ledger() {
			issued = max(issued, e.Issued)
		}
		if issued != want {
			t.Errorf("%d refresh tokens, want %d", issued, want)
		}
	}
}

func TestConnectorsOfOneConfigShareAConnection(t *testing.T) {
	org := fullcasttest.NewOrg(t, fullcast.Production)
	c := org.Config()
	org.Connect(t.Context(), connector(t, c), acme)
	if n, err := countUsers(t.Context(), connector(t, c)); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestTheOrgWorksInABubbleOfVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org := fullcasttest.NewOrg(t, fullcast.Production)
		org.Connect(t.Context(), connector(t, org.Config()), acme)
	})
}

func TestTheBrowserShowsThePageOnWhichTheUserEnds(t *testing.T) {
	org := fullcasttest.NewOrg(t, fullcast.Production)
	service := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		cookie, _ := r.Cookie("session")
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "s1"})
		fmt.Fprint(w, r.Method, " ", r.Host, r.RequestURI, " ", r.TLS != nil, " ", string(body), " ", cookie)
	})
	browser := org.Browser(service)
	for _, want := range []string{"POST app.fullcast.io/connect?x=1 true key=3MVG9 ", "POST app.fullcast.io/connect?x=1 true key=3MVG9 session=s1"} {
		resp, err := browser.Post("https://app.fullcast.io/connect?x=1", "application/x-www-form-urlencoded", strings.NewReader("key=3MVG9"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	if _, err := browser.Get("https://evil.example/"); err == nil {
		t.Error("the browser finds a host that is neither the service nor Salesforce")
	}
}

func TestWhatCannotBeFailsTheTestWithTheReason(t *testing.T) {
	for want, do := range map[string]func(t *refused){
		"MyDomain": func(t *refused) {
			fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.Config(func(c *orgtest.Config) { c.MyDomain = "-" }))
		},
		"Fullcast_M": func(t *refused) { fullcasttest.NewOrg(t, fullcast.Production).FormerConnection() },
		"not an author": func(r *refused) {
			fullcasttest.NewOrg(r, fullcast.Production).Login(t.Context(), "https://acme.my.salesforce.com/")
		},
		"closed": func(r *refused) {
			org := fullcasttest.NewOrg(r, fullcast.Production)
			sf := connector(t, org.Config())
			_ = sf.Close(t.Context())
			org.Connect(t.Context(), sf, oauthflow.Key{Tenant: "acme", Name: "main"})
		},
	} {
		if got := failed(do); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
