package fullcast_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestARequestOfAnotherSitesPageIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	asked := 0
	d := newDesk(t, func(c *fullcast.AdminConfig) {
		inner := c.Session
		c.Session = func(r *http.Request) (fullcast.AdminUser, error) { asked++; return inner(r) }
		c.Origins = []string{"https://admin.example.com"}
	})
	for _, c := range []struct {
		name, site, origin string
		allowed            bool
		host               string
	}{
		{"the Site's own page", "same-origin", "https://app.fullcast.io", true, ""},
		{"an address that was typed", "none", "", true, ""},
		{"no browser", "", "", true, ""},
		{"an older browser", "", "https://app.fullcast.io", true, ""},
		{"a page of Origins", "cross-site", "https://admin.example.com", true, ""},
		{"a page of Origins in an older browser", "", "https://admin.example.com", true, ""},
		{"another site", "cross-site", "https://evil.example", false, ""},
		{"another host of the domain", "same-site", "https://evil.fullcast.io", false, ""},
		{"another site in an older browser", "", "https://evil.example", false, ""},
		{"a page without an origin", "cross-site", "null", false, ""},
		{"the same in an older browser", "", "null", false, ""},
		{"an image or a link of another site", "cross-site", "", false, ""},
		{"the Site with another scheme", "cross-site", "http://app.fullcast.io", false, ""},
		{"a port of Origins", "cross-site", "https://admin.example.com:8443", false, ""},
		{"an unknown word", "same-origin, cross-site", "https://evil.example", false, ""},
		{"the Site's own page, before a proxy that names another host", "", "https://app.fullcast.io", true, "10.0.0.1:8080"},
		{"the Site's own page, from another host of the domain", "same-site", "https://app.fullcast.io", true, "api.fullcast.io"},
		{"another site, before a proxy that names another host", "", "https://evil.example", false, "10.0.0.1:8080"},
	} {
		for _, call := range adminCalls {
			d.header = http.Header{"Sec-Fetch-Site": {c.site}, "Origin": {c.origin}, "Host": {c.host}}
			before := asked
			got := d.ask(call.method, strings.ReplaceAll(call.path, "{name}", "none"), call.body)
			if refused := got.at("error.code") == "cross-origin"; refused == c.allowed || refused && (got.status != 403 || asked != before) {
				t.Errorf("%s, %s %s: %d after asking %d times: %s", c.name, call.method, call.path, got.status, asked-before, got.text)
			}
		}
	}
}

func TestABodyIsOneSmallJSONObjectOfTheFieldsThatAreKnown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.connect("main")
	for _, c := range []struct {
		name, media, body string
		status            int
		code              string
	}{
		{"a form", "application/x-www-form-urlencoded", "consumerKey=x", 415, "media-type"},
		{"text, which a page of another site may send", "text/plain", `{"path":"x"}`, 415, "media-type"},
		{"no type", "", `{}`, 415, "media-type"},
		{"something like JSON", "application/json5", `{}`, 415, "media-type"},
		{"JSON in another character set", "application/json; charset=latin1", `{}`, 415, "media-type"},
		{"two types", "application/json, text/plain", `{}`, 415, "media-type"},
		{"too long", "application/json", `{"path":"` + strings.Repeat("x", 17<<10) + `"}`, 413, "too-large"},
		{"cut off", "application/json", `{"path":`, 400, "malformed"},
		{"an array", "application/json", `[{}]`, 400, "malformed"},
		{"a string", "application/json", `"x"`, 400, "malformed"},
		{"null", "application/json", `null`, 400, "malformed"},
		{"two objects", "application/json", `{} {}`, 400, "malformed"},
		{"no UTF-8", "application/json", "{\"path\":\"\xff\"}", 400, "malformed"},
		{"an unknown field", "application/json; charset=UTF-8", `{"tenant":"globex"}`, 422, "fields"},
		{"a field in another case", "application/json", `{"ConsumerSecret":"x"}`, 422, "fields"},
		{"a word in the place of a field", "application/json", `{"5E11C0DE9A77B04D5E11C0DE9A77B04D":"x"}`, 422, "fields"},
	} {
		for _, call := range adminCalls {
			if call.method == "GET" || call.method == "DELETE" {
				continue
			}
			d.header = http.Header{"Content-Type": {c.media}}
			got := d.ask(call.method, strings.ReplaceAll(call.path, "{name}", "main"), c.body)
			if got.status != c.status || got.at("error.code") != c.code {
				t.Errorf("%s, %s %s: %d %s", c.name, call.method, call.path, got.status, got.text)
			}
			if strings.Contains(got.text, "globex") || strings.Contains(got.text, "5E11C0DE") {
				t.Errorf("%s: the answer repeats the body: %s", c.name, got.text)
			}
		}
	}
	d.header = http.Header{}
	for body, want := range map[string]string{
		`{"consumerSecret":"a","consumerSecret":"b"}`: "must not be sent twice", `{"consumerSecret":1}`: "must be a string",
		`{"consumerSecret":null}`: "must be a string", `{"consumerSecret":{"a":"b"}}`: "must be a string",
	} {
		got := d.ask("PUT", "/connections/main/credentials", body).is(422, "fields")
		if got.at("error.fields.0.field") != "consumerSecret" || !strings.Contains(got.text, want) {
			t.Errorf("%s: %s", body, got.text)
		}
	}
	var many strings.Builder
	for range 1000 {
		many.WriteString(`"a":"",`)
	}
	if got := d.ask("PUT", "/connections/main/credentials", "{"+many.String()+`"b":""}`).is(422, "fields"); strings.Count(got.text, `"field":`) != 20 {
		t.Errorf("an answer of %d fields", strings.Count(got.text, `"field":`))
	}
	if got := d.ask("PUT", "/connections/main/credentials", `{"aWordThatIsLongerThanAFieldsName":"","":""}`).is(422, "fields"); strings.Count(got.text, `"field":"unknown"`) != 2 {
		t.Errorf("names: %s", got.text)
	}
	if got := d.ask("POST", "/connections/main/check", " \n").is(200, ""); got.at("kind") == "" {
		t.Errorf("an empty body: %s", got.text)
	}
}

func TestEachEntryThatCannotBeUsedIsNamedAtOnceAndTheHostIsLookedUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *fullcast.AdminConfig) { c.Names = []string{"main", "export"} })
	d.former("main")
	good := d.entries("Fullcast")
	with := func(changes ...string) form {
		in := form{}
		for name, value := range good {
			in[name] = value
		}
		for i := 0; i < len(changes); i += 2 {
			in[changes[i]] = changes[i+1]
		}
		return in
	}
	for _, c := range []struct {
		in     form
		fields string
		says   string
	}{
		{with("loginHost", "https://acme.example.com"), "loginHost", "is not a Salesforce login host"},
		{with("loginHost", "acne.my.salesforce.com"), "loginHost", "acne.my.salesforce.com does not exist"},
		{with("consumerKey", "3MVG9 x"), "consumerKey", "copy it again"},
		{with("consumerKey", ""), "consumerKey", "is required"},
		{with("consumerSecret", " "), "consumerSecret", "is required"},
		{with("consumerSecret", strings.Repeat("5", 600)), "consumerSecret", "copy it again"},
		{with("consumerSecret", "ключ"), "consumerSecret", "copy it again"},
		{with("loginHost", " ", "consumerKey", "", "consumerSecret", "", "page", "https://evil.example"), "page", "must be one of /app/motion/segments"},
		{with("loginHost", "acme", "consumerKey", "a b", "consumerSecret", "\t", "page", "/"), "page loginHost consumerKey consumerSecret", ""},
		{with("prompt", "none"), "prompt", "login, consent and select_account"},
		{with("expectOrg", "acme"), "expectOrg", ""},
		{with("expectUser", "bob"), "expectUser", ""},
		{with("loginHint", strings.Repeat("x", 300)), "loginHint", "at most 255"},
		{with("loginHost", "acme.my.salesforce.mil"), "loginHost", "Government Cloud"},
	} {
		for _, path := range []string{"/connections/main/login", "/connections/export/login", "/connections/main/migration"} {
			got := d.ask("POST", path, c.in).is(422, "fields")
			var names []string
			for i := range 5 {
				if n := got.at("error.fields." + string(rune('0'+i)) + ".field"); n != "" {
					names = append(names, n)
				}
			}
			if strings.Join(names, " ") != c.fields || !strings.Contains(got.text, c.says) {
				t.Errorf("%s %v: %s, want %s: %s", path, c.fields, names, c.says, got.text)
			}
			if len(c.in["consumerSecret"]) > 3 && strings.Contains(got.text, c.in["consumerSecret"]) {
				t.Errorf("%v: the answer shows the secret", c.fields)
			}
		}
	}
	if got := d.ask("POST", "/connections/export/login", form{"loginHost": " "}).is(422, "fields"); got.at("error.fields.2.field") != "consumerSecret" {
		t.Errorf("a new connection, and nothing is entered: %s", got.text)
	}
	for _, name := range []string{"other", "migration%20of%20main", "a%00b", strings.Repeat("x", 101)} {
		if got := d.ask("POST", "/connections/"+name+"/login", good).is(422, "fields"); got.at("error.fields.0.field") != "name" {
			t.Errorf("%s: %s", name, got.text)
		}
		d.ask("GET", "/connections/"+name, nil).is(404, "not-connected")
	}
	d.former("other") // made by the service itself
	d.ask("POST", "/connections/other/login", good).is(200, "")
	for query, field := range map[string]string{"kind=App": "kind", "host=acme.example.com": "host", "host=%20": "host"} {
		if got := d.ask("GET", "/guide?"+query, nil).is(422, "fields"); got.at("error.fields.0.field") != field {
			t.Errorf("%s: %s", query, got.text)
		}
	}
}

func TestTheGuideNamesTheOrgAndLeadsIntoItsSetup(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for host, want := range map[string]string{
		"acme.my.salesforce.com": "production", "https://acme.lightning.force.com/lightning/page/home": "production",
		"acme--uat.sandbox.my.salesforce.com": "sandbox", "acme--uat.my.salesforce.com": "sandbox", "test.salesforce.com": "sandbox",
		"acme-dev-ed.develop.my.salesforce.com": "developer", "acme-dev-ed.my.salesforce.com": "developer",
		"x-dev-ed.scratch.my.salesforce.com": "scratch", "x-dev-ed.trailblaze.my.salesforce.com": "other",
		"login.salesforce.com": "unknown", "acme.new.my.salesforce.com": "unknown",
	} {
		got := d.ask("GET", "/guide?kind=ConnectedApp&host="+url.QueryEscape(host), nil).is(200, "")
		if got.at("host.type") != want || got.at("title") != "Create a connected app" {
			t.Errorf("%s: %s", host, got.at("host.type"))
		}
		generic := host == "login.salesforce.com" || host == "test.salesforce.com"
		if link := got.at("host.links.externalClientApps"); generic != (link == "") || !generic && !strings.HasPrefix(link, "https://"+got.at("host.loginHost")+"/lightning/setup/") {
			t.Errorf("%s leads to %q", host, link)
		}
		if generic != (got.at("host.advice") != "") {
			t.Errorf("%s: advice %q", host, got.at("host.advice"))
		}
	}
}

func TestALoginBelongsToTheBrowserThatBeganIt(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	begun := d.ask("POST", "/connections/main/login", d.entries("Fullcast"))
	cookie := begun.header.Get("Set-Cookie")
	for _, part := range []string{"__Host-sfauth-login=", "; Path=/", "; HttpOnly", "; Secure", "; SameSite=Lax", "; Max-Age="} {
		if !strings.Contains(cookie, part) {
			t.Errorf("the cookie lacks %q: %s", part, cookie)
		}
	}
	if strings.Contains(cookie, "Domain") || len(begun.header["Set-Cookie"]) != 1 {
		t.Errorf("cookies: %q", begun.header["Set-Cookie"])
	}
	callback := d.approved(begun)

	own := d.jar
	d.jar = newDesk(t).jar
	d.ask("POST", "/complete", callback).is(409, "callback")
	for _, value := range []string{"", "x", strings.Repeat("A", 26), strings.Repeat("a", 26)} {
		d.header = http.Header{"Cookie": {"__Host-sfauth-login=" + value}}
		d.ask("POST", "/complete", callback).is(409, "callback")
	}
	d.header = http.Header{}
	d.jar = own
	d.user.Tenant = "globex"
	d.ask("POST", "/complete", callback).is(409, "callback")
	d.user.Tenant = "acme"
	other := form{"path": "/app/motion/segments", "query": callback["query"]}
	d.ask("POST", "/complete", other).is(409, "callback")
	for field, in := range map[string]form{
		"path": {"path": "/app/other", "query": callback["query"]}, "query": {"path": callback["path"], "query": "?tab=1"},
	} {
		if got := d.ask("POST", "/complete", in).is(422, "fields"); got.at("error.fields.0.field") != field {
			t.Errorf("%s: %s", field, got.text)
		}
	}
	d.header = http.Header{"Sec-Purpose": {"prefetch;prerender"}}
	d.ask("POST", "/complete", callback).is(204, "")
	d.header = http.Header{}

	second := d.ask("POST", "/connections/export/login", d.entries("Fullcast")) // in another tab
	d.ask("POST", "/complete", callback).is(200, "")
	d.ask("POST", "/complete", d.approved(second)).is(200, "")
}

func TestCallbackPagesElsewhereBringTheirOwnBinding(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.user.Binding = oauthflow.NewSecret("of the session that both hosts share")
	begun := d.ask("POST", "/connections/main/login", d.entries("Fullcast"))
	if begun.header["Set-Cookie"] != nil {
		t.Errorf("cookies: %q", begun.header["Set-Cookie"])
	}
	callback := d.approved(begun)
	query, err := url.ParseQuery(strings.TrimPrefix(callback["query"], "?"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.sf.Complete(t.Context(), oauthflow.Callback{ // on the other host
		Tenant: "acme", Path: callback["path"], Binding: "of the session that both hosts share", Query: query,
	}); err != nil {
		t.Error(err)
	}
	d.ask("POST", "/complete", callback).is(200, "")
	d.user.Binding = oauthflow.NewSecret("too short")
	d.ask("POST", "/connections/main/login", d.entries("Fullcast")).is(500, "invalid")
}

func TestTheMiddlewareOfTheSameHostTakesTheCookie(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var ended error
	middleware, err := d.sf.CallbackMiddleware(fullcast.CallbackConfig{
		Session: func(r *http.Request) (string, string, error) { return "acme", d.sf.AdminBinding(r), nil },
		Done:    func(_ http.ResponseWriter, _ *http.Request, _ *fullcast.Connection, err error) { ended = err },
	})
	if err != nil {
		t.Fatal(err)
	}
	callback := d.approved(d.ask("POST", "/connections/main/login", d.entries("Fullcast")))
	r := httptest.NewRequest("GET", "https://app.fullcast.io"+callback["path"]+callback["query"], nil)
	for _, c := range d.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	middleware(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != 303 || ended != nil {
		t.Fatalf("%d %v", w.Code, ended)
	}
	d.ask("GET", "/connections/main", nil).is(200, "")
}

func TestATenantBeginsSoManyLoginsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(c *fullcast.AdminConfig) { c.LoginsPerHour = 4 })
		for range 2 {
			d.connect("main")
		}
		d.ask("PUT", "/connections/main/credentials", d.entries("Fullcast")).is(200, "")
		d.ask("POST", "/connections/main/migration", d.entries("Fullcast")).is(200, "")
		for range 3 { // what is refused counts no further
			got := d.ask("POST", "/connections/main/login", form{}).is(429, "too-many-logins")
			if got.header.Get("Retry-After") != "900" {
				t.Errorf("wait %s s", got.header.Get("Retry-After"))
			}
			d.ask("PUT", "/connections/main/credentials", d.entries("Fullcast")).is(429, "too-many-logins")
			d.ask("POST", "/connections/main/migration", d.entries("Fullcast")).is(429, "too-many-logins")
		}
		d.ask("GET", "/connections/main", nil).is(200, "")
		d.ask("POST", "/connections/main/check", nil).is(200, "")
		d.user.Tenant = "globex"
		d.connect("main")
		d.user.Tenant = "acme"
		time.Sleep(15 * time.Minute)
		d.connect("main")
		d.ask("POST", "/connections/main/login", form{}).is(429, "")
		time.Sleep(time.Hour)
		for range 4 {
			d.ask("POST", "/connections/main/login", form{}).is(200, "")
		}
		d.ask("POST", "/connections/main/login", form{}).is(429, "")
	})
}
