package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/policy"
)

// blockerScreens are the screens of connected apps on which a blocker is switched off.
var blockerScreens = []string{
	"Setup > Apps > App Manager > {app} > Action menu > Edit > Canvas App Settings",
	"Setup > Apps > App Manager > {app} > Action menu > Edit > Web App Settings",
	"Setup > Apps > App Manager > {app} > Action menu > View > Manage > Edit Policies > Custom Connected App Handler",
	"Setup > Apps > App Manager > {app} > Action menu > View > Manage > Edit Policies > User Provisioning Settings",
	"Setup > Apps > App Manager > {app} > Action menu > View > Initial Access Token for Dynamic Client Registration",
}

func TestThePlanNamesWhatBlocksSetupsMigrationAndTheClicksThatEndIt(t *testing.T) {
	for _, tt := range []struct {
		name, inner, what, screen string
		seen                      bool
	}{
		{"an Apex handler", "<plugin>Handler</plugin>", "Apex handler", blockerScreens[2], true},
		{"a canvas app", "<canvasConfig><accessMethod>Get</accessMethod><canvasUrl>https://a.example</canvasUrl></canvasConfig>", "Canvas", blockerScreens[0], true},
		{"a canvas app in the older form", "<canvas><accessMethod>Get</accessMethod><canvasUrl>https://a.example</canvasUrl></canvas>", "Canvas", blockerScreens[0], true},
		{"Triple DES", "<samlConfig><encryptionType>Triple_Des</encryptionType></samlConfig>", "Triple DES", blockerScreens[1], true},
		{"Triple DES in another spelling", "<samlConfig><encryptionType>TRIPLE_DES</encryptionType></samlConfig>", "Triple DES", blockerScreens[1], true},
		{"user provisioning, which no metadata holds", "", "User provisioning", blockerScreens[3], false},
		{"dynamic registration, which no metadata holds", "", "Dynamic client registration", blockerScreens[4], false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan(t, connectedWith(t, tt.inner, ""))
			if len(p.Roads[0].Blockers) > 0 {
				t.Errorf("a new app is blocked by %+v", p.Roads[0].Blockers)
			}
			i := slices.IndexFunc(p.Roads[1].Blockers, func(b policy.Blocker) bool { return b.What == tt.what })
			if i < 0 {
				t.Fatalf("no %s in %+v", tt.what, p.Roads[1].Blockers)
			}
			b := p.Roads[1].Blockers[i]
			path, do, _ := strings.Cut(b.Do, ": ")
			if b.Seen != tt.seen || strings.Replace(path, " > A > ", " > {app} > ", 1) != tt.screen || do == "" {
				t.Errorf("%+v, want the screen %s", b, tt.screen)
			}
			if !strings.Contains(p.String(), b.Do) {
				t.Errorf("the text has no %q:\n%s", b.Do, p)
			}
		})
	}
	t.Run("what the app has not", func(t *testing.T) {
		for _, b := range plan(t, connectedWith(t, "<samlConfig><encryptionType>AES_256</encryptionType></samlConfig>", "")).Roads[1].Blockers {
			if b.Seen {
				t.Errorf("%+v", b)
			}
		}
	})
}

func TestThePlanTellsOfTheAllowListThatAMigrationLoses(t *testing.T) {
	p := plan(t, fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New())
	i := slices.IndexFunc(p.Items, func(i policy.Item) bool { return i.Field == "Refresh Token IP Allowlist" })
	if i < 0 || p.Items[i].Fate != policy.Lost || p.Items[i].Old != "not visible" {
		t.Fatalf("%+v", p.Items)
	}
	if !slices.ContainsFunc(p.Roads[1].Steps, func(s policy.Step) bool {
		return s.Who == "Salesforce admin" && strings.HasPrefix(s.Do, "Setup > Apps > External Client Apps > External Client App Manager > Fullcast Motion Package > Settings tab > OAuth Settings > Edit: ") &&
			strings.Contains(s.Do, "Refresh Token IP Allowlist") && strings.Contains(s.Do, "description")
	}) {
		t.Errorf("no step of road 2 restores it: %+v", p.Roads[1].Steps)
	}
}

func TestAMobileAppsConfigurationIsLostAndItsFilesAreToldByTheirSize(t *testing.T) {
	file := strings.Repeat("QUJD", 200_000)
	p := plan(t, connectedWith(t, "<mobileAppConfig><applicationBinaryFile>"+file+"</applicationBinaryFile><devicePlatform>ios</devicePlatform><version>1</version></mobileAppConfig>", ""))
	for _, i := range p.Items {
		if strings.HasPrefix(i.Field, "mobileAppConfig/") && (i.Fate != policy.Lost || i.New != "" || i.Place != "") {
			t.Errorf("%s: %s, %s", i.Field, i.Fate, i.Place)
		}
		if i.Field == "mobileAppConfig/applicationBinaryFile" && i.Old != "a file of 800000 characters in base64" {
			t.Errorf("%.100s", i.Old)
		}
	}
	if n := len(p.String()); n > 20_000 {
		t.Errorf("the plan is %d bytes long", n)
	}
}

func TestProfilesOfAnAppWithoutOAuthBelongToItsSAMLPolicies(t *testing.T) {
	const saml = "<samlConfig><issuer>i</issuer></samlConfig>"
	places := func(inner, oauth string) map[string]string {
		all := map[string]string{}
		for _, i := range plan(t, parsedConnected(t, inner+"<profileName>P</profileName><permissionSetName>S</permissionSetName><attributes><formula>f</formula><key>k</key></attributes>"+oauth)).Items {
			all[i.Field] = i.Place
		}
		return all
	}
	only := places(saml, "")
	for field, element := range map[string]string{"profileName": "commaSeparatedProfile", "permissionSetName": "commaSeparatedPermissionSet", "attributes/key": "customAttributes/key", "attributes/formula": "customAttributes/formula"} {
		if want := "ExtlClntAppSamlConfigurablePolicies/" + element; only[field] != want {
			t.Errorf("%s: %s, want %s", field, only[field], want)
		}
	}
	if both := places(saml, "<oauthConfig><callbackUrl>https://a.example</callbackUrl></oauthConfig>"); both["profileName"] != "ExtlClntAppOauthConfigurablePolicies/commaSeparatedProfile" {
		t.Errorf("with OAuth: %s", both["profileName"])
	}
}

func TestThePlanAndTheAPINamesFindingSayTheSame(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	migrated := eca
	migrated.APIName = "Fullcast_Motion_Package"
	var fix string
	for _, f := range policy.Check(policy.Subject{App: migrated.New(), Version: 68}, policy.Baseline(eca)...).Findings {
		if f.Rule == "baseline-api-name" {
			_, fix, _ = strings.Cut(f.Fix, ": ")
		}
	}
	road := plan(t, fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()).Roads[1]
	if fix == "" || !slices.ContainsFunc(road.Steps, func(s policy.Step) bool { return strings.HasSuffix(s.Do, fix) }) {
		t.Errorf("no step of road 2 is %q: %+v", fix, road.Steps)
	}
	if !strings.Contains(fix, "where Setup lets you") {
		t.Errorf("promises that Setup renames an app: %s", fix)
	}
}

func TestTheLinesThatAStepHasToCopyAreLinesInThePlansText(t *testing.T) {
	p := plan(t, connectedWith(t, "", ""))
	text := p.String()
	for _, u := range p.App.Spec().CallbackURLs {
		if !strings.Contains(text, "\n       "+u+"\n") {
			t.Errorf("%s has no line of its own in\n%s", u, text)
		}
	}
	if strings.Contains(text, "then Save, ") {
		t.Errorf("what is to be copied stands in the sentence:\n%s", text)
	}
}

func TestAPlansTextHasAValueThatIsCarriedAsItIsOnce(t *testing.T) {
	text := plan(t, connectedWith(t, "<description>carried as it is</description><profileName>One</profileName>", "<scopes>SFAP</scopes>")).String()
	if strings.Count(text, "carried as it is") != 1 || !strings.Contains(text, "description: carried as it is, would be ExternalClientApplication/description\n") {
		t.Errorf("%s", text)
	}
	if !strings.Contains(text, "OAuth Scopes: SFAP, would be ExtlClntAppOauthSettings/commaSeparatedOauthScopes = SFApiPlatform\n") {
		t.Errorf("another spelling is not told:\n%s", text)
	}
}

func TestTripleDESIsLostAndTheOtherEncryptionsAreOffered(t *testing.T) {
	for word, fate := range map[string]policy.Fate{"Triple_Des": policy.Lost, "triple_des": policy.Lost, "AES_128": policy.Offered, "AES_256": policy.Offered} {
		p := plan(t, connectedWith(t, "<samlConfig><encryptionType>"+word+"</encryptionType></samlConfig>", ""))
		i := slices.IndexFunc(p.Items, func(i policy.Item) bool { return i.Field == "samlConfig/encryptionType" })
		if i < 0 || p.Items[i].Fate != fate || fate == policy.Lost && !strings.Contains(p.Items[i].Why, "AES_128 or AES_256") {
			t.Errorf("%s: %+v", word, p.Items)
		}
	}
}

func TestAPlansTextEndsWithItsTotals(t *testing.T) {
	p := plan(t, connectedWith(t, "<description>d</description>", ""))
	fates := map[policy.Fate]int{}
	for _, i := range p.Items {
		fates[i.Fate]++
	}
	want := fmt.Sprintf("\n\nMigration to Fullcast: %d kept, %d changed, %d offered, %d lost\n", fates[policy.Kept], fates[policy.Changed], fates[policy.Offered], fates[policy.Lost])
	if !strings.HasSuffix(p.String(), want) || fates[policy.Offered] == 0 {
		t.Errorf("want %q at the end of\n%s", want, p)
	}
}

func TestWhatTheNewAppHasByDefaultIsKeptAndANoteIsAboutWhatIsOn(t *testing.T) {
	p := plan(t, connectedWith(t, "<oauthPolicy><isTokenExchangeFlowEnabled>false</isTokenExchangeFlowEnabled></oauthPolicy>",
		"<isClientCredentialEnabled>false</isClientCredentialEnabled><isIntrospectAllTokens>false</isIntrospectAllTokens><isNamedUserJwtEnabled>false</isNamedUserJwtEnabled><isRefreshTokenRotationEnabled>false</isRefreshTokenRotationEnabled>"))
	got := map[string]policy.Item{}
	for _, i := range p.Items {
		got[i.Field] = i
	}
	for _, field := range []string{"oauthConfig/isIntrospectAllTokens", "oauthConfig/isNamedUserJwtEnabled", "oauthPolicy/isTokenExchangeFlowEnabled"} {
		if want := (policy.Item{Fate: policy.Kept, Field: field, Old: "false", New: "false"}); got[field] != want {
			t.Errorf("%+v, want %+v", got[field], want)
		}
	}
	for _, field := range []string{"oauthConfig/isClientCredentialEnabled", "oauthConfig/isRefreshTokenRotationEnabled"} { // no default is documented
		if i := got[field]; i.Fate != policy.Offered || !strings.HasSuffix(i.Why, "the admin decides.") {
			t.Errorf("%+v", i)
		}
	}
}
