package browser_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// expectSilence fails the test if the third party, which runs a script on the page, or anybody by a Referer, has learned
// a code. It fails, too, when the script has told nothing: then nothing was proved.
func expectSilence(t *testing.T, f *front, x *tab) {
	t.Helper()
	x.until(`performance.getEntriesByName("https://stats.example/beacon").length > 0`)
	beacons := 0
	for _, leak := range f.told() {
		if strings.HasPrefix(leak, "/beacon ") {
			beacons++
		}
		if holdsCode(leak) {
			what, _, _ := strings.Cut(leak, " ")
			t.Errorf("a code was told by %s", what)
		}
	}
	if beacons == 0 {
		t.Error("the third party's script did not run")
	}
	x.keepsNoCode()
}

func TestAThirdPartyOnThePagesLearnsNoCode(t *testing.T) {
	for _, answer := range []string{"#oaapprove", "#oadeny"} {
		t.Run(answer, func(t *testing.T) {
			s := startService(t)
			x := s.browser.open(t)
			s.signIn(t, x, "acme")
			s.front.track()
			x.visit(adminPage)
			s.enter(t, x, "/salesforce/connect")
			s.atSalesforce(t, x, answer)
			expectSilence(t, s.front, x)
			x.press(`a[href="/salesforce/guide"]`) // and what follows from the page
			expectSilence(t, s.front, x)
		})
	}
}

// A link of the attacker's opens a callback page with a code and no state, or with two: no login begins so, and the code of
// somebody's login must not be told either.
func TestAThirdPartyOnThePagesLearnsNoCodeOfACallbackWithoutExactlyOneState(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	s.signIn(t, x, "acme")
	s.front.track()
	x.visit(adminPage)
	for _, query := range []string{"code=" + planted, "code=" + planted + "&state=", "code=" + planted + "&state=a&state=b", "%63ode=" + planted, "tab=2&code=" + planted} {
		t.Run(query, func(t *testing.T) {
			x.follow(adminPage + "?" + query)
			if got := x.address(); got != adminPage {
				t.Errorf("the browser is at %s, want %s", got, adminPage)
			}
			expectSilence(t, s.front, x)
			for _, leak := range s.front.told() {
				if strings.Contains(leak, planted) {
					what, _, _ := strings.Cut(leak, " ")
					t.Errorf("the code was told by %s", what)
				}
			}
		})
	}
}

// planted is a code that an attacker has put into a link.
const planted = "aPrxPlantedCode0815"

// A page that is served statically cannot hide the address it was opened with from other scripts on it: browsers keep it
// in the performance timeline. What CallbackScript does is that no later address, history entry or Referer holds it.
func TestAStaticCallbackPageKeepsTheCodeOutOfHistoryAndReferer(t *testing.T) {
	chromium(t)
	org, server := startOrg(t)
	s := &service{org: org, server: server, external: fullcast.ExternalClientApp(site, username)}
	s.deploy(t, s.external)
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("static"))
	if err != nil {
		t.Fatal(err)
	}
	sf, err := fullcast.NewConnector(fullcast.Config{Site: site, Store: tokenstore.NewMemory(), Keyring: keys, Transport: server.Transport()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sf.Close(t.Context()) })

	const binding = "a session of the one who begins"
	api, err := sf.CallbackAPI(fullcast.CallbackConfig{Session: func(*http.Request) (string, string, error) { return "acme", binding, nil }})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/api/callback", api)
	mux.HandleFunc("GET /app/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Static</title><script>%s</script><script src="https://%s/script.js"></script>`, fullcast.CallbackScript("/api/callback"), tracker)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		time.Sleep(300 * time.Millisecond) // longer than the answer takes: the rest of the page comes after it
		fmt.Fprint(w, `<body><a href="/app/motion/segments">on</a><p></p><script>
document.addEventListener("salesforce", e => { document.body.append(e.detail.connected ? "Connected" : "Refused: " + e.detail.remedy); });
</script>`)
	})
	f := startFront(t, mux)
	s.front = f
	b := startBrowser(t, s.reaches()...)

	key, secret, err := org.Credentials(s.external.APIName)
	if err != nil {
		t.Fatal(err)
	}
	host, err := oauthflow.ParseHost(org.InstanceURL())
	if err != nil {
		t.Fatal(err)
	}
	redirect, err := sf.Begin(t.Context(), oauthflow.Key{Tenant: "acme", Name: "main"}, fullcast.BeginOptions{
		Client:  oauthflow.Client{Host: host, ID: key, Secret: oauthflow.NewSecret(secret)},
		Binding: binding,
	})
	if err != nil {
		t.Fatal(err)
	}
	x := b.open(t)
	x.visit(redirect)
	s.atSalesforce(t, x, "#oaapprove")
	x.until(`document.body.innerText.includes("Connected")`)
	for _, leak := range f.told() {
		if strings.HasPrefix(leak, "Referer ") && holdsCode(leak) {
			t.Error("a Referer holds a code")
		}
	}
	x.press(`a[href="/app/motion/segments"]`)
	x.keepsNoCode()
	var back string
	x.do(chromedp.Evaluate("history.back()", nil))
	x.until(`location.pathname === "/app/admin/motion"`)
	x.do(chromedp.Evaluate("location.href", &back))
	if holdsCode(back) {
		t.Error("going back brings the code back")
	}
	for _, query := range []string{"code=" + planted, "code=" + planted + "&state=a&state=b"} { // a link of the attacker's
		x.follow(adminPage + "?" + query)
		x.until(`document.body.innerText.includes("Refused") && location.search === ""`)
		x.keepsNoCode()
	}
}
