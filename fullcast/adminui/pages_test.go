package adminui_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
)

// routes are the pages and the forms with the right that each asks for.
var routes = []struct {
	method, path string
	right        fullcast.AdminRight
}{
	{"GET", home, fullcast.RightView}, {"GET", "/app/motion/segments", fullcast.RightView}, {"GET", "/salesforce/guide", fullcast.RightView},
	{"GET", "/salesforce/migrate", fullcast.RightView}, {"GET", "/salesforce/disconnect", fullcast.RightView},
	{"GET", "/salesforce/check", fullcast.RightOperate}, {"GET", "/salesforce/diagnose", fullcast.RightOperate},
	{"POST", "/salesforce/connect", fullcast.RightConnect}, {"POST", "/salesforce/reconnect", fullcast.RightConnect},
	{"POST", "/salesforce/migrate", fullcast.RightConnect}, {"POST", "/salesforce/migrate/resume", fullcast.RightConnect},
	{"POST", "/salesforce/secret", fullcast.RightOperate}, {"POST", "/salesforce/disconnect", fullcast.RightOperate},
}

func withSegments(c *adminui.Config) {
	c.Others = []adminui.Entry{{Path: "/app/motion/segments", Title: "Segments"}}
}

func TestNobodyWhoIsNotSignedInSeesAPage(t *testing.T) {
	o := newOffice(t, withSegments)
	o.user, o.ended = fullcast.AdminUser{}, true
	for _, r := range routes {
		answer := o.raw(r.method, r.path, nil)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/sign-in" {
			t.Errorf("%s %s: %s, to %q", r.method, r.path, answer.Status, answer.Header.Get("Location"))
		}
	}
}

func TestAUserDoesWhatTheRightAllowsAndSeesNoControlsBesides(t *testing.T) {
	all := []fullcast.AdminRight{fullcast.RightView, fullcast.RightConnect, fullcast.RightOperate}
	for have, right := range all {
		t.Run(string(right), func(t *testing.T) {
			o := newOffice(t, withSegments)
			o.connect("")
			o.user.Right = right
			for i, control := range []string{"Check the app", "Disconnect…", "/salesforce/diagnose", "/salesforce/connect", "/salesforce/reconnect"} {
				needs := 2
				if i > 2 {
					needs = 1
				}
				if p := o.get(home); strings.Contains(p.text, control) != (have >= needs) {
					t.Errorf("%q: shown %t", control, have < needs)
				}
			}
			for _, r := range routes {
				var p page
				if r.method == "POST" {
					in := o.form("")
					in.Set("new-secret", in.Get("consumer-secret"))
					p = o.post(r.path, in)
				} else {
					p = o.get(r.path)
				}
				allowed := r.right == fullcast.RightView || have == 2 || have == 1 && r.right == fullcast.RightConnect
				if refused := strings.Contains(p.text, "does not have the right"); refused == allowed {
					t.Errorf("%s %s: refused %t\n%s", r.method, r.path, refused, p.source)
				}
			}
		})
	}
}

var inline = regexp.MustCompile(`(?i)<style|<script>|<script [^>]*>[^<]|\sstyle=|\son[a-z]+=|javascript:`)

func TestEachPageIsSmallAndHoldsNoScriptStyleOrSecret(t *testing.T) {
	o := newOffice(t, withSegments)
	o.connect("")
	for _, r := range routes {
		if r.method != "GET" {
			continue
		}
		p := o.get(r.path)
		if p.status != http.StatusOK || len(p.source) > 20_000 {
			t.Errorf("%s: %d, %d bytes", r.path, p.status, len(p.source))
		}
		if found := inline.FindString(p.source); found != "" {
			t.Errorf("%s holds %q", r.path, found)
		}
		csp := p.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", r.path, p.header)
		}
		p.lacks(t, o.form("").Get("consumer-secret"))
	}
}

func TestFormsOfOtherOriginsAreRefused(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("")
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}},
	} {
		for _, r := range routes {
			if r.method != "POST" {
				continue
			}
			if answer := o.raw("POST", r.path, header); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%v: %s: %s", header, r.path, answer.Status)
			}
		}
		o.get(home).has(t, "Active")
	}
}

func TestAPageOpenedFromAnotherSiteIsShown(t *testing.T) {
	o := newOffice(t, asItIs)
	for _, from := range []string{"cross-site", "none"} {
		answer := o.raw("GET", home, http.Header{"Sec-Fetch-Site": {from}, "Sec-Fetch-Mode": {"navigate"}})
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", from, answer.Status)
		}
	}
}

func TestALinkOfAnotherSiteMakesNoCallOfTheOrg(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("")
	for _, path := range []string{"/salesforce/check", "/salesforce/diagnose"} {
		before := len(o.org.Ledger())
		answer := o.raw("GET", path, http.Header{"Sec-Fetch-Site": {"cross-site"}})
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != home || len(o.org.Ledger()) != before {
			t.Errorf("%s: %s, to %q", path, answer.Status, answer.Header.Get("Location"))
		}
		if answer := o.raw("GET", path, http.Header{"Sec-Fetch-Site": {"same-origin"}}); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

func TestADiagnosisTellsItsCauseFirstAndOnce(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("")
	o.get("/salesforce/diagnose").lacks(t, "All else that was looked at")
	if err := o.org.Block("Fullcast"); err != nil {
		t.Fatal(err)
	}
	o.org.ExpireSessions()
	o.get("/salesforce/check").has(t, "The app cannot be checked")
	p := o.get("/salesforce/diagnose")
	p.has(t, `id="cause"`, "All else that was looked at", "<details open>")
	if at, rest := strings.Index(p.text, `id="cause"`), strings.Index(p.text, "All else"); at > rest {
		t.Error("the cause is not first")
	}
	if seen := strings.Index(p.text, fullcast.AdminUnblocksApp.String()); seen < 0 || seen > strings.Index(p.text, "All else") {
		t.Errorf("the remedy of the cause is not with it:\n%s", p.source)
	}
}

func TestFormsThatAnActiveConnectionSeldomNeedsAreFoldedUntilTheyHaveSomethingToSay(t *testing.T) {
	o := newOffice(t, asItIs)
	p := o.connect("")
	p.has(t, `<details><summary><h2 id="rotated">`, `<details><summary><h2 id="connect">`)
	in := o.form("")
	in.Set("consumer-key", "two words")
	o.post("/salesforce/connect", in).has(t, `<details open><summary><h2 id="connect">`)
	if err := o.org.RevokeAll("Fullcast"); err != nil {
		t.Fatal(err)
	}
	o.get("/salesforce/check").has(t, `<details open><summary><h2 id="connect">`, "Broken")
}

func TestTheCheckNamesTheOrgAndTheUser(t *testing.T) {
	o := newOffice(t, asItIs)
	o.connect("")
	o.get("/salesforce/check").has(t, "As the instructions say", "Org ", "the connection's user is ")
}

func TestSeveralConnectionsOfATenantAreOnOnePage(t *testing.T) {
	o := newOffice(t, func(c *adminui.Config) { c.Names = []string{"import", "export & more"}; withSegments(c) })
	o.get(home).has(t, "Connections", "import", "export & more", "Not connected")
	if p := o.connect("export & more"); p.at != home+"?connection=export+%26+more" {
		t.Errorf("the browser is at %s", p.at)
	}
	p := o.get(home)
	p.has(t, ">import</a>: Not connected", ">export & more</a>: Active", `<h2 id="status">export & more</h2>`) // what there is
	o.get(home+"?connection=import").has(t, `<h2 id="status">import</h2>`, "Connect an org")
	o.connect("import")
	for _, name := range []string{"import", "export & more"} {
		of := "?" + url.Values{"connection": {name}}.Encode()
		o.get("/salesforce/check"+of).has(t, "As the instructions say")
		o.get("/salesforce/diagnose"+of).has(t, "Session: ok")
	}
	o.get("/app/motion/segments").has(t, "Salesforce connection import", "Salesforce connection export & more")
	o.get("/salesforce/disconnect?connection=export+%26+more").has(t, `name="connection" value="export & more"`)
	o.post("/salesforce/disconnect", url.Values{"connection": {"export & more"}}).has(t, "Disconnected")
	o.get(home).has(t, ">import</a>: Active", ">export & more</a>: Not connected")
	o.get(home+"?connection=nothing").lacks(t, "nothing")
}

func TestWhatIsNotConnectedHasNoPageToEndOrToMigrateIt(t *testing.T) {
	o := newOffice(t, asItIs)
	for _, path := range []string{"/salesforce/disconnect", "/salesforce/migrate", "/salesforce/check", "/salesforce/diagnose"} {
		p := o.get(path)
		p.has(t, "Not connected")
		p.lacks(t, "revoked")
		if p.at != home {
			t.Errorf("%s leads to %s", path, p.at)
		}
	}
	o.post("/salesforce/disconnect", nil).lacks(t, "revoked")
}

func TestALayoutOfTheServiceIsAroundEachPageAndItsErrorIsNotShown(t *testing.T) {
	var fail error
	o := newOffice(t, func(c *adminui.Config) {
		c.Layout = func(w io.Writer, _ *http.Request, p adminui.Page) error {
			fmt.Fprintf(w, "<title>%s</title>%s<main>%s</main>", p.Title, p.Here, p.Content)
			return fail
		}
	})
	o.get(home).has(t, "Salesforce connection</title>"+home+"<main><h1>")
	o.get("/salesforce/guide").has(t, "<title>Setup guide</title>/salesforce/guide<main>")
	fail = errors.New("the canary of a layout")
	p := o.get(home)
	p.lacks(t, "canary")
	if p.status != http.StatusInternalServerError {
		t.Errorf("status %d", p.status)
	}
}

func TestOtherPathsAreTheServices(t *testing.T) {
	o := newOffice(t, func(c *adminui.Config) {
		c.Next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "service: ", r.URL.RequestURI()) })
	})
	for _, path := range []string{"/", "/salesforce", "/salesforceful", "/app/motion/segments?tab=2", "/x?code=4711"} {
		o.get(path).has(t, "service: "+path)
	}
	for _, path := range []string{"/salesforce/nothing", "/salesforce/connect"} {
		p := o.get(path)
		p.has(t, "There is no such page", "Salesforce connection")
		if p.status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, p.status)
		}
	}
}
