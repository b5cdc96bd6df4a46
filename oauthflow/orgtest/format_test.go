package orgtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestTheTokenAnswerHasTheFormatThatIsAskedFor(t *testing.T) {
	const json, xml, form = "application/json", "application/xml", "application/x-www-form-urlencoded"
	w := withDemo(t, orgtest.Config{})
	_, refresh := w.connect()
	for _, c := range []struct{ name, accept, format, want string }{
		{"nothing", "", "", json},
		{"JSON", json, "", json},
		{"XML", xml, "", xml},
		{"a form", form, "", form},
		{"types in another case", "Application/XML; charset=utf-8", "", xml},
		{"anything", "*/*", "", json},
		{"anything before XML", "*/*, application/xml", "", json},
		{"any application before XML", "application/*, application/xml", "", json},
		{"any application", "application/*", "", json},
		{"a list is read from the left", "text/html, application/xml, application/json, */*", "", xml},
		{"what the org does not have", "text/html", "", json},
		{"the parameter", "", "xml", xml},
		{"the parameter wins over the header", xml, "urlencoded", form},
		{"the default, by name", xml, "json", json},
	} {
		for _, token := range []string{refresh, "unknown"} {
			r := w.refreshForm(token, "format", c.format)
			if c.accept != "" {
				r.Header.Set("Accept", c.accept)
			}
			a := w.send(r)
			if got, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); got != c.want || (a.status == http.StatusOK) != (token == refresh) {
				t.Errorf("%s: %d %s, want %s", c.name, a.status, got, c.want)
			}
			begin := map[string]string{json: "{", xml: "<?xml", form: ""}[c.want]
			word := map[string]string{json: `"access_token":"`, xml: "<access_token>", form: "access_token="}[c.want]
			if token == refresh && (!strings.HasPrefix(a.body, begin) || !strings.Contains(a.body, word)) {
				t.Errorf("%s: got %s", c.name, a.body)
			}
		}
	}
	a := w.refresh(refresh, "format", "yaml")
	wantError(t, a, "invalid_request", "not simulated: format=yaml")
}

func TestAnAuthorizeRequestMayBePosted(t *testing.T) {
	for _, interactive := range []bool{false, true} {
		w := withDemo(t, orgtest.Config{Interactive: interactive})
		link, err := url.Parse(w.authorizeURL())
		if err != nil {
			t.Fatal(err)
		}
		a := w.post(w.host+"/services/oauth2/authorize", link.Query())
		if interactive {
			if a.status != http.StatusOK || !strings.Contains(a.body, `name="un"`) || !strings.Contains(a.body, "client_id=") || strings.Contains(a.body, "ended") {
				t.Errorf("the login page: %d %s", a.status, a.body)
			}
			continue
		}
		landed, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != http.StatusFound {
			t.Fatalf("got %d %s", a.status, a.body)
		}
		if got := w.exchange(landed.Query().Get("code")); got.status != http.StatusOK || landed.Query().Get("state") != "s1" {
			t.Errorf("got %d %s", got.status, got.body)
		}
		bad := w.post(w.host+"/services/oauth2/authorize", with(link.Query(), []string{"scope", "nonsense"}))
		if !strings.Contains(bad.header.Get("Location"), "error=invalid_scope") {
			t.Errorf("a refusal goes to the callback: %d %v", bad.status, bad.header)
		}
		r := w.form(w.host+"/services/oauth2/authorize", link.Query())
		r.Header.Set("Content-Type", "application/json")
		if a := w.send(r); a.status != http.StatusBadRequest {
			t.Errorf("a body that is no form: %d", a.status)
		}
		r = w.form(w.host+"/services/oauth2/authorize", link.Query())
		r.Method = http.MethodPut
		if a := w.send(r); a.status != http.StatusMethodNotAllowed {
			t.Errorf("PUT: %d", a.status)
		}
	}
}
