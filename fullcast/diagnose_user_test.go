package fullcast_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// objects answers the queries of objects by their names, in the words of the REST API, and hands all else on.
type objects struct {
	next    http.RoundTripper
	records map[string]string // object: the records as JSON, or an error's body
}

func (o objects) RoundTrip(req *http.Request) (*http.Response, error) {
	_, from, _ := strings.Cut(req.URL.Query().Get("q"), " FROM ")
	object, _, _ := strings.Cut(from, " ")
	body, ok := o.records[object]
	if !ok {
		return o.next.RoundTrip(req)
	}
	status := http.StatusOK
	if strings.Contains(body, "errorCode") {
		status = http.StatusBadRequest
	} else {
		body = `{"totalSize":1,"done":true,"records":` + body + `}`
	}
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func TestADiagnosisLooksAtWhatTheUserMayDoAndCallsUnseenWhatItDoesNotSee(t *testing.T) {
	const ok, problem, notVisible = fullcast.OutcomeOK, fullcast.OutcomeProblem, fullcast.OutcomeNotVisible
	const none = `[{"errorCode":"INVALID_TYPE","message":"sObject type is not supported."}]`
	const member = `[{"PermissionsApiEnabled":true,"PermissionsViewAllData":false,"PermissionsModifyAllData":false}]`
	assigned := func(labels ...string) string {
		for i, l := range labels {
			labels[i] = `{"PermissionSet":{"Label":"` + l + `"}}`
		}
		return "[" + strings.Join(labels, ",") + "]"
	}
	const byGroup = `[{"PermissionSet":{"Label":"Fullcast Import"}},{"PermissionSetGroupId":"0PG000000000001AAA","PermissionSet":{"Label":"All of it"}}]`
	pkg := func(name, version string) string {
		major, minor, _ := strings.Cut(version, ".")
		return `[{"SubscriberPackage":{"Name":"Other"},"SubscriberPackageVersion":{"MajorVersion":9,"MinorVersion":9}},` +
			`{"SubscriberPackage":{"Name":"` + name + `"},"SubscriberPackageVersion":{"MajorVersion":` + major + `,"MinorVersion":` + minor + `}}]`
	}
	for _, c := range []struct {
		name    string
		records map[string]string
		config  func(*fullcast.Config)
		subject string
		outcome fullcast.Outcome
		text    string
		remedy  fullcast.Remedy
	}{
		{"an API user", map[string]string{"UserPermissionAccess": member, "User": `[{"Profile":{"Name":"Fullcast API"}}]`}, nil, "User", ok, `The profile is "Fullcast API".`, 0},
		{"a profile that is hidden", map[string]string{"UserPermissionAccess": member, "User": `[{"Profile":null}]`}, nil, "User", ok, "name of the profile is not visible", 0},
		{"no API", map[string]string{"UserPermissionAccess": strings.Replace(member, "true", "false", 1)}, nil, "User", problem, "API Enabled", fullcast.AdminEnablesAPI},
		{"an org without the object", map[string]string{"UserPermissionAccess": none}, nil, "User", notVisible, "not shown", 0},
		{"no record", map[string]string{"UserPermissionAccess": "[]"}, nil, "User", notVisible, "not shown", 0},

		{"all sets, of a namespace, in other case", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": assigned("FULLCAST import", "Fullcast Export", "Fullcast Motion", "X")}, nil,
			"Permission sets", ok, "Fullcast Import, Fullcast Export, Fullcast Motion", 0},
		{"one set too few", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": assigned("Fullcast Import", "Fullcast Motion")}, nil,
			"Permission sets", problem, "lacks Fullcast Export.", fullcast.AdminGivesPermission},
		{"a System Administrator without sets", map[string]string{"UserPermissionAccess": strings.ReplaceAll(member, "false", "true"), "PermissionSetAssignment": assigned("X")}, nil,
			"Permission sets", ok, "needs none", 0},
		{"sets by a group", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": byGroup, "PermissionSetGroupComponent": assigned("Fullcast Export", "fullcast motion")}, nil,
			"Permission sets", ok, "Fullcast Import, Fullcast Export, Fullcast Motion", 0},
		{"a group without one of the sets", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": byGroup, "PermissionSetGroupComponent": assigned("Fullcast Motion")}, nil,
			"Permission sets", problem, "lacks Fullcast Export.", fullcast.AdminGivesPermission},
		{"a group whose sets are not shown", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": byGroup, "PermissionSetGroupComponent": none}, nil,
			"Permission sets", notVisible, "group", 0},
		{"a System Administrator whose permissions are not shown", map[string]string{"UserPermissionAccess": none, "User": `[{"Profile":{"Name":"System Administrator"}}]`, "PermissionSetAssignment": assigned("X")}, nil,
			"Permission sets", ok, "needs none", 0},
		{"a user whose permissions are not shown", map[string]string{"UserPermissionAccess": none, "User": `[{"Profile":null}]`, "PermissionSetAssignment": assigned("X")}, nil,
			"Permission sets", notVisible, "lacks Fullcast Import", 0},
		{"sets that are not shown", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": none}, nil, "Permission sets", notVisible, "not shown", 0},
		{"no rows", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": "[]"}, nil, "Permission sets", notVisible, "not shown", 0},
		{"sets of the service's own", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": assigned("Planning")},
			func(c *fullcast.Config) { c.PermissionSets = []string{" Planning"} }, "Permission sets", ok, "Planning", 0},
		{"no sets asked for", map[string]string{"UserPermissionAccess": member, "PermissionSetAssignment": none},
			func(c *fullcast.Config) { c.PermissionSets = []string{} }, "Permission sets", ok, "asks for none", 0},

		{"the package", map[string]string{"InstalledSubscriberPackage": pkg("Fullcast Motion", "2.177")}, nil, "Package", ok, "2.177 is installed", 0},
		{"a newer package", map[string]string{"InstalledSubscriberPackage": pkg("fullcast motion", "3.0")}, nil, "Package", ok, "3.0 is installed", 0},
		{"an older package", map[string]string{"InstalledSubscriberPackage": pkg("Fullcast Motion", "2.99")}, nil, "Package", problem, "needs 2.177", fullcast.AdminUpdatesPackage},
		{"an older and a newer package of one name", map[string]string{"InstalledSubscriberPackage": strings.Replace(pkg("Fullcast Motion", "2.180"), `"Name":"Other"`, `"Name":"Fullcast Motion "`, 1)},
			func(c *fullcast.Config) {
				c.Packages = []fullcast.InstalledPackage{{Name: " Fullcast Motion", Major: 2, Minor: 177}}
			}, "Package", ok, "is installed", 0},
		{"a newer package behind an older one", map[string]string{"InstalledSubscriberPackage": strings.Replace(strings.Replace(pkg("Fullcast Motion", "2.180"), `"Name":"Other"`, `"Name":"Fullcast Motion"`, 1),
			`"MajorVersion":9`, `"MajorVersion":1`, 1)}, nil, "Package", ok, "2.180 is installed", 0},
		{"other packages", map[string]string{"InstalledSubscriberPackage": pkg("Another", "2.177")}, nil, "Package", notVisible, "not among", 0},
		{"packages that are not shown", map[string]string{"InstalledSubscriberPackage": none}, nil, "Package", notVisible, "not shown", 0},
		{"a package of the service's own", map[string]string{"InstalledSubscriberPackage": pkg("Planning", "1.5")},
			func(c *fullcast.Config) {
				c.Packages = []fullcast.InstalledPackage{{Name: "Planning", Major: 1, Minor: 4}}
			}, "Package", ok, "Planning 1.5", 0},
		{"no package asked for", map[string]string{"InstalledSubscriberPackage": none},
			func(c *fullcast.Config) { c.Packages = []fullcast.InstalledPackage{} }, "Package", ok, "asks for none", 0},

		{"two approvals", map[string]string{"OauthToken": `[{"AppName":"Fullcast"},{"AppName":"Fullcast"}]`}, nil, "Approvals", ok, "ends none", 0},
		{"five approvals", map[string]string{"OauthToken": "[" + strings.TrimSuffix(strings.Repeat(`{"AppName":"Fullcast"},`, 5), ",") + "]"}, nil, "Approvals", ok, "ends the oldest connection", 0},
		{"approvals that are not shown", map[string]string{"OauthToken": none}, nil, "Approvals", notVisible, "not shown", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			w.connect(t)
			sf := w.connector(t, w.store, func(cfg *fullcast.Config) {
				cfg.Transport = objects{w.rec, c.records}
				if c.config != nil {
					c.config(cfg)
				}
			})
			conn, err := sf.Open(t.Context(), main)
			if err != nil {
				t.Fatal(err)
			}
			d := conn.Diagnose(t.Context())
			i := slices.IndexFunc(d.Lines, func(l fullcast.DiagnosisLine) bool { return l.Subject == c.subject })
			if i < 0 {
				t.Fatalf("no line about %s:\n%s", c.subject, d)
			}
			if l := d.Lines[i]; l.Outcome != c.outcome || !strings.Contains(l.Text, c.text) || l.Remedy != c.remedy {
				t.Errorf("got %q %q %q, want %q with %q", l.Outcome, l.Text, l.Remedy.ID(), c.outcome, c.text)
			}
		})
	}
}

// A success may repeat what was sent, too.
func TestADiagnosisShowsNoAccessTokenThatTheOrgPutsIntoAName(t *testing.T) {
	for object, row := range map[string]string{
		"User":                       `[{"Profile":{"Name":"%s"}}]`,
		"OauthToken":                 `[{"AppName":"%[1]s"},{"AppName":"%[1]s"},{"AppName":"%[1]s"},{"AppName":"%[1]s"},{"AppName":"%[1]s"}]`,
		"PermissionSetAssignment":    `[{"PermissionSet":{"Label":"%s"}}]`,
		"InstalledSubscriberPackage": `[{"SubscriberPackage":{"Name":"%s"},"SubscriberPackageVersion":{"MajorVersion":1,"MinorVersion":1}}]`,
	} {
		w := bubbleWorld(t, config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		w.connect(t)
		answers := objects{w.rec, map[string]string{}}
		sf := w.connector(t, w.store, func(cfg *fullcast.Config) {
			cfg.Transport = answers
			cfg.PermissionSets = []string{"Planning"}
		})
		conn, err := sf.Open(t.Context(), main)
		if err != nil {
			t.Fatal(err)
		}
		token, err := conn.TokenSource().Token()
		if err != nil {
			t.Fatal(err)
		}
		answers.records[object] = fmt.Sprintf(row, token.AccessToken)
		if d := conn.Diagnose(t.Context()).String(); strings.Contains(d, token.AccessToken[20:60]) {
			t.Errorf("%s shows it:\n%s", object, d)
		}
		answers.records[object] = fmt.Sprintf(row, strings.Repeat("long ", 100_000))
		if d := conn.Diagnose(t.Context()).String(); len(d) > 10_000 {
			t.Errorf("%s makes a diagnosis of %d bytes", object, len(d))
		}
	}
}

func TestMissingScopesAreThoseOfTheInstructionsThatFullDoesNotCover(t *testing.T) {
	const old, external = metadata.KindConnectedApp, metadata.KindExternalClientApp
	for _, c := range []struct {
		kind   metadata.Kind
		scopes string
		want   []metadata.Scope
	}{
		{external, "", nil},
		{external, "refresh_token web openid id api full", nil},
		{external, "full refresh_token", nil},
		{external, "full offline_access", nil},
		{external, "full", []metadata.Scope{metadata.ScopeRefreshToken}},
		{external, "api refresh_token", []metadata.Scope{metadata.ScopeBasic, metadata.ScopeFull, metadata.ScopeWeb, metadata.ScopeOpenID}},
		{old, "id api web full refresh_token", nil},
		{old, "id api web refresh_token openid", []metadata.Scope{metadata.ScopeFull}},
	} {
		if got := fullcast.MissingScopes(oauthflow.Connection{Kind: c.kind, Scopes: strings.Fields(c.scopes)}); !slices.Equal(got, c.want) {
			t.Errorf("%s with %q lacks %q, want %q", c.kind, c.scopes, got, c.want)
		}
	}
}

// A refresh brings no scope that the login did not: it is the next login that helps, and no setting by itself.
func TestAConnectionThatLacksScopesIsToBeConnectedAgain(t *testing.T) {
	const email = "admin@acme.example"
	for _, c := range []struct {
		spec   metadata.AppSpec
		remedy fullcast.Remedy
	}{{fullcast.ExternalClientApp(fullcast.Production, email), fullcast.Reauthorize}, {fullcast.ConnectedApp(fullcast.Production, email), fullcast.Migrate}} {
		t.Run(string(c.spec.Kind), func(t *testing.T) {
			c.spec.Scopes = []metadata.Scope{metadata.ScopeAPI, metadata.ScopeRefreshToken, metadata.ScopeBasic}
			w := newWorld(t, config{Existing: existing(t, c.spec.New())})
			client, token := w.legacy(t, c.spec.APIName)
			client.Kind = c.spec.Kind
			conn, err := w.sf.Adopt(t.Context(), main, client, token)
			if err != nil {
				t.Fatal(err)
			}
			d := conn.Diagnose(t.Context())
			i := slices.IndexFunc(d.Lines, func(l fullcast.DiagnosisLine) bool { return l.Subject == "Scopes" })
			if i < 0 || d.Lines[i].Outcome != fullcast.OutcomeProblem || d.Lines[i].Remedy != c.remedy || !strings.Contains(d.Lines[i].Text, metadata.ScopeFull.Label()) {
				t.Errorf("the diagnosis is:\n%s", d)
			}
		})
	}
}

func TestADiagnosisSaysWhetherTheConnectionIsAtAnInstanceThatEnds(t *testing.T) {
	for at, noted := range map[string]bool{"https://na139.salesforce.com": true, "https://cs42.salesforce.com": true, "https://acme.my.salesforce.com": false} {
		w := bubbleWorld(t, config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		w.connect(t)
		sf := w.connector(t, w.store, func(cfg *fullcast.Config) { cfg.Transport = instance{w.rec, at} })
		conn, err := sf.Open(t.Context(), main)
		if err != nil {
			t.Fatal(err)
		}
		w.org.ExpireSessions()
		if _, err := query(t.Context(), conn); err != nil {
			t.Fatal(err)
		}
		d := conn.Diagnose(t.Context())
		if got := strings.Contains(d.String(), "is the address of an instance"); got != noted {
			t.Errorf("%s is noted: %v\n%s", at, got, d)
		}
	}
}

// instance has the token endpoint name another instance, and carries what is sent there to the org.
type instance struct {
	next http.RoundTripper
	at   string
}

func (i instance) RoundTrip(req *http.Request) (*http.Response, error) {
	asked := req
	if "https://"+req.URL.Host == i.at {
		asked = req.Clone(req.Context())
		asked.URL.Host, asked.Host = "acme.my.salesforce.com", "acme.my.salesforce.com"
	}
	resp, err := i.next.RoundTrip(asked)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	if req.URL.Path == "/services/oauth2/token" {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		body = []byte(strings.ReplaceAll(string(body), `"instance_url":"https://acme.my.salesforce.com"`, `"instance_url":"`+i.at+`"`))
		resp.Body, resp.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
	}
	return resp, nil
}

// The same over the queries themselves, of an org that has all of it.
func TestADiagnosisFindsWhatAnOrgHasInItsRecords(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	now, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	type rec = map[string]any
	set := func(label string) rec {
		return rec{"AssigneeId": now.UserID, "PermissionSetGroupId": nil, "PermissionSet": rec{"Label": label}}
	}
	err = errors.Join(
		w.org.SetRecords("UserPermissionAccess", rec{"PermissionsApiEnabled": true, "PermissionsViewAllData": false, "PermissionsModifyAllData": false}),
		w.org.SetRecords("PermissionSetAssignment", set("Fullcast Import"), set("Fullcast Export"), set("Fullcast Motion"),
			rec{"AssigneeId": "005000000000009AAA", "PermissionSetGroupId": nil, "PermissionSet": rec{"Label": "of another user"}}),
		w.org.SetRecords("OauthToken", rec{"AppName": "Fullcast", "UserId": now.UserID}, rec{"AppName": "Fullcast", "UserId": "005000000000009AAA"}),
		w.org.SetToolingRecords("InstalledSubscriberPackage", rec{
			"SubscriberPackage":        rec{"Name": "Fullcast Motion"},
			"SubscriberPackageVersion": rec{"MajorVersion": 2, "MinorVersion": 180},
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	d := conn.Diagnose(t.Context())
	for subject, text := range map[string]string{
		"User": `has "API Enabled"`, "Permission sets": "has Fullcast Import, Fullcast Export, Fullcast Motion", "Package": "2.180 is installed", "Approvals": "1 of 1 apps",
	} {
		i := slices.IndexFunc(d.Lines, func(l fullcast.DiagnosisLine) bool { return l.Subject == subject })
		if i < 0 || d.Lines[i].Outcome != fullcast.OutcomeOK || !strings.Contains(d.Lines[i].Text, text) {
			t.Errorf("%s is not ok with %q:\n%s", subject, text, d)
		}
	}
}
