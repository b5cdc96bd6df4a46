package policy_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

func TestWhatMeansTheSameIsNoFinding(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	u := eca.CallbackURLs
	tests := []struct {
		name, suffix, element, text string
		spec                        metadata.AppSpec
	}{
		{"callbacks in another order", "ecaGlblOauth", "callbackUrl", u[2] + "\n" + u[0] + "\n" + u[1], eca},
		{"callbacks with CR LF", "ecaGlblOauth", "callbackUrl", strings.Join(u, "\r\n"), eca},
		{"callbacks with character references", "ecaGlblOauth", "callbackUrl", strings.Join(u, "&#xD;&#10;"), eca},
		{"callbacks with blanks and empty lines", "ecaGlblOauth", "callbackUrl", "\n  " + strings.Join(u, " \n\n\t") + "\n", eca},
		{"scopes in another order", "ecaOauth", "commaSeparatedOauthScopes", "OpenID, RefreshToken, Web, Api, Full, Basic", eca},
		{"scopes without blanks", "ecaOauth", "commaSeparatedOauthScopes", "Basic,Api,Web,Full,RefreshToken,OpenID", eca},
		{"aliases of scopes", "ecaOauth", "commaSeparatedOauthScopes", "Profile, Email, Api, Web, Full, OfflineAccess, OpenID", eca},
		{"an alias beside its scope", "ecaOauth", "commaSeparatedOauthScopes", "Basic, Phone, Api, Web, Full, RefreshToken, OfflineAccess, OpenID", eca},
		{"IP relaxation as the documents spell it", "ecaOauthPlcy", "ipRelaxationPolicyType", "Enforce_RelaxRefresh", eca},
		{"IP relaxation as connected apps spell it", "ecaOauthPlcy", "ipRelaxationPolicyType", "ENFORCE_RELAXREFRESH", eca},
		{"a distribution state in capitals", "eca", "distributionState", "LOCAL", eca},
		{"a start page in lower case", "ecaPlcy", "startPage", "none", eca},
		{"permitted users in lower case", "ecaOauthPlcy", "permittedUsersPolicyType", "allselfauthorized", eca},
		{"scopes in lower case", "ecaOauth", "commaSeparatedOauthScopes", "basic, api, web, full, refreshtoken, openid", eca},
		{"a checkbox as a number", "ecaGlblOauth", "isPkceRequired", "1", eca},
		{"a name with blanks around it", "eca", "label", " Fullcast\n", eca},
		{"a name with the trailing blank that the instructions type", "connectedApp", "label", "Fullcast Motion Package ", old},
		{"IP relaxation as external client apps spell it", "connectedApp", "ipRelaxation", "Enforce_relaxrefresh", old},
		{"a refresh token policy in capitals", "connectedApp", "refreshTokenPolicy", "INFINITE", old},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := newTree(t, tt.spec).with(t, tt.suffix, tt.element, tt.text)
			if report := policy.Check(files.subject(t, tt.spec.APIName), policy.Baseline(tt.spec)...); len(report.Findings) > 0 {
				t.Errorf("%s", report)
			}
		})
	}
}

func TestWhatIsNotSeenIsNeverRight(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	tests := []struct {
		name      string
		spec      metadata.AppSpec
		change    func(*policy.Subject)
		unseen    []string
		otherwise int // rules that pass all the same
	}{
		{"the switch that no metadata holds", old, func(*policy.Subject) {}, []string{"allow-creation-of-connected-apps"}, 13},
		{"the header", eca, func(s *policy.Subject) { s.App.External = nil }, []string{"name", "api-name", "contact-email", "distribution-state"}, 12},
		{"the scopes", eca, func(s *policy.Subject) { s.App.OAuthSettings = nil }, []string{"enable-oauth", "oauth-scopes"}, 14},
		{"the global settings", eca, func(s *policy.Subject) { s.App.GlobalOAuthSettings = nil }, []string{"enable-oauth", "callback-url", "code-and-credentials-flow", "require-pkce", "secret-for-web-server-flow", "secret-for-refresh-token-flow"}, 10},
		{"the OAuth policies", eca, func(s *policy.Subject) { s.App.OAuthPolicies = nil }, []string{"permitted-users", "ip-relaxation", "refresh-token-policy"}, 13},
		{"the policies", eca, func(s *policy.Subject) { s.App.Policies = nil }, []string{"enable-oauth", "start-page"}, 14},
		{"an element without a documented default", eca, func(s *policy.Subject) { s.App.GlobalOAuthSettings.IsCodeCredFlowEnabled = nil }, []string{"code-and-credentials-flow"}, 15},
		{"PKCE in files of a version that has none", eca, func(s *policy.Subject) { s.Version, s.App.GlobalOAuthSettings.IsPKCERequired = 58, nil }, []string{"require-pkce"}, 15},
		{"PKCE in a file of unknown version", eca, func(s *policy.Subject) { s.Version, s.App.GlobalOAuthSettings.IsPKCERequired = 0, nil }, []string{"require-pkce"}, 15},
		{"the start page before version 62", eca, func(s *policy.Subject) { s.Version, s.App.Policies.StartPage = 61, "" }, []string{"start-page"}, 15},
		{"a connected app's policies", old, func(s *policy.Subject) { s.App.Connected.OAuthPolicy = nil }, []string{"allow-creation-of-connected-apps", "ip-relaxation", "refresh-token-policy"}, 11},
		{"permitted users of a connected app", old, func(s *policy.Subject) { s.App.Connected.OAuthConfig.IsAdminApproved = nil }, []string{"allow-creation-of-connected-apps", "permitted-users"}, 12},
		{"everything", eca, func(s *policy.Subject) { s.App = metadata.App{Kind: s.App.Kind} }, []string{"name", "api-name", "contact-email", "distribution-state", "enable-oauth", "callback-url", "oauth-scopes", "code-and-credentials-flow", "require-pkce", "secret-for-web-server-flow", "secret-for-refresh-token-flow", "start-page", "permitted-users", "ip-relaxation", "refresh-token-policy"}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := policy.Subject{App: tt.spec.New(), Version: 66}
			tt.change(&s)
			report := policy.Check(s, policy.Baseline(tt.spec)...)
			var unseen []string
			for _, f := range report.NotVisible {
				unseen = append(unseen, strings.TrimPrefix(f.Rule, "baseline-"))
				if f.Message == "" || f.Screen == "" || f.Want == "" || f.Field == "" {
					t.Errorf("incomplete: %+v", f)
				}
			}
			if !slices.Equal(unseen, tt.unseen) || len(report.Passed) != tt.otherwise || len(report.Findings) != 0 {
				t.Errorf("not visible: %q, want %q; %d passed, want %d\n%s", unseen, tt.unseen, len(report.Passed), tt.otherwise, report)
			}
		})
	}
}

func TestAnAbsentElementMeansTheDocumentedDefault(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	noPKCE := eca
	noPKCE.RequirePKCE = metadata.Cleared
	tests := []struct {
		name            string
		spec            metadata.AppSpec
		suffix, element string
		rule            string // found, or none
	}{
		{"PKCE of an external client app is required by default", eca, "ecaGlblOauth", "isPkceRequired", ""},
		{"which is wrong where it must not be", noPKCE, "ecaGlblOauth", "isPkceRequired", "baseline-require-pkce"},
		{"PKCE of a connected app is not required by default", old, "connectedApp", "isPkceRequired", ""},
		{"the secret is required for the web server flow", eca, "ecaGlblOauth", "isConsumerSecretOptional", ""},
		{"the secret is required for the refresh token flow", eca, "ecaGlblOauth", "isSecretRequiredForRefreshToken", ""},
		{"callbacks are none", eca, "ecaGlblOauth", "callbackUrl", "baseline-callback-url"},
		{"scopes are none", eca, "ecaOauth", "commaSeparatedOauthScopes", "baseline-oauth-scopes"},
		{"the contact email is empty", eca, "eca", "contactEmail", "baseline-contact-email"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := newTree(t, tt.spec).without(tt.suffix, tt.element)
			report := policy.Check(files.subject(t, tt.spec.APIName), policy.Baseline(tt.spec)...)
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.Rule)
			}
			if tt.rule == "baseline-require-pkce" && !strings.Contains(report.Findings[0].Message, "default") {
				t.Errorf("nothing about the default: %s", report.Findings[0])
			}
			if strings.Join(got, " ") != tt.rule || len(report.NotVisible) > 1 {
				t.Errorf("found %q, want %q\n%s", got, tt.rule, report)
			}
		})
	}
}

func TestBaselineHasARuleForEachListedFieldAndNoOther(t *testing.T) {
	if n := len(policy.Baseline(fullcast.ExternalClientApp(fullcast.Production, "a@example.com"))); n != 16 {
		t.Errorf("external client app: %d rules, want 15 settings and the kind", n)
	}
	if n := len(policy.Baseline(fullcast.ConnectedApp(fullcast.Production, "a@example.com"))); n != 14 {
		t.Errorf("connected app: %d rules, want 13 settings and the kind", n)
	}
	one := policy.Baseline(metadata.AppSpec{Kind: metadata.KindExternalClientApp, RequirePKCE: metadata.Selected})
	if len(one) != 2 || one[1].ID != "baseline-require-pkce" {
		t.Errorf("one listed field: %+v", one)
	}
	if n := len(policy.Baseline(metadata.AppSpec{})); n != 0 {
		t.Errorf("an empty spec: %d rules", n)
	}
	for name, spec := range specs() {
		if err := policy.Validate(policy.Baseline(spec)...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEveryFieldOfAnAppSpecHasARule(t *testing.T) {
	full := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	full.AllowCreationOfConnectedApps = metadata.Selected
	all := reflect.ValueOf(full)
	for i := range all.NumField() {
		name := all.Type().Field(i).Name
		if name == "Kind" {
			continue
		}
		for _, kind := range []metadata.Kind{metadata.KindExternalClientApp, metadata.KindConnectedApp} {
			one := metadata.AppSpec{Kind: kind}
			reflect.ValueOf(&one).Elem().Field(i).Set(all.Field(i))
			want := 2 // the kind and the field
			if kind == metadata.KindConnectedApp && (name == "Distribution" || name == "StartPage") {
				want = 1 // connected apps have none, and AppSpec.Validate refuses it
			}
			if rules := policy.Baseline(one); len(rules) != want {
				t.Errorf("%s, %s: %d rules, want %d", kind, name, len(rules), want)
			}
		}
	}
}

func TestAFindingNamesFileAndLine(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	files := newTree(t, spec).with(t, "ecaGlblOauth", "isPkceRequired", "false")
	f := policy.Check(files.subject(t, "Fullcast"), policy.Baseline(spec)...).Findings[0]
	line := 1 + strings.Count(strings.Split(files["ecaGlblOauth"], "<isPkceRequired>")[0], "\n")
	if f.File != "Fullcast_ecaGlblOauth.ecaGlblOauth" || f.Line != line {
		t.Errorf("%s:%d, want line %d", f.File, f.Line, line)
	}
}

func TestClicksAreThoseOfTheKindOfApp(t *testing.T) {
	for name, spec := range specs() {
		for _, r := range policy.Baseline(spec)[1:] {
			external := strings.HasPrefix(r.Fix, "Setup > Apps > External Client Apps > External Client App Manager > {app} > ")
			connected := strings.HasPrefix(r.Fix, "Setup > Apps > App Manager > {app} > Action menu > ")
			creation := r.ID == "baseline-allow-creation-of-connected-apps"
			if (spec.Kind == metadata.KindExternalClientApp) != external || (spec.Kind == metadata.KindConnectedApp && !creation) != connected {
				t.Errorf("%s: %s: %s", name, r.ID, r.Fix)
			}
			if !strings.Contains(r.Fix, ", then Save") {
				t.Errorf("%s: %s does not save: %s", name, r.ID, r.Fix)
			}
		}
	}
}

func TestAReportShowsNoSecretInAnyForm(t *testing.T) {
	const key, secret = "3MVG9consumerKEY", "5ECRETconsumerSECRET"
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			files := newTree(t, spec)
			credentials := "<consumerKey>" + key + "</consumerKey><consumerSecret>" + secret + "</consumerSecret>"
			for suffix, text := range files {
				for _, end := range []string{"</oauthConfig>", "</ExtlClntAppGlobalOauthSettings>"} {
					files[suffix] = strings.Replace(text, end, credentials+end, 1)
					text = files[suffix]
				}
			}
			wrong := spec
			wrong.Name, wrong.APIName, wrong.RequirePKCE, wrong.Scopes = "Other", "Other", metadata.Untouched, spec.Scopes[:1]
			wrong.CallbackURLs, wrong.PermittedUsers = spec.CallbackURLs[:1], metadata.AdminApprovedUsersOnly
			report := policy.Check(files.subject(t, spec.APIName), policy.Baseline(wrong)...)
			if len(report.Findings) != 5 {
				t.Fatalf("%d findings:\n%s", len(report.Findings), report)
			}
			data, err := json.Marshal(report)
			if err != nil {
				t.Fatal(err)
			}
			for form, text := range map[string]string{"%s": fmt.Sprint(report), "%+v": fmt.Sprintf("%+v", report), "%#v": fmt.Sprintf("%#v", report), "JSON": string(data)} {
				if strings.Contains(text, key) || strings.Contains(text, secret) {
					t.Errorf("%s shows a credential:\n%s", form, text)
				}
			}
		})
	}
}

func TestTextEscapesWhatCouldSteerATerminal(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "")
	app := spec.New()
	app.Name, app.External.Label = "Full\x1b[2Jcast", "Full\u202ecast\x1b]0;x\x07"
	text := policy.Check(policy.Subject{App: app}, policy.Baseline(spec)...).String()
	if strings.ContainsAny(text, "\x1b\x07\u202e") {
		t.Errorf("%q", text)
	}
}

func ExampleCheck() {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := want.New()
	app.OAuthPolicies.IPRelaxationPolicyType = "Enforce"

	fmt.Print(policy.Check(policy.Subject{App: app}, policy.Baseline(want)...))
	// Output:
	// note: Refresh Token Policy is "Refresh token is valid until revoked", and the app's idle limit (isEnforceRefreshTokenTTL) is not visible: where it is on, a refresh token ends when it is not used for 30 days.
	//
	// error: IP Relaxation [baseline-ip-relaxation]
	//   what  IP Relaxation is "Enforce IP restrictions", not "Enforce IP restrictions, but relax for refresh tokens"
	//   why   Refreshes come from Fullcast's servers, not from the user's network: enforced for them, the connection breaks; relaxed for everything, the org is less guarded than agreed.
	//   fix   Setup > Apps > External Client Apps > External Client App Manager > Fullcast > Policies tab > Edit > OAuth Policies: set IP Relaxation to "Enforce IP restrictions, but relax for refresh tokens", then Save
	//
	// Fullcast (external client app): 1 finding, 15 passed, 0 not visible
}

func ExampleBaseline() {
	for _, r := range policy.Baseline(fullcast.ConnectedApp(fullcast.Production, ""))[:4] {
		fmt.Println(r.ID, "-", r.Field, "-", r.Want)
	}
	// Output:
	// baseline-kind - Kind of app - connected app
	// baseline-allow-creation-of-connected-apps - Allow creation of connected apps - selected
	// baseline-name - Connected App Name - Fullcast Motion Package
	// baseline-api-name - API Name - Fullcast_Motion_Package
}

func ExampleValidate() {
	fmt.Println(policy.Validate(policy.Rule{ID: "no-canvas", Title: "No canvas", Why: "It is not used.", Field: "Canvas", Fix: "Setup", Severity: "note", NoCorrection: "-", Check: func(*policy.Pass) {}}))
	// Output:
	// policy: rule 0, ID "no-canvas": Source is empty; a rule is documented
}
