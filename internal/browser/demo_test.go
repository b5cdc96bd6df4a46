package browser_test

import (
	"os/exec"
	"testing"

	"github.com/chromedp/chromedp"
)

// The one command that anybody may try: no flag but a free port, plain http on localhost, a simulated org beside it.
func TestTheProgramByItselfShowsTheWholeLife(t *testing.T) {
	chromium(t)
	run := exec.Command(build(t), "-listen", "localhost:0")
	run.Env = []string{"HOME=" + t.TempDir()}
	said := started(t, run)
	org, admin := said["The simulated org"], said["The admin page"]
	x := startBrowser(t).open(t)

	setup := map[string]string{}
	x.visit(org)
	for _, id := range []string{"host", "key", "secret"} {
		var value string
		x.do(chromedp.Text("#"+id, &value, chromedp.ByQuery))
		setup[id] = value
	}
	logIn := func() {
		t.Helper()
		x.fill("#username", username)
		x.fill("#password", "password")
		x.press("#Login")
		x.press("#oaapprove")
		x.shows("Connected", "Active", "External client app")
	}
	enter := func(form string) {
		t.Helper()
		x.fill("#login-host", setup["host"])
		x.fill("#consumer-key", setup["key"])
		x.fill("#consumer-secret", setup["secret"])
		x.press(`form[action="` + form + `"] button`)
	}
	signIn := func(tenant string) {
		t.Helper()
		x.visit(admin + "/sign-in")
		x.fill("#tenant", tenant)
		x.press("main button")
		x.shows("Tenant " + tenant)
	}
	signIn("acme")
	enter("/salesforce/connect")
	logIn()

	x.visit(org)
	x.press(`button[value="Revoke the external client app's tokens"]`)
	x.visit(admin + "/salesforce/check")
	x.shows("The app cannot be checked", "Broken")
	x.press(`form[action="/salesforce/reconnect"] button`)
	logIn()

	signIn("acme-since-2021")
	x.shows("Connected app")
	x.press(`a[href="/salesforce/migrate"]`)
	enter("/salesforce/migrate")
	logIn() // the other tenant has this org, user and app: both are connected

	signIn("acme")
	x.press(`a[href="/salesforce/disconnect"]`)
	x.press(`form[action="/salesforce/disconnect"] button`)
	x.shows("Disconnected")
	signIn("acme-since-2021")
	x.shows("Connected")
	x.keepsNoCode()
	x.calm()
}
