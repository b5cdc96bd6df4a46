package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// refused has the next request of the token endpoint answered with a refusal.
func (d *desk) refused(body string) {
	d.t.Helper()
	if err := d.org.Inject(orgtest.Fault{
		Path: "/services/oauth2/token", Status: 400, Body: body, Header: http.Header{"Content-Type": {"application/json"}}, Times: 1,
	}); err != nil {
		d.t.Fatal(err)
	}
}

func TestWhatSalesforceRefusesIsToldWithItsFieldAndItsRemedy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		says   string
		status int
		code   string
		field  string
		remedy string
		who    string
	}{
		{`{"error":"invalid_client","error_description":"invalid client credentials"}`, 409, "client-rejected", "consumerSecret", "correct-entry", "admin"},
		{`{"error":"invalid_client_id","error_description":"client identifier invalid"}`, 409, "app-missing", "consumerKey", "create-app-again", "admin"},
		{`{"error":"invalid_grant","error_description":"ip restricted"}`, 409, "network-address", "", "allow-addresses", "admin"},
		{`{"error":"invalid_app_access","error_description":"user is not admin approved to access this app"}`, 409, "app-not-assigned", "", "assign-app", "admin"},
		{`{"error":"OAUTH_APP_BLOCKED","error_description":"this app is blocked by admin"}`, 409, "app-blocked", "", "unblock-app", "admin"},
		{`{"error":"login_rate_exceeded"}`, 503, "limit", "", "connect-again", "admin"},
		{`{"error":"what_is_this","error_description":"a word of tomorrow"}`, 503, "unknown-answer", "", "connect-again", "admin"},
	} {
		t.Run(c.code, func(t *testing.T) {
			d := newDesk(t)
			callback := d.approved(d.ask("POST", "/connections/main/login", d.entries("Fullcast")))
			d.refused(c.says)
			got := d.ask("POST", "/complete", callback).is(c.status, c.code)
			if got.at("error.fields.0.field") != c.field || got.at("error.remedy.id") != c.remedy || got.at("error.remedy.who") != c.who ||
				got.at("error.remedy.text") == "" || got.at("error.remedy.clicks") == "" || got.at("error.message") == "" {
				t.Errorf("%s", got.text)
			}
			if c.code == "network-address" && (!strings.Contains(got.text, "203.0.113.0/28") || !strings.HasSuffix(got.at("error.remedy.clicks"), "Then connect again in Fullcast.")) {
				t.Errorf("the addresses, or what comes after, are not named: %s", got.text)
			}
		})
	}
}

func TestALoginOfAnotherOrgNamesItAndCanBeAccepted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.connect("main")
	if err := d.org.RefreshSandbox(); err == nil {
		t.Fatal("it is a production org")
	}
	other := fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.Config(func(c *orgtest.Config) { c.MyDomain = "globex" }))
	home := d.org
	key, secret, err := other.Credentials("Fullcast")
	if err != nil {
		t.Fatal(err)
	}
	both := opened(t, d.org.Config(), func(c *fullcast.Config) {
		c.Transport = byHost{"globex.my.salesforce.com": other.RoundTripper(), "": home.RoundTripper()}
	})
	d.sf = both
	api, err := both.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) { return d.user, nil }})
	if err != nil {
		t.Fatal(err)
	}
	d.api = http.StripPrefix("/api/salesforce", api)
	d.connect("main")
	in := form{"loginHost": other.InstanceURL(), "consumerKey": key, "consumerSecret": secret}
	d.org = other
	got := d.ask("POST", "/complete", d.approved(d.ask("POST", "/connections/main/login", in))).is(409, "org-changed")
	if got.at("error.answered.orgId") != other.ID() || got.at("error.answered.userId") == "" || got.at("error.remedy.id") != "sign-in-to-org" {
		t.Errorf("%s", got.text)
	}
	in["expectOrg"] = got.at("error.answered.orgId") // a person has confirmed it
	if done := d.ask("POST", "/complete", d.approved(d.ask("POST", "/connections/main/login", in))).is(200, ""); done.at("connection.org.id") != other.ID() {
		t.Errorf("%s", done.text)
	}
}

// A page that is opened again, or in another browser, must not ask for a login that nobody needs.
func TestAStrayCallbackAsksForALoginOnlyWhereAConnectionNeedsOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	stray := form{"path": "/app/admin/motion", "query": "?code=aPrx&state=of-another-day"}
	if got := d.ask("POST", "/complete", stray).is(409, "callback"); got.at("error.remedy.id") != "connect-again" {
		t.Errorf("without a connection: %s", got.text)
	}
	d.connect("main")
	if got := d.ask("POST", "/complete", stray).is(409, "callback"); got.at("error.remedy.id") != "" || !strings.Contains(got.text, "Nothing was changed") {
		t.Errorf("with one that works: %s", got.text)
	}
	d.org.ExpireSessions()
	d.refused(`{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	d.ask("POST", "/connections/main/check", nil).is(409, "grant-dead")
	if got := d.ask("POST", "/complete", stray).is(409, "callback"); got.at("error.remedy.id") != "connect-again" {
		t.Errorf("with a broken one: %s", got.text)
	}
	denied := d.ask("POST", "/complete", form{"path": stray["path"], "query": "error=access_denied&error_description=end-user+denied+authorization&state=x"})
	if denied.is(409, "").at("error.remedy.id") != "connect-again" {
		t.Errorf("denied: %s", denied.text)
	}
}

func TestTheServiceIsToldWhatTheAnswerDoesNotShow(t *testing.T) {
	t.Parallel()
	var told []string
	d := newDesk(t, func(c *fullcast.AdminConfig) {
		c.Failed = func(r *http.Request, err error) { told = append(told, r.Method+" "+err.Error()) }
	})
	d.ask("GET", "/connections/main", nil).is(404, "")
	d.user.Binding = oauthflow.NewSecret("too short")
	got := d.ask("POST", "/connections/main/login", d.entries("Fullcast")).is(500, "")
	if len(told) != 2 || !strings.Contains(told[0], "load acme/main: ") || !strings.Contains(told[1], "binding: must be 16 to 512 bytes") || strings.Contains(got.text, "binding") {
		t.Errorf("%q; %s", told, got.text)
	}
	d.user.Binding = oauthflow.Secret{}
	d.connect("main")
	d.ask("POST", "/connections/main/migration/finish", nil).is(404, "no-migration")
	d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": "mistyped"}).is(409, "")
	d.ask("POST", "/complete", form{"path": "/app/admin/motion", "query": "code=x&state=y"}).is(409, "")
	if len(told) != 4 {
		t.Errorf("%q", told)
	}
}

func TestACheckDoesWithoutNamesThatTheUserMayNotRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.connect("main")
	if err := d.org.Inject(orgtest.Fault{
		Path: "/services/data/v66.0/query", Status: 403, Times: 1, Body: `[{"errorCode":"INSUFFICIENT_ACCESS","message":"no"}]`,
		Header: http.Header{"Content-Type": {"application/json"}},
	}); err != nil {
		t.Fatal(err)
	}
	if got := d.ask("POST", "/connections/main/check", nil).is(200, ""); got.at("org.name") != "" || got.at("passed.0") == "" {
		t.Errorf("%s", got.text)
	}
}

// byHost sends requests to the org of their host.
type byHost map[string]http.RoundTripper

func (b byHost) RoundTrip(r *http.Request) (*http.Response, error) {
	if rt, ok := b[r.URL.Host]; ok {
		return rt.RoundTrip(r)
	}
	return b[""].RoundTrip(r)
}

func TestABrokenConnectionSaysWhyAndWhoActs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.connect("main")
	d.org.ExpireSessions()
	d.refused(`{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	d.ask("POST", "/connections/main/check", nil).is(409, "grant-dead")
	one := d.ask("GET", "/connections/main", nil).is(200, "")
	if one.at("status") != "broken" || one.at("usable") != "false" || one.at("needsAdmin") != "true" ||
		one.at("problem.code") != "grant-dead" || one.at("problem.remedy.id") != "connect-again" {
		t.Errorf("%s", one.text)
	}
	if got := d.ask("POST", "/connections/main/diagnosis", nil).is(200, ""); got.at("cause.code") != "stored-connection" {
		t.Errorf("%s", got.text)
	}
}

func TestWhatAnOutageStopsIsToldAsForLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.connect("main")
	d.org.ExpireSessions()
	if err := d.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Status: 429, Header: http.Header{"Retry-After": {"90"}}, Times: -1}); err != nil {
		t.Fatal(err)
	}
	got := d.ask("POST", "/connections/main/check", nil).is(503, "busy")
	if got.at("error.remedy.who") != "nobody" || got.at("error.retryAfter") == "" {
		t.Errorf("%s", got.text)
	}
	if err := d.org.Inject(orgtest.Fault{Path: "/services/oauth2/revoke", Status: 503, Times: -1}); err != nil {
		t.Fatal(err)
	}
	d.ask("DELETE", "/connections/main", nil).is(503, "")
	if one := d.ask("GET", "/connections/main", nil).is(200, ""); one.at("status") != "disconnecting" || one.at("usable") != "false" {
		t.Errorf("%s", one.text)
	}
}

func TestARecordThatCannotBeOpenedDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	store := tokenstore.NewMemory()
	at := func(change ...func(*fullcast.Config)) {
		d.sf = opened(t, d.org.Config(), append(change, func(c *fullcast.Config) { c.Store = store })...)
		api, err := d.sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) { return d.user, nil }})
		if err != nil {
			t.Fatal(err)
		}
		d.api = http.StripPrefix("/api/salesforce", api)
	}
	at()
	d.connect("old")
	at() // with another sealing key
	d.connect("new")
	list := d.ask("GET", "/connections", nil).is(200, "")
	if list.at("connections.0.name") != "new" || list.at("connections.1.name") != "" || list.at("unreadable.0.problem.code") != "foreign-record" ||
		list.at("unreadable.0.problem.remedy.who") != "operator" || list.at("unreadable.0.problem.remedy.clicks") != "" {
		t.Errorf("%s", list.text)
	}
	got := d.ask("GET", "/connections/old", nil).is(503, "foreign-record")
	if strings.Contains(got.text, "sealing") || strings.Contains(got.text, "environment") {
		t.Errorf("a customer is told of the service's insides: %s", got.text)
	}
}

// Not every tenant's connections are in one answer.
func TestAListHasABound(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.former("a")
	d.former("b")
	for most, want := range map[int]string{1: "1 true", 2: "2 false", 3: "2 false"} {
		if names, more := fullcast.AdminListed(t.Context(), d.sf, "acme", most); fmt.Sprint(names, more) != want {
			t.Errorf("of at most %d: %d, more: %t", most, names, more)
		}
	}
}

// A login host that was accepted is not refused later, where only another entry is new.
func TestTheHostOfAConnectionNeedNotBeAcceptedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		config := d.org.Config()
		config.Transport = byHost{"": nobody{}}
		d.sf = opened(t, config)
		api, err := d.sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) { return d.user, nil }})
		if err != nil {
			t.Fatal(err)
		}
		d.api = http.StripPrefix("/api/salesforce", api)
		client := d.org.Client()
		if client.Host, err = oauthflow.ParseHost("acme.my.salesforce.mil", oauthflow.GovernmentCloud); err != nil {
			t.Fatal(err)
		}
		k := oauthflow.Key{Tenant: "acme", Name: "main"}
		if _, err := d.sf.Adopt(context.Background(), k, client, oauthflow.NewSecret("5Aep861-of-tests")); err == nil {
			t.Fatal("the network is down")
		}
		if got := d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": "x"}); got.status == 422 {
			t.Errorf("%s", got.text)
		}
		d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": "x", "loginHost": "globex.my.salesforce.mil"}).is(422, "fields")
	})
}

// nobody is a network that is down.
type nobody struct{}

func (nobody) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the network is down")
}

func TestOfAProcessThatEndsEverythingIsForLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.connect("main")
	entries := d.entries("Fullcast")
	if err := d.sf.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, c := range adminCalls {
		body := c.body
		if strings.HasSuffix(c.path, "/migration") && c.method == "POST" || c.method == "PUT" {
			body = entries
		}
		want := 503
		if c.path == "/guide" {
			want = 200
		}
		if got := d.ask(c.method, strings.ReplaceAll(c.path, "{name}", "main"), body); got.status != want {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.status, got.text)
		}
	}
}

func TestTheDocumentNamesEveryCodeAndRemedy(t *testing.T) {
	d := readAdminDocument(t)
	enum := func(schema, property string) (words []string) {
		of := d.Components.Schemas[schema].(map[string]any)["properties"].(map[string]any)[property].(map[string]any)
		for _, w := range of["enum"].([]any) {
			words = append(words, w.(string))
		}
		return words
	}
	codes := enum("Problem", "code")
	words := 0
	for _, file := range []string{"../oauthflow/errors.go", "../oauthflow/reason.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := v.Type.(*ast.Ident); ok && (typ.Name == "ErrorKind" || typ.Name == "Reason") {
				text, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				words++
				if code := strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(text)); !slices.Contains(codes, code) {
					t.Errorf("%s is not documented", code)
				}
			}
			return true
		})
	}
	if words < 40 {
		t.Errorf("only %d words were read", words)
	}
	ids := enum("Remedy", "id")
	for r := fullcast.Remedy(1); r.ID() != ""; r++ {
		if !slices.Contains(ids, r.ID()) {
			t.Errorf("the remedy %s is not documented", r.ID())
		}
		if int(r) == len(ids) && fullcast.Remedy(r+1).ID() != "" {
			t.Error("there are more remedies")
		}
	}
}

func TestTheConfigurationOfTheAdminAPINamesEveryFieldAtFault(t *testing.T) {
	d := newDesk(t)
	session := func(*http.Request) (fullcast.AdminUser, error) { return fullcast.AdminUser{}, nil }
	for _, c := range []struct {
		cfg    fullcast.AdminConfig
		fields []string
	}{
		{fullcast.AdminConfig{}, []string{"AdminConfig.Session"}},
		{fullcast.AdminConfig{
			Origins: []string{"https://admin.example.com", "https://admin.example.com/", "http://admin.example.com", "*", ""},
			Names:   []string{"main", "", "main", "migration of main", "a\nb"}, Regions: []oauthflow.Region{oauthflow.China, "Mars"}, LoginsPerHour: 1001,
		}, []string{"AdminConfig.Session", "AdminConfig.Origins[1]", "AdminConfig.Origins[2]", "AdminConfig.Origins[3]", "AdminConfig.Origins[4]",
			"AdminConfig.Names[1]", "AdminConfig.Names[2]", "AdminConfig.Names[3]", "AdminConfig.Names[4]", "AdminConfig.Regions[1]", "AdminConfig.LoginsPerHour"}},
		{fullcast.AdminConfig{Session: session, LoginsPerHour: -1}, []string{"AdminConfig.LoginsPerHour"}},
	} {
		h, err := d.sf.AdminAPI(c.cfg)
		var e *fullcast.Error
		if h != nil || !errors.As(err, &e) || e.Actor() != fullcast.ActorProgrammer || strings.Contains(err.Error(), "\n") {
			t.Fatalf("%v, %v", h, err)
		}
		for _, f := range c.fields {
			if strings.Count(err.Error(), f+":") != 1 {
				t.Errorf("%s is not named once in %v", f, err)
			}
		}
		if n := strings.Count(err.Error(), "AdminConfig."); n != len(c.fields) {
			t.Errorf("%d fields, want %d: %v", n, len(c.fields), err)
		}
	}
	if _, err := d.sf.AdminAPI(fullcast.AdminConfig{Session: session, Origins: []string{"http://localhost:4200"}, Names: []string{"main"}}); err != nil {
		t.Error(err)
	}
}

func TestOnAMachineWithoutTLSTheCookieHasNoPrefix(t *testing.T) {
	org := fullcasttest.NewOrg(t, "http://localhost:4200")
	sf := opened(t, org.Config())
	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) {
		return fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightConnect}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	d.org, d.sf, d.api = org, sf, http.StripPrefix("/api/salesforce", api)
	d.header = http.Header{"Origin": {"http://localhost:4200"}}
	got := d.ask("POST", "/connections/main/login", d.entries("Fullcast"))
	if cookie := got.header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "sfauth-login=") || strings.Contains(cookie, "Secure") {
		t.Errorf("cookie %s", cookie)
	}
}

func TestAnIdlePeriodAndAGenericHostAreTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	in := d.entries("Fullcast")
	in["loginHost"] = "login.salesforce.com"
	d.ask("POST", "/complete", d.approved(d.ask("POST", "/connections/main/login", in))).is(200, "")
	for _, click := range [][2]string{{"refreshTokenPolicyType", ""}, {"refreshTokenValidityPeriod", "7"}, {"refreshTokenPolicyType", "SpecificInactivity"}} {
		if err := d.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", click[0], click[1]); err != nil {
			t.Fatal(err)
		}
	}
	d.ask("POST", "/connections/main/check", nil).is(200, "")
	one := d.ask("GET", "/connections/main", nil).is(200, "")
	if one.at("idlePeriod") != "604800" || one.at("notices.0.code") != "idle-period" || one.at("notices.1.code") != "generic-login-host" ||
		one.at("kind") != string(metadata.KindExternalClientApp) || one.at("org.type") != "production" {
		t.Errorf("%s", one.text)
	}
}
