package orgtest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAUserMayBeShutOut(t *testing.T) {
	admin := orgtest.User{Username: "admin@acme.example"}
	for _, c := range []struct {
		name              string
		change            func(*wire)
		code, description string
		api               int
	}{
		{"frozen", func(w *wire) { u := admin; u.Frozen = true; must(w.t, w.org.SetUser(u)) }, "invalid_grant", "inactive user", 401},
		{"deactivated", func(w *wire) { u := admin; u.Inactive = true; must(w.t, w.org.SetUser(u)) }, "invalid_grant", "inactive user", 401},
		{"not pre-authorized", func(w *wire) { w.set(oauthPolicies, "permittedUsersPolicyType", "AdminApprovedPreAuthorized") },
			"invalid_app_access", "user is not admin approved to access this app", 200},
		{"by API access control", func(w *wire) {
			must(w.t, w.org.SetAppField("ConnectedAppSettings", "ConnectedApp", "enableAdminApprovedAppsOnly", "true"))
		}, "invalid_app_access", "user is not admin approved to access this app", 200},
		{"by revoking all tokens", func(w *wire) { must(w.t, w.org.RevokeAll("Demo")) }, "invalid_grant", "expired access/refresh token", 401},
		{"by blocking the app", func(w *wire) { must(w.t, w.org.Block("Demo")) }, "invalid_app_access", "this app is blocked by admin", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{})
			access, refresh := w.connect()
			c.change(w)
			wantError(t, w.refresh(refresh), c.code, c.description)
			if got := w.api(access); got != c.api {
				t.Errorf("the API answers %d, want %d", got, c.api)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAPermissionSetPreAuthorizesAUser(t *testing.T) {
	w := withDemo(t, orgtest.Config{Users: []orgtest.User{
		{Username: "in@acme.example", PermissionSets: []string{"Fullcast"}}, {Username: "out@acme.example"},
	}})
	w.set(oauthPolicies, "permittedUsersPolicyType", "AdminApprovedPreAuthorized")
	w.set(oauthPolicies, "commaSeparatedPermissionSet", "Fullcast")
	if q := w.approve("login_hint", "out@acme.example"); q.Get("error") != "OAUTH_APP_ACCESS_DENIED" {
		t.Errorf("without the set: %v", q)
	}
	if q := w.approve("login_hint", "in@acme.example"); q.Get("code") == "" {
		t.Errorf("with the set: %v", q)
	}
}

func TestIPRestrictionsFollowThePolicy(t *testing.T) {
	office := netip.MustParseAddr("198.51.100.7")
	for _, c := range []struct {
		policy   string
		exchange string // error description, empty for success
		refresh  string
		always   bool // Setup: Enforce login IP ranges on every request
		api      int  // with a fresh token, from outside
	}{
		{"Enforce", "ip restricted", "ip restricted", false, 200},
		{"Enforce", "ip restricted", "ip restricted", true, 401},
		{"Enforce_relaxrefresh", "ip restricted", "", false, 200},
		{"Enforce_relaxrefresh", "ip restricted", "", true, 401},
		{"Bypass", "", "", false, 200},
		{"Bypass", "", "", true, 200},
	} {
		t.Run(fmt.Sprintf("%s, at every request %t", c.policy, c.always), func(t *testing.T) {
			w := withDemo(t, orgtest.Config{Users: []orgtest.User{{
				Username: "admin@acme.example", LoginRanges: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")},
			}}})
			w.set(oauthPolicies, "ipRelaxationPolicyType", c.policy)
			must(t, w.org.SetAppField("SecuritySettings", "Security", "sessionSettings/enforceIpRangesEveryRequest", strconv.FormatBool(c.always)))
			outside := w.http.Transport
			if got := w.exchange(w.approve().Get("code")).field("error_description"); got != c.exchange {
				t.Errorf("exchange from outside: %q", got)
			}
			w.http.Transport = w.org.RoundTripperFrom(office)
			access, refresh := w.connect()
			w.http.Transport = outside
			a := w.refresh(refresh)
			if got := a.field("error_description"); got != c.refresh {
				t.Errorf("refresh from outside: %q", got)
			}
			if fresh := a.field("access_token"); fresh != "" {
				access = fresh
			}
			if got := w.api(access); got != c.api {
				t.Errorf("API from outside: %d", got)
			}
		})
	}
}

func TestALockedSessionRefusesEvenAFreshToken(t *testing.T) {
	w := withDemo(t, orgtest.Config{LockSessions: true})
	access, refresh := w.connect()
	if got := w.api(access); got != http.StatusOK {
		t.Fatalf("from where it was opened: %d", got)
	}
	fresh := w.refresh(refresh).field("access_token")
	w.http.Transport = w.org.RoundTripperFrom(netip.MustParseAddr("198.51.100.7"))
	if got := w.api(fresh); got != http.StatusUnauthorized {
		t.Errorf("from elsewhere: %d", got)
	}
	must(t, w.org.SetAppField("SecuritySettings", "Security", "sessionSettings/lockSessionsToIp", "false"))
	if got := w.api(fresh); got != http.StatusOK {
		t.Errorf("from elsewhere, the lock being off: %d", got)
	}
}

// An org tells its session settings as it tells the other switches, and goes by them.
func TestAnOrgsSessionSettingsAreMetadata(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	read := func() string {
		return w.soap("66.0", "<readMetadata><type>SecuritySettings</type><fullNames>Security</fullNames></readMetadata>").body
	}
	for _, want := range []string{"<lockSessionsToIp>false<", "<enforceIpRangesEveryRequest>false<", "<lockSessionsToDomain>true<", "<fullName>Security<"} {
		if got := read(); !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	must(t, w.org.SetAppField("SecuritySettings", "Security", "sessionSettings/lockSessionsToIp", "true"))
	if got := read(); !strings.Contains(got, "<lockSessionsToIp>true<") {
		t.Errorf("after a click: %s", got)
	}
	if err := w.org.SetAppField("SecuritySettings", "Security", "sessionSettings/sessionTimeout", "OneMinute"); err == nil {
		t.Error("a timeout that Setup does not list is accepted")
	}
}

func TestTheOrgsSessionTimeoutEndsSessionsThatAreNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{})
		must(t, w.org.SetAppField("SecuritySettings", "Security", "sessionSettings/sessionTimeout", "FifteenMinutes"))
		access, _ := w.connect()
		time.Sleep(16 * time.Minute)
		if got := w.api(access); got != http.StatusUnauthorized {
			t.Errorf("after 16 minutes: %d", got)
		}
	})
}

func TestAHighAssurancePolicyRefusesOrdinarySessions(t *testing.T) {
	w := withDemo(t, orgtest.Config{Users: []orgtest.User{{Username: "admin@acme.example"}, {Username: "mfa@acme.example", HighAssurance: true}}})
	w.set(oauthPolicies, "requiredSessionLevel", "HIGH_ASSURANCE")
	access, _ := w.connect()
	a := w.get(w.org.InstanceURL()+"/services/data/v66.0/limits", access)
	if a.status != http.StatusUnauthorized || !strings.Contains(a.body, "This session is not valid for use with the REST API") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	assured := w.exchange(w.approve("login_hint", "mfa@acme.example").Get("code")).field("access_token")
	if got := w.api(assured); got != http.StatusOK {
		t.Errorf("with a second factor: %d", got)
	}
}

func TestARenamedMyDomainAnswersUnderBothNamesForAWhile(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	old := w.org.InstanceURL()
	must(t, w.org.RenameMyDomain("newname"))
	if got := w.refresh(refresh).field("instance_url"); got != "https://newname.my.salesforce.com" {
		t.Errorf("instance_url after a refresh: %q", got)
	}
	if a := w.get(old+"/services/data", access); a.status != http.StatusFound || a.header.Get("Location") != "https://newname.my.salesforce.com/services/data" {
		t.Errorf("the old host: %d %q", a.status, a.header.Get("Location"))
	}
	if got := w.api(access); got != http.StatusUnauthorized {
		t.Errorf("a token of before: %d", got)
	}
	w.org.RemoveOldDomains()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, old+"/services/data", nil)
	_, err := w.do(r)
	var dns *net.DNSError
	if !errors.As(err, &dns) {
		t.Errorf("the removed host: %v", err)
	}
	if err := w.org.RenameMyDomain("no dots.allowed"); err == nil {
		t.Error("an impossible name was accepted")
	}
}

func TestASandboxRefreshMakesAnotherOrg(t *testing.T) {
	w := withDemo(t, orgtest.Config{Sandbox: true})
	if w.org.InstanceURL() != "https://acme--uat.sandbox.my.salesforce.com" || w.host != "https://test.salesforce.com" {
		t.Fatalf("a sandbox is at %s and logs in at %s", w.org.InstanceURL(), w.host)
	}
	access, refresh := w.connect()
	id, form, link := w.org.ID(), w.refreshForm(refresh), w.authorizeURL()
	must(t, w.org.RefreshSandbox())
	if w.org.ID() == id {
		t.Error("the org id stayed")
	}
	wantError(t, w.send(form), "app_not_found", "External client app is not installed in this org")
	if got := w.api(access); got != http.StatusUnauthorized {
		t.Errorf("an access token survived: %d", got)
	}
	landed, err := w.org.Approve(t.Context(), link)
	if u, _ := url.Parse(landed); err != nil || u.Query().Get("error") != "OAUTH_EC_APP_NOT_FOUND" {
		t.Errorf("authorizing the app that is gone: %q %v", landed, err)
	}
	if err := withDemo(t, orgtest.Config{}).org.RefreshSandbox(); err == nil {
		t.Error("a production org was refreshed")
	}
}

func TestTheOtherLoginHostDoesNotKnowTheApp(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	w.host = "https://test.salesforce.com"
	if q := w.approve(); q.Get("error") != "OAUTH_EC_APP_NOT_FOUND" {
		t.Errorf("authorize: %v", q)
	}
	wantError(t, w.exchange("aPrx"), "app_not_found", "External client app is not installed in this org")
	w.host = "https://login.salesforce.com"
	access, _ := w.connect()
	if a := w.get("https://login.salesforce.com/services/data/v66.0/limits", access); a.status != http.StatusNotFound || !strings.Contains(a.body, "URL_NOT_RESET") {
		t.Errorf("the API on a login host: %d %s", a.status, a.body)
	}
}

func TestADeletedAppIsNotInstalledAnyMore(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	form := w.refreshForm(refresh)
	must(t, w.org.DeleteApp("Demo"))
	wantError(t, w.send(form), "app_not_found", "External client app is not installed in this org")
	if got := w.api(access); got != http.StatusUnauthorized {
		t.Errorf("an access token survived: %d", got)
	}
}

func TestRotatedCredentialsLeaveTwoSetsAliveForThirtyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{})
		_, refresh := w.connect()
		previous := func() *http.Request { return w.refreshForm(refresh) }
		key, secret := w.credentials("Demo")
		nextKey, nextSecret, err := w.org.StageCredentials("Demo")
		must(t, err)
		wantError(t, w.exchange(w.approve().Get("code"), "client_id", nextKey, "client_secret", nextSecret), "invalid_client_id", "client identifier invalid")
		if a := w.send(previous()); a.status != http.StatusOK {
			t.Fatal(a.body)
		}
		must(t, w.org.RotateCredentials("Demo"))
		if k, s := w.credentials("Demo"); k != nextKey || s != nextSecret {
			t.Error("the staged credentials are not the current ones")
		}
		if a := w.refresh(refresh, "client_id", key, "client_secret", secret); a.status != http.StatusOK {
			t.Errorf("the previous set: %s", a.body)
		}
		w.connect() // with the new set
		time.Sleep(30 * 24 * time.Hour)
		wantError(t, w.refresh(refresh, "client_id", key, "client_secret", secret), "invalid_client_id", "client identifier invalid")
	})
}

func TestAMigratedConnectedAppKeepsKeyAndTokens(t *testing.T) {
	w := empty(t, orgtest.Config{Existing: map[string]string{"connectedApps/Old.connectedApp": oldApp}})
	refresh, err := w.org.UserApproved("Old", "admin@acme.example")
	must(t, err)
	must(t, w.org.MigrateConnectedApp("Old"))
	key, secret := w.credentials("Old")
	if key != "3MVG9.old.key" {
		t.Errorf("the key is %s", key)
	}
	a := w.send(w.form(w.host+"/services/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {key}, "client_secret": {secret},
	}))
	if a.status != http.StatusOK {
		t.Errorf("the refresh token: %s", a.body)
	}
	list := w.soap("66.0", `<listMetadata><queries><type>ConnectedApp</type></queries><queries><type>ExtlClntAppGlobalOauthSettings</type></queries></listMetadata>`).body
	if strings.Contains(list, "connectedApps/") || !strings.Contains(list, "<fullName>Old_defGlblOauthSet</fullName>") {
		t.Errorf("got %s", list)
	}
	read := w.soap("66.0", `<readMetadata><type>ExtlClntAppGlobalOauthSettings</type><fullNames>Old_defGlblOauthSet</fullNames></readMetadata>`).body
	if !strings.Contains(read, "<isPkceRequired>false</isPkceRequired>") || !strings.Contains(read, "<callbackUrl>"+callback+"</callbackUrl>") {
		t.Errorf("settings were not carried over: %s", read)
	}
}

func TestTheOrgWideSwitchRequiresPKCEOfEveryApp(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	w.set(globalSettings, "isPkceRequired", "false")
	if q := w.approve("code_challenge", ""); q.Get("code") == "" {
		t.Fatalf("the app does not require PKCE: %v", q)
	}
	must(t, w.org.SetAppField("OauthOidcSettings", "OauthOidc", "isPkceRequired", "true"))
	if q := w.approve("code_challenge", ""); q.Get("error_description") != "missing required code challenge" {
		t.Errorf("the org does: %v", q)
	}
}

func TestAFieldThatDoesNotExistCannotBeSet(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	for _, c := range [][4]string{
		{"Nonsense", "Demo", "label", "x"}, {"ExternalClientApplication", "Nobody", "label", "x"},
		{"ExternalClientApplication", "Demo", "nonsense", "x"}, {globalSettings, "Demo_glbloauth", "isPkceRequired", "maybe"},
	} {
		if err := w.org.SetAppField(c[0], c[1], c[2], c[3]); err == nil {
			t.Errorf("%v was accepted", c)
		}
	}
}

func TestADisabledAppIsRefused(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	w.set("ExtlClntAppConfigurablePolicies", "isEnabled", "false")
	if q := w.approve(); q.Get("error") != "OAUTH_APP_BLOCKED" {
		t.Errorf("got %v", q)
	}
}

func TestABlockedAppCanBeAuthorizedAgainAfterwards(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	must(t, w.org.Block("Demo"))
	if q := w.approve(); q.Get("error") != "OAUTH_APP_BLOCKED" {
		t.Errorf("blocked: %v", q)
	}
	must(t, w.org.Unblock("Demo"))
	w.connect()
}

func TestAConnectedAppThatIsNotThereIsAnUnknownClient(t *testing.T) {
	w := empty(t, orgtest.Config{Existing: map[string]string{"connectedApps/Old.connectedApp": oldApp}})
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {"3MVG9.old.key"}, "client_secret": {"old-secret"}}
	wantError(t, w.post("https://test.salesforce.com/services/oauth2/token", form), "invalid_client_id", "client identifier invalid")
	must(t, w.org.DeleteApp("Old"))
	wantError(t, w.post("https://login.salesforce.com/services/oauth2/token", form), "invalid_client_id", "client identifier invalid")
}

func TestAnActOnAnAppThatIsNotThereIsAnError(t *testing.T) {
	org := withDemo(t, orgtest.Config{}).org
	_, _, staged := org.StageCredentials("Nobody")
	_, approved := org.UserApproved("Nobody", "admin@acme.example")
	_, stranger := org.UserApproved("Demo", "stranger@acme.example")
	for name, err := range map[string]error{
		"DeleteApp": org.DeleteApp("Nobody"), "Block": org.Block("Nobody"), "RevokeAll": org.RevokeAll("Nobody"), "StageCredentials": staged,
		"RotateCredentials": org.RotateCredentials("Demo"), "MigrateConnectedApp": org.MigrateConnectedApp("Demo"),
		"UserApproved": approved, "UserApproved by a stranger": stranger, "SetUser": org.SetUser(orgtest.User{}),
	} {
		if err == nil {
			t.Errorf("%s was carried out", name)
		}
	}
}

func TestEverythingMayHappenAtOnce(t *testing.T) {
	w := withDemo(t, orgtest.Config{RotateRefreshTokens: true})
	link, zip := w.authorizeURL(), base64.StdEncoding.EncodeToString(archive(t, "66.0", demoApp()))
	_, refresh := w.connect()
	acts := []func() error{
		func() error { w.org.ExpireSessions(); return nil },
		func() error { return w.org.SetUser(orgtest.User{Username: "admin@acme.example", FirstName: "Eve"}) },
		func() error { return w.org.SetAppField("ExternalClientApplication", "Demo", "description", "busy") },
		func() error { w.org.RotateSigningKey(); return nil },
		func() error { return w.org.Inject(orgtest.Fault{Path: "/nowhere", Status: 500}) },
		func() error { _, err := w.org.Approve(t.Context(), link); return err },
		func() error { _, err := w.org.UserApproved("Demo", "admin@acme.example"); return err },
		func() error {
			w.soap("66.0", "<deploy><ZipFile>"+zip+"</ZipFile><DeployOptions><singlePackage>true</singlePackage></DeployOptions></deploy>")
			return nil
		},
		func() error { _, err := w.do(w.refreshForm(refresh)); return err },
		func() error { w.org.Ledger(); return nil },
	}
	var group sync.WaitGroup
	for _, act := range acts {
		group.Go(func() {
			for range 5 {
				if err := act(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

func TestTheRunsAuthorityIsTrustedByWhoTakesIt(t *testing.T) {
	server, err := withDemo(t, orgtest.Config{}).org.Start()
	must(t, err)
	defer server.Close()
	authority, err := x509.ParseCertificate(server.CA())
	must(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	for _, c := range []struct {
		name  string
		roots *x509.CertPool
		ok    bool
	}{{"with it", roots, true}, {"without it", nil, false}} {
		conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{RootCAs: c.roots, ServerName: "login.salesforce.com"})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			conn.Close()
		}
	}
}
