package browser_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

var pictures = flag.String("pictures", "", "folder to leave screenshots in")

// A look is how somebody sees a page.
type look struct {
	name   string
	scheme string
	width  int64
}

var looks = []look{
	{"wide-light", "light", 1000}, {"wide-dark", "dark", 1000},
	{"narrow-light", "light", 360}, {"narrow-dark", "dark", 360}, {"smallest-light", "light", 320},
}

// seen checks the page at each size and colour scheme: nothing may stick out on the right. It leaves a picture where one is wanted.
func (x *tab) seen(t *testing.T, name string) {
	t.Helper()
	for _, l := range looks {
		var width, room float64
		var png []byte
		x.do(
			emulation.SetDeviceMetricsOverride(l.width, 800, 1, false),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: l.scheme}}),
			chromedp.Evaluate("document.documentElement.scrollWidth", &width),
			chromedp.Evaluate("document.documentElement.clientWidth", &room),
			chromedp.FullScreenshot(&png, 100),
		)
		if width > room {
			t.Errorf("%s, %s: the page is %v wide, and has room for %v", name, l.name, width, room)
		}
		if *pictures == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*pictures, name+"-"+l.name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	x.do(emulation.ClearDeviceMetricsOverride())
	x.plain(t, name)
}

// plain fails the test unless somebody finds his way on the page who does not see it: a title, one main heading and none
// left out below, a name for each control and each table, and a language.
func (x *tab) plain(t *testing.T, name string) {
	t.Helper()
	const look = `(() => {
  const wrong = [];
  if (!document.documentElement.lang) wrong.push("no language");
  if (!document.title) wrong.push("no title");
  let level = 0;
  for (const h of document.querySelectorAll("h1,h2,h3,h4,h5,h6")) {
    const l = Number(h.tagName[1]);
    if (l > level + 1) wrong.push("a heading is left out before: " + h.innerText);
    level = l;
  }
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one main heading");
  for (const c of document.querySelectorAll("input:not([type=hidden]),select,textarea"))
    if (!c.labels.length) wrong.push("no label: " + c.name);
  for (const c of document.querySelectorAll("a,button"))
    if (!c.textContent.trim() && !c.ariaLabel) wrong.push("no name: " + c.outerHTML);
  for (const c of document.querySelectorAll("[id]"))
    if (document.querySelectorAll("#" + CSS.escape(c.id)).length > 1) wrong.push("twice: #" + c.id);
  for (const c of document.querySelectorAll("[aria-describedby],[aria-labelledby]"))
    for (const id of (c.getAttribute("aria-describedby") || c.getAttribute("aria-labelledby")).split(" "))
      if (!document.getElementById(id)) wrong.push("nothing has the id " + id);
  if (document.querySelector("[style],style,script:not([src]),[onclick]")) wrong.push("style or script inside the page");
  return wrong;
})()`
	var wrong []string
	x.do(chromedp.Evaluate(look, &wrong))
	for _, w := range wrong {
		t.Errorf("%s: %s", name, w)
	}
}

func TestPicturesOfEveryPage(t *testing.T) {
	s := startService(t)
	x := s.browser.open(t)
	x.visit(string(site) + "/sign-in")
	x.seen(t, "sign-in")
	s.signIn(t, x, "acme")
	x.seen(t, "not-connected")
	x.visit(string(site) + "/salesforce/guide")
	x.seen(t, "setup-guide")
	x.visit(string(site) + "/salesforce/guide?host=acme--uat.sandbox.my.salesforce.com")
	x.seen(t, "setup-guide-of-an-org")
	x.do(chromedp.Click("button.copy", chromedp.ByQuery))
	x.until(`/^(Copied|Selected): ./.test(document.getElementById("copied").textContent)`)

	x.visit(adminPage)
	x.do(chromedp.Evaluate(`for (const i of document.querySelectorAll("[required]")) i.required = false`, nil)) // as an old browser
	x.fill("#login-host", "acme.example.com")
	x.press(`form[action="/salesforce/connect"] button`)
	x.shows("Problem:")
	x.seen(t, "form-wrong")
	x.visit(adminPage)
	s.enter(t, x, "/salesforce/connect")
	s.atSalesforce(t, x, "#oadeny")
	x.seen(t, "denied")
	s.connect(t, x)
	x.seen(t, "connected")
	x.visit(string(site) + "/app/motion/segments")
	x.seen(t, "segments")
	x.visit(string(site) + "/salesforce/diagnose")
	x.seen(t, "diagnosis")
	x.visit(string(site) + "/salesforce/disconnect")
	x.seen(t, "disconnect")
	if err := s.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", s.external.APIName+"_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
		t.Fatal(err)
	}
	x.visit(string(site) + "/salesforce/check")
	x.seen(t, "check")
	if err := s.org.RevokeAll(s.external.APIName); err != nil {
		t.Fatal(err)
	}
	x.visit(string(site) + "/salesforce/check")
	x.shows("Broken")
	x.seen(t, "broken")
	x.visit(string(site) + "/salesforce/diagnose")
	x.seen(t, "diagnosis-broken")

	s.adoptLegacy(t, "globex")
	s.signIn(t, x, "globex")
	x.seen(t, "connected-app")
	x.press(`a[href="/salesforce/migrate"]`)
	x.seen(t, "migrate")
	x.calm()
}
