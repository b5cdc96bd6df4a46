package orgtest_test

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// empty is an org without any app.
func empty(t *testing.T, cfg orgtest.Config) *wire {
	t.Helper()
	if cfg.Existing == nil {
		cfg.Existing = map[string]string{}
	}
	return withDemo(t, cfg)
}

func TestADeployedAppCanBeConnected(t *testing.T) {
	w := empty(t, orgtest.Config{})
	out := w.deploy(archive(t, "66.0", demoApp()), "")
	if out.Status != "Succeeded" || len(out.Details.ComponentSuccesses) != 5 {
		t.Fatalf("got %+v", out)
	}
	if access, _ := w.connect(); w.api(access) != http.StatusOK {
		t.Error("the app cannot be used")
	}
}

func TestDeployingTheSameAgainIsAnUpdateThatChangesNothing(t *testing.T) {
	w := empty(t, orgtest.Config{})
	w.deploy(archive(t, "66.0", demoApp()), "")
	key, secret := w.credentials("Demo")
	out := w.deploy(archive(t, "66.0", demoApp()), "")
	if out.Status != "Succeeded" {
		t.Fatalf("got %+v", out)
	}
	for _, c := range out.Details.ComponentSuccesses {
		if c.Created || c.Changed {
			t.Errorf("%s %s: created %v, changed %v", c.ComponentType, c.FullName, c.Created, c.Changed)
		}
	}
	if k, s := w.credentials("Demo"); k != key || s != secret {
		t.Error("an update changed the credentials")
	}
}

func TestACheckOnlyDeployChangesNothing(t *testing.T) {
	w := empty(t, orgtest.Config{})
	if out := w.deploy(archive(t, "66.0", demoApp()), `,"checkOnly":true`); out.Status != "Succeeded" {
		t.Fatalf("got %+v", out)
	}
	if _, _, err := w.org.Credentials("Demo"); err == nil {
		t.Error("the app is there")
	}
}

func TestADeployIsRefused(t *testing.T) {
	edit := func(path, old, new string) func(map[string]string) {
		return func(files map[string]string) {
			if !strings.Contains(files[path], old) {
				panic("nothing to replace in " + path)
			}
			files[path] = strings.ReplaceAll(files[path], old, new)
		}
	}
	const (
		eca    = "externalClientApps/Demo.eca"
		oauth  = "extlClntAppOauthSettings/Demo_oauth.ecaOauth"
		global = "extlClntAppGlobalOauthSets/Demo_glbloauth.ecaGlblOauth"
		policy = "extlClntAppOauthPolicies/Demo_oauthPlcy.ecaOauthPlcy"
		plcy   = "extlClntAppPolicies/Demo_plcy.ecaPlcy"
	)
	for _, c := range []struct {
		name    string
		change  func(map[string]string)
		problem string
	}{
		{"an element the type does not have", edit(eca, "<label>Demo</label>", "<label>Demo</label><nonsense>1</nonsense>"),
			"Element {http://soap.sforce.com/2006/04/metadata}nonsense invalid at this location in type ExternalClientApplication"},
		{"an element of a newer API version", edit(global, "</ExtlClntApp", "<isDPopEnabled>true</isDPopEnabled></ExtlClntApp"),
			"Element {http://soap.sforce.com/2006/04/metadata}isDPopEnabled invalid at this location in type ExtlClntAppGlobalOauthSettings"},
		{"an element twice", edit(eca, "<label>Demo</label>", "<label>Demo</label><label>Demo</label>"),
			"Element label is duplicated at this location in type ExternalClientApplication"},
		{"a word that is not in the enum", edit(policy, "AllSelfAuthorized", "AdminApproved"),
			"'AdminApproved' is not a valid value for the enum 'PermittedUsersPolicyType'"},
		{"a word of the enum in another case", edit(plcy, "<startPage>None", "<startPage>none"), "'none' is not a valid value for the enum 'ExtlClntAppStartPage'"},
		{"a word of a newer API version", edit(policy, "</ExtlClntApp", "<policyAction>StepUpMFA</policyAction></ExtlClntApp"),
			"'StepUpMFA' is not a valid value for the enum 'PolicyAction'"},
		{"a boolean that is none", edit(global, "<isPkceRequired>true", "<isPkceRequired>yes"), "'yes' is not a valid value for the type xsd:boolean"},
		{"a required element that is missing", edit(plcy, "<isEnabled>true</isEnabled>", ""), "Required field is missing: isEnabled"},
		{"a policy of an app that is not there", edit(policy, ">Demo<", ">Dem0<"),
			"In field: externalClientApplication - no ExternalClientApplication named Dem0 found"},
		{"a wire word as scope", edit(oauth, "RefreshToken", "refresh_token"), "refresh_token isn't a valid OAuth scope. Valid scopes: Basic"},
		{"an OAuth link of another org", edit(oauth, "</ExtlClntApp", "<oauthLink>00D000000000001:888000000000001</oauthLink></ExtlClntApp"), "The OAuth link"},
		{"global settings without OAuth settings", func(f map[string]string) { delete(f, oauth) },
			"The external client app configured in your global OAuth Settings doesn't have a valid OAuth settings configuration."},
		{"an unknown IP relaxation", edit(policy, "Enforce_RelaxRefresh", "RelaxIPRestrictions"), "'RelaxIPRestrictions' is not a valid IP relaxation policy"},
		{"a lifetime without a period", edit(policy, "Infinite", "SpecificLifetime"), "Set the refresh token validity period to a number above 0."},
		{"a lifetime without a unit", edit(policy, "Infinite</refreshTokenPolicyType>", "SpecificLifetime</refreshTokenPolicyType><refreshTokenValidityPeriod>3</refreshTokenValidityPeriod>"),
			"Set the refresh token validity unit to Days, Hours, Months."},
		{"a permission set the org does not have", edit(policy, "</ExtlClntApp", "<commaSeparatedPermissionSet>0PS000000000001</commaSeparatedPermissionSet></ExtlClntApp"),
			"We couldn't find permission sets called 0PS000000000001"},
		{"another org's id in the app", edit(eca, "</ExternalClientApplication>", "<orgScopedExternalApp>00D000000000001:Demo</orgScopedExternalApp></ExternalClientApplication>"),
			"orgScopedExternalApp belongs to another org"},
		{"a number that is none", edit(policy, "</ExtlClntApp", "<sessionTimeoutInMinutes>soon</sessionTimeoutInMinutes></ExtlClntApp"), "'soon' is not a valid value for the type xsd:int"},
		{"elements where text belongs", edit(eca, "<label>Demo", "<label><b/>Demo"), "Element label holds text, not elements"},
		{"callbacks beyond 2000 characters", edit(global, "https://app.example.com/other", "https://app.example.com/"+strings.Repeat("x", 2000)), "Callback URL: data value too large"},
		{"a name that ends in an underscore", func(f map[string]string) {
			f["externalClientApps/Demo_.eca"] = f[eca]
		}, "The External Client App API Name can only contain underscores"},
		{"a callback over plain HTTP", edit(global, "https://app.example.com/other", "http://app.example.com/other"), "Callback URL: must be a secure URL"},
		{"broken XML", edit(eca, "</label>", "</lable>"), "Error parsing file:"},
		{"a file with the wrong root element", edit(eca, "ExternalClientApplication", "ConnectedApp"), "Element {http://soap.sforce.com/2006/04/metadata}ConnectedApp invalid at this location"},
		{"a key rotation without ignoreWarnings", edit(global, "</ExtlClntApp", "<shouldRotateConsumerKey>true</shouldRotateConsumerKey></ExtlClntApp"), "The consumer key or secret is replaced"},
		{"a connected app, which nobody may create any more", func(f map[string]string) {
			f["connectedApps/Old.connectedApp"] = oldApp
		}, "You can't create a connected app. To enable connected app creation, contact Salesforce Customer Support."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := empty(t, orgtest.Config{})
			files := demoApp()
			c.change(files)
			out := w.deploy(archive(t, "66.0", files), "")
			if out.Status != "Failed" || len(out.Details.ComponentFailures) == 0 {
				t.Fatalf("got %+v", out)
			}
			found := false
			for _, f := range out.Details.ComponentFailures {
				found = found || strings.HasPrefix(f.Problem, c.problem) && f.FileName != "" && f.LineNumber > 0
			}
			if !found {
				t.Errorf("no failure begins with %q: %+v", c.problem, out.Details.ComponentFailures)
			}
			if _, _, err := w.org.Credentials("Demo"); err == nil {
				t.Error("a failed deploy left the app behind")
			}
		})
	}
}

// oldApp is a connected app without OAuth policies of its own.
const oldApp = `<ConnectedApp ` + metadataXML + `><contactEmail>a@example.com</contactEmail><label>Old</label><oauthConfig>` +
	`<callbackUrl>` + callback + `</callbackUrl><consumerKey>3MVG9.old.key</consumerKey><consumerSecret>old-secret</consumerSecret>` +
	`<scopes>RefreshToken</scopes><scopes>Api</scopes></oauthConfig></ConnectedApp>`

// Real files written by hand are out of order, as are samples of Salesforce's own documents.
func TestElementsOfAFileMayStandInAnyOrder(t *testing.T) {
	w := empty(t, orgtest.Config{})
	files := demoApp()
	child := regexp.MustCompile(`(?s)<(\w+)>[^<]*</(\w+)>`)
	for path, text := range files {
		children := child.FindAllString(text, -1)
		turned := slices.Clone(children)
		slices.Reverse(turned)
		if files[path] = strings.Replace(text, strings.Join(children, ""), strings.Join(turned, ""), 1); files[path] == text {
			t.Fatalf("%s is as it was", path)
		}
	}
	if out := w.deploy(archive(t, "66.0", files), ""); out.Status != "Succeeded" {
		t.Fatalf("got %+v", out)
	}
	a := w.soap("66.0", "<readMetadata><type>ExtlClntAppConfigurablePolicies</type><fullNames>Demo_plcy</fullNames></readMetadata>")
	if enabled, page := strings.Index(a.body, "<isEnabled>"), strings.Index(a.body, "<startPage>"); enabled < 0 || page < enabled {
		t.Errorf("read back, they are in the schema's order: %s", a.body)
	}
}

func TestPoliciesThatAreNotInThePackageGetThePlatformsNames(t *testing.T) {
	w := empty(t, orgtest.Config{})
	files := demoApp()
	delete(files, "extlClntAppOauthPolicies/Demo_oauthPlcy.ecaOauthPlcy")
	delete(files, "extlClntAppPolicies/Demo_plcy.ecaPlcy")
	if out := w.deploy(archive(t, "66.0", files), ""); out.Status != "Succeeded" {
		t.Fatalf("got %+v", out)
	}
	a := w.soap("66.0", `<listMetadata><queries><type>ExtlClntAppOauthConfigurablePolicies</type></queries><queries><type>ExtlClntAppConfigurablePolicies</type></queries></listMetadata>`)
	for _, name := range []string{"<fullName>Demo_oauth_defaultPolicy</fullName>", "<fullName>Demo_defaultPolicy</fullName>"} {
		if !strings.Contains(a.body, name) {
			t.Errorf("no %s in %s", name, a.body)
		}
	}
	a = w.soap("66.0", `<readMetadata><type>ExtlClntAppOauthConfigurablePolicies</type><fullNames>Demo_oauth_defaultPolicy</fullNames></readMetadata>`)
	if !strings.Contains(a.body, "<refreshTokenPolicyType>SpecificLifetime</refreshTokenPolicyType>\n<refreshTokenValidityPeriod>365</refreshTokenValidityPeriod>") {
		t.Errorf("the platform's policy is a lifetime of 365 days: %s", a.body)
	}

	// there is one policy record per app: another name is refused
	out := w.deploy(archive(t, "66.0", maps.Collect(func(yield func(string, string) bool) {
		name := "extlClntAppOauthPolicies/Demo_oauthPlcy.ecaOauthPlcy"
		yield(name, demoApp()[name])
	})), "")
	if f := out.Details.ComponentFailures; len(f) != 1 || f[0].Problem != "duplicate value found: ExternalClientApplicationId duplicates value on Demo_oauth_defaultPolicy" {
		t.Errorf("got %+v", out)
	}
}

func TestReadingFillsInWhatTheOrgAdds(t *testing.T) {
	w := empty(t, orgtest.Config{})
	w.deploy(archive(t, "66.0", demoApp()), "")
	key, secret := w.credentials("Demo")
	for _, c := range []struct{ version, typ, name, want string }{
		{"66.0", "ExternalClientApplication", "Demo", "<isProtected>false</isProtected>\n<label>Demo</label>\n<orgScopedExternalApp>00DTEST"},
		{"66.0", "ExtlClntAppOauthSettings", "Demo_oauth", "<commaSeparatedOauthScopes>Basic, Api, Web, Full, RefreshToken, OpenID</commaSeparatedOauthScopes>\n" +
			"<externalClientApplication>Demo</externalClientApplication>\n<isFirstPartyAppEnabled>false</isFirstPartyAppEnabled>\n<label>Demo_oauth</label>\n<oauthLink>00DTEST"},
		{"66.0", "ExtlClntAppGlobalOauthSettings", "Demo_glbloauth", "<consumerKey>" + key + "</consumerKey>\n<externalClientApplication>Demo</externalClientApplication>\n" +
			"<isClientCredentialsFlowEnabled>false</isClientCredentialsFlowEnabled>\n<isCodeCredFlowEnabled>false</isCodeCredFlowEnabled>"},
		{"66.0", "ExtlClntAppOauthConfigurablePolicies", "Demo_oauthPlcy", "<ipRelaxationPolicyType>Enforce_relaxrefresh</ipRelaxationPolicyType>"},
		{"66.0", "ExtlClntAppOauthConfigurablePolicies", "Demo_oauthPlcy", "<refreshTokenPolicyType>Infinite</refreshTokenPolicyType>\n<requiredSessionLevel>STANDARD</requiredSessionLevel>"},
		{"66.0", "ExtlClntAppConfigurablePolicies", "Demo_plcy", "<isOauthPluginEnabled>true</isOauthPluginEnabled>"},
		{"68.0", "ExtlClntAppGlobalOauthSettings", "Demo_glbloauth", "<isDPopEnabled>false</isDPopEnabled>"},
		{"66.0", "ExternalClientApplication", "Nobody", `<records xsi:nil="true"/>`},
	} {
		a := w.soap(c.version, "<readMetadata><type>"+c.typ+"</type><fullNames>"+c.name+"</fullNames></readMetadata>")
		if a.status != http.StatusOK || !strings.Contains(a.body, c.want) {
			t.Errorf("%s %s at %s: no %q in %s", c.typ, c.name, c.version, c.want, a.body)
		}
		if strings.Contains(a.body, secret) {
			t.Error("the secret is readable")
		}
		if c.version == "66.0" && strings.Contains(a.body, "isDPopEnabled") {
			t.Error("an old API version shows a new element")
		}
	}
}

func TestALegacyConnectedAppKeepsWorking(t *testing.T) {
	w := empty(t, orgtest.Config{Existing: map[string]string{"connectedApps/Old.connectedApp": oldApp}})
	refresh, err := w.org.UserApproved("Old", "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	key, secret := w.credentials("Old")
	if key != "3MVG9.old.key" || secret != "old-secret" {
		t.Errorf("got %s %s, want the ones it came with", key, secret)
	}
	a := w.send(w.form(w.host+"/services/oauth2/token", map[string][]string{
		"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {key}, "client_secret": {secret},
	}))
	if a.status != http.StatusOK || w.api(a.field("access_token")) != http.StatusOK || a.field("id_token") != "" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	read := w.soap("66.0", "<readMetadata><type>ConnectedApp</type><fullNames>Old</fullNames></readMetadata>").body
	for _, want := range []string{"<consumerKey>3MVG9.old.key</consumerKey>", "<scopes>Api</scopes>\n<scopes>RefreshToken</scopes>",
		"<ipRelaxation>ENFORCE</ipRelaxation>", "<refreshTokenPolicy>infinite</refreshTokenPolicy>", "<isPkceRequired>false</isPkceRequired>"} {
		if !strings.Contains(strings.ReplaceAll(read, "    ", ""), want) {
			t.Errorf("no %q in %s", want, read)
		}
	}
	// an update is allowed, but not with a key in it
	out := w.deploy(archive(t, "66.0", map[string]string{"connectedApps/Old.connectedApp": oldApp}), "")
	if f := out.Details.ComponentFailures; len(f) != 1 || f[0].Problem != "You cannot provide a Consumer Key" {
		t.Errorf("got %+v", out)
	}
}

func TestASandboxKeepsWhatCouldBeDeployed(t *testing.T) {
	for _, c := range []struct{ name, rollback, status string }{
		{"without rollback", "false", "SucceededPartial"}, {"with rollback", "true", "Failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := empty(t, orgtest.Config{Sandbox: true})
			files := demoApp()
			path := "extlClntAppPolicies/Demo_plcy.ecaPlcy"
			files[path] = strings.Replace(files[path], "<isEnabled>true</isEnabled>", "", 1)
			if out := w.deploy(archive(t, "66.0", files), `,"rollbackOnError":`+c.rollback); out.Status != c.status {
				t.Errorf("got %+v", out)
			}
			if _, _, err := w.org.Credentials("Demo"); (err == nil) != (c.status == "SucceededPartial") {
				t.Errorf("the app: %v", err)
			}
		})
	}
}

func TestAnAppCanComeInTwoDeploys(t *testing.T) {
	w := empty(t, orgtest.Config{})
	header, rest := map[string]string{}, map[string]string{}
	for path, text := range demoApp() {
		switch {
		case strings.HasSuffix(path, ".eca"):
			header[path] = text
		case !strings.HasSuffix(path, "lcy"):
			rest[path] = text
		}
	}
	for _, files := range []map[string]string{header, rest} {
		if out := w.deploy(archive(t, "66.0", files), ""); out.Status != "Succeeded" {
			t.Fatalf("got %+v", out)
		}
	}
	w.connect()
}

func TestAConsumerKeyCanBeGivenWhenTheAppIsMade(t *testing.T) {
	give := func(key string) map[string]string {
		files := demoApp()
		path := "extlClntAppGlobalOauthSets/Demo_glbloauth.ecaGlblOauth"
		files[path] = strings.Replace(files[path], "<externalClientApplication>", "<consumerKey>"+key+"</consumerKey><consumerSecret>s3cret</consumerSecret><externalClientApplication>", 1)
		return files
	}
	w := empty(t, orgtest.Config{Existing: map[string]string{"connectedApps/Old.connectedApp": oldApp}})
	for key, want := range map[string]string{"short": "The consumer key must have 8 to 256 characters.", "3MVG9.old.key": "The consumer key is already taken."} {
		if f := w.deploy(archive(t, "66.0", give(key)), "").Details.ComponentFailures; len(f) == 0 || f[0].Problem != want {
			t.Errorf("%s: %+v", key, f)
		}
	}
	if out := w.deploy(archive(t, "66.0", give("3MVG9given")), ""); out.Status != "Succeeded" {
		t.Fatalf("got %+v", out)
	}
	if key, secret := w.credentials("Demo"); key != "3MVG9given" || secret != "s3cret" {
		t.Errorf("credentials are %s %s", key, secret)
	}
	if f := w.deploy(archive(t, "66.0", give("3MVG9given")), "").Details.ComponentFailures; len(f) != 1 || f[0].Problem != "You cannot provide a Consumer Key" {
		t.Errorf("a second time: %+v", f)
	}
}

func TestConnectedAppsCanBeCreatedWhereSupportAllowsIt(t *testing.T) {
	w := empty(t, orgtest.Config{AllowConnectedApps: true})
	policies := func(ip, refresh string) map[string]string {
		return map[string]string{"connectedApps/Old.connectedApp": strings.Replace(oldApp, "</ConnectedApp>",
			"<oauthPolicy><ipRelaxation>"+ip+"</ipRelaxation><refreshTokenPolicy>"+refresh+"</refreshTokenPolicy></oauthPolicy></ConnectedApp>", 1)}
	}
	if f := w.deploy(archive(t, "66.0", policies("Enforce_Nothing", "infinite")), "").Details.ComponentFailures; len(f) != 1 || !strings.Contains(f[0].Problem, "ipRelaxation") {
		t.Errorf("a wrong IP relaxation: %+v", f)
	}
	if f := w.deploy(archive(t, "66.0", policies("ENFORCE", "specific_lifetime:3")), "").Details.ComponentFailures; len(f) != 1 || !strings.Contains(f[0].Problem, "refreshTokenPolicy") {
		t.Errorf("a wrong refresh policy: %+v", f)
	}
	if out := w.deploy(archive(t, "66.0", policies("ENFORCE_RELAXREFRESH", "specific_lifetime:60:MONTHS")), ""); out.Status != "Succeeded" {
		t.Errorf("got %+v", out)
	}
}

func TestTheOrgsSettingsAreMetadata(t *testing.T) {
	w := empty(t, orgtest.Config{})
	zip := pack(t, map[string]string{
		"settings/OauthOidc.settings": `<OauthOidcSettings ` + metadataXML + `><oAuthCdCrdtFlowEnable>true</oAuthCdCrdtFlowEnable></OauthOidcSettings>`,
	}, `<Package `+metadataXML+`><types><members>OauthOidc</members><name>Settings</name></types><version>66.0</version></Package>`)
	if out := w.deploy(zip, ""); out.Status != "Succeeded" {
		t.Fatalf("got %+v", out)
	}
	read := w.soap("66.0", `<readMetadata><type>OauthOidcSettings</type><fullNames>OauthOidc</fullNames></readMetadata>`)
	if between(read, "oAuthCdCrdtFlowEnable") != "true" || between(read, "isPkceRequired") != "false" {
		t.Errorf("got %s", read.body)
	}
	if list := w.soap("66.0", `<listMetadata><queries><type>Settings</type></queries></listMetadata>`); strings.Count(list.body, "<result>") != 4 {
		t.Errorf("got %s", list.body)
	}
}

func TestARESTDeployIsCanceledAndDeployedQuickly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := empty(t, orgtest.Config{DeployTime: time.Second})
		w.deploy(archive(t, "66.0", demoApp()), `,"checkOnly":true`)
		id := w.last
		if a := w.rest("PATCH", "/metadata/deployRequest/"+id, `{"deployResult":{"status":"Canceling"}}`); a.status != http.StatusAccepted {
			t.Errorf("cancel: %d %s", a.status, a.body)
		}
		if a := w.rest("POST", "/metadata/deployRequest", `{"validatedDeployRequestId":"`+id+`"}`); a.status != http.StatusBadRequest {
			t.Errorf("what was canceled is not validated: %d", a.status)
		}
		w.deploy(archive(t, "66.0", demoApp()), `,"checkOnly":true`)
		id = w.last
		time.Sleep(time.Second)
		if a := w.rest("PATCH", "/metadata/deployRequest/"+id, `{"deployResult":{"status":"Canceling"}}`); a.status != http.StatusBadRequest {
			t.Errorf("canceling what is over: %d", a.status)
		}
		if a := w.rest("POST", "/metadata/deployRequest", `{"validatedDeployRequestId":"`+id+`"}`); a.status != http.StatusCreated {
			t.Fatalf("quick deploy: %d %s", a.status, a.body)
		}
		time.Sleep(time.Second)
		w.credentials("Demo")
		if a := w.rest("GET", "/metadata/deployRequest/0Af000000000000AAA", ""); a.status != http.StatusNotFound {
			t.Errorf("a deploy nobody made: %d", a.status)
		}
	})
}
