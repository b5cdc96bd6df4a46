package fullcast_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const loginPage = `<!DOCTYPE html>
<html><head><title>Login | Salesforce</title></head><body>To access this page, you have to log in.</body></html>`

// asking are the ways in which a call asks for data that a program reads.
var asking = map[string]func(*testing.T, *resty.Request){
	"a result":            func(_ *testing.T, r *resty.Request) { r.SetResult(&map[string]any{}) },
	"a result, of a list": func(_ *testing.T, r *resty.Request) { r.SetResult([]string{}) },
	"a result of a forced type": func(_ *testing.T, r *resty.Request) {
		r.SetResult(&map[string]any{}).ForceContentType("application/json")
	},
	"JSON":                 func(_ *testing.T, r *resty.Request) { r.SetHeader("Accept", "application/json") },
	"JSON of a media type": func(_ *testing.T, r *resty.Request) { r.SetHeader("Accept", "application/vnd.acme+json; q=0.9") },
	"XML":                  func(_ *testing.T, r *resty.Request) { r.SetHeader("accept", "application/xml") },
	"CSV":                  func(_ *testing.T, r *resty.Request) { r.SetHeader("Accept", "text/csv") },
	"JSON, unparsed": func(_ *testing.T, r *resty.Request) {
		r.SetHeader("Accept", "application/json").SetDoNotParseResponse(true)
	},
	"JSON, into a file that is kept": func(t *testing.T, r *resty.Request) {
		file := filepath.Join(t.TempDir(), "out")
		if err := os.WriteFile(file, []byte("what was there"), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if kept, err := os.ReadFile(file); err != nil || string(kept) != "what was there" {
				t.Errorf("the file holds %q, %v", kept, err)
			}
		})
		r.SetHeader("Accept", "application/json").SetOutput(file)
	},
}

func TestAPageInPlaceOfDataIsATypedErrorOverResty(t *testing.T) {
	for name, ask := range asking {
		for _, page := range []struct{ name, contentType, body string }{
			{"a login page", "text/html;charset=UTF-8", loginPage},
			{"a maintenance page", "text/html", "<html><body>We are down for maintenance.</body></html>"},
			{"a page of HTML without its beginning", "text/html", "<div>We are down for maintenance.</div>"},
			{"a page of XHTML", "application/xhtml+xml", `<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"></html>`},
			{"a page that calls itself JSON", "application/json", loginPage},
			{"a page of no type", "", "\ufeff \n" + loginPage},
		} {
			t.Run(name+", "+page.name, func(t *testing.T) {
				w, conn := refusingWorld(t, 200, page.body, "Content-Type", page.contentType)
				r := conn.Resty().R().SetContext(t.Context()).SetQueryParam("q", "Secret00D7")
				ask(t, r)
				resp, err := r.Get(limits)
				wantError(t, err, oauthflow.KindBadAnswer, fullcast.Retry)
				if err == nil {
					return
				}
				if text := err.Error(); !strings.Contains(text, "GET "+limits) || !strings.Contains(text, "page") || strings.Contains(text, "Secret00D7") || strings.Contains(text, "<") {
					t.Errorf("the text is %q", text)
				}
				if resp == nil || resp.StatusCode() != 200 {
					t.Errorf("the response is %v", resp)
				}
				if n := w.rec.count(limits); n != 1 {
					t.Errorf("%d requests, want 1", n)
				}
			})
		}
	}
}

func TestWhatMayBeAPageIsNoErrorOverResty(t *testing.T) {
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		ask                     func(*resty.Request)
	}{
		{"a file that is a page", "text/html", loginPage, 200, func(*resty.Request) {}},
		{"a file that is a page, of any type", "text/html", loginPage, 200, func(r *resty.Request) { r.SetHeader("Accept", "*/*") }},
		{"a page that was asked for", "text/html", loginPage, 200, func(r *resty.Request) { r.SetHeader("Accept", "text/html, application/json;q=0.5") }},
		{"a file that is streamed", "text/html", loginPage, 200, func(r *resty.Request) { r.SetDoNotParseResponse(true) }},
		{"CSV", "text/csv", "Id,Name\n1,<html>", 200, func(r *resty.Request) { r.SetHeader("Accept", "text/csv") }},
		{"JSON with a page in it", "application/json", `{"page":"<!DOCTYPE html><html>"}`, 200, func(r *resty.Request) { r.SetResult(&map[string]any{}) }},
		{"XML", "application/xml", `<?xml version="1.0"?><jobInfo><id>750</id></jobInfo>`, 200, func(r *resty.Request) { r.SetHeader("Accept", "application/xml") }},
		{"nothing, as an update answers", "", "", 204, func(r *resty.Request) { r.SetResult(&map[string]any{}) }},
		{"nothing, with the type of a page", "text/html", "", 204, func(r *resty.Request) { r.SetResult(&map[string]any{}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, conn := refusingWorld(t, c.status, c.body, "Content-Type", c.contentType)
			r := conn.Resty().R().SetContext(t.Context())
			c.ask(r)
			resp, err := r.Get(limits)
			if err != nil {
				t.Fatal(err)
			}
			if body := string(resp.Body()); body != c.body && resp.RawResponse.Body == nil {
				t.Errorf("the body is %q", body)
			}
		})
	}
}

func TestACallersHookThatReplacesTheContextHidesNoPage(t *testing.T) {
	_, conn := refusingWorld(t, 200, loginPage, "Content-Type", "text/html")
	client := conn.Resty().OnBeforeRequest(func(_ *resty.Client, r *resty.Request) error {
		r.SetContext(context.WithoutCancel(t.Context()))
		return nil
	})
	_, err := client.R().SetResult(&map[string]any{}).Get(limits)
	wantError(t, err, oauthflow.KindBadAnswer, fullcast.Retry)
}

// Salesforce sends who has no session from an API to the login page of the same host.
func TestARedirectThatEndsInALoginPageIsATypedErrorOverResty(t *testing.T) {
	for _, to := range []string{"/?ec=302&startURL=%2Fservices%2Fdata", "/login?x=1", "/secur/login_portal.jsp", "/_ui/identity/verification/method/x"} {
		for name, ask := range map[string]func(*resty.Request){
			"nothing asked": func(*resty.Request) {}, "a result": func(r *resty.Request) { r.SetResult(&map[string]any{}) },
			"unparsed": func(r *resty.Request) { r.SetDoNotParseResponse(true) },
		} {
			t.Run(to+" "+name, func(t *testing.T) {
				w, conn := refusingWorld(t, 302, "", "Location", to)
				path, _, _ := strings.Cut(to, "?")
				if err := w.org.Inject(orgtest.Fault{Path: path, Times: -1, Status: 200, Body: loginPage, Header: http.Header{"Content-Type": {"text/html"}}}); err != nil {
					t.Fatal(err)
				}
				r := conn.Resty().R().SetContext(t.Context())
				ask(r)
				resp, err := r.Get(limits)
				wantError(t, err, oauthflow.KindBadAnswer, fullcast.Retry)
				if resp == nil || resp.StatusCode() != 200 || err != nil && !strings.Contains(err.Error(), "login page") {
					t.Errorf("got %v, %v", resp, err)
				}
			})
		}
	}
}
