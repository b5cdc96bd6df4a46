package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// The components of an external client app, as a plan names them.
const (
	header   = "ExternalClientApplication/"
	oauth    = "ExtlClntAppOauthSettings/"
	global   = "ExtlClntAppGlobalOauthSettings/"
	policies = "ExtlClntAppOauthConfigurablePolicies/"
	enabled  = "ExtlClntAppConfigurablePolicies/"
	saml     = "ExtlClntAppSamlConfigurablePolicies/"
	canvas   = "ExtlClntAppCanvasSettings/"
)

// bare lists nothing but what an app needs, so that every setting of the connected app is the admin's to carry.
func bare() metadata.AppSpec {
	return metadata.AppSpec{Kind: metadata.KindExternalClientApp, Name: "Fullcast", APIName: "Fullcast"}
}

// carry plans the migration of the connected app that holds some elements, and wants the item among those of the plan.
func carry(t *testing.T, inner string, want policy.Item, hint string) {
	t.Helper()
	const root = `<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">`
	app, err := metadata.ParseFile("Fullcast_Motion_Package.connectedApp", []byte(root+inner+"</ConnectedApp>"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.PlanMigration(app, bare())
	if err != nil {
		t.Fatal(err)
	}
	if !exists(want.Place) {
		t.Errorf("no schema has %s", want.Place)
	}
	for _, got := range p.Items {
		why := got.Why
		if got.Why = ""; got == want {
			if why == "" || !strings.Contains(why, hint) {
				t.Errorf("the reason says nothing of %q: %s", hint, why)
			}
			return
		}
	}
	t.Errorf("not in the plan: %+v\n%s", want, p)
}

// The two tests below are the schemas of the two kinds of app, row by row.
//
// Source: Metadata API, ConnectedApp and the ExtlClntApp… types; where names differ, a public app before and after its
// migration.

func TestWhatTheInstructionsDoNotListHasItsPlaceInTheNewApp(t *testing.T) {
	for _, row := range []struct{ path, value, place, hint string }{
		{"contactPhone", "1", header + "contactPhone", ""},
		{"description", "d", header + "description", ""},
		{"iconUrl", "i", header + "iconUrl", ""},
		{"infoUrl", "i", header + "infoUrl", ""},
		{"logoUrl", "l", header + "logoUrl", ""},

		{"oauthConfig/certificate", "MII", global + "certificate", "JWT"},
		{"oauthConfig/isIntrospectAllTokens", "true", global + "isIntrospectAllTokens", ""},
		{"oauthConfig/isNamedUserJwtEnabled", "true", global + "isNamedUserJwtEnabled", "SOAP"},
		{"oauthConfig/isRefreshTokenRotationEnabled", "true", global + "isRefreshTokenRotationEnabled", ""},
		{"oauthConfig/isTokenExchangeEnabled", "true", global + "isTokenExchangeEnabled", ""},
		{"oauthConfig/isSecretRequiredForTokenExchange", "false", global + "isSecretRequiredForTokenExchange", ""},
		{"oauthConfig/isClientCredentialEnabled", "true", global + "isClientCredentialsFlowEnabled", "OAuth policies have a switch of the same name"},
		{"oauthConfig/oauthClientCredentialUser", "u", policies + "clientCredentialsFlowUser", ""},
		{"oauthConfig/isCodeCredentialPostOnly", "true", global + "isCodeCredPostOnly", ""},

		{"oauthConfig/idTokenConfig/idTokenValidity", "5", global + "idTokenConfig/idTokenValidityInMinutes", ""},
		{"oauthConfig/idTokenConfig/idTokenIncludeCustomPerms", "true", global + "idTokenConfig/idTokenIncludeCustomPermissions", ""},
		{"oauthConfig/idTokenConfig/idTokenAudience", "a", global + "idTokenConfig/idTokenAudience", ""},
		{"oauthConfig/idTokenConfig/idTokenIncludeAttributes", "true", global + "idTokenConfig/idTokenIncludeAttributes", ""},
		{"oauthConfig/idTokenConfig/idTokenIncludeStandardClaims", "true", global + "idTokenConfig/idTokenIncludeStandardClaims", ""},
		{"oauthConfig/assetTokenConfig/assetAudiences", "a", oauth + "assetTokenAudiences", ""},
		{"oauthConfig/assetTokenConfig/assetIncludeAttributes", "true", oauth + "areAttributesIncludedInAssetToken", ""},
		{"oauthConfig/assetTokenConfig/assetIncludeCustomPerms", "true", oauth + "areCustomPermsIncludedInAssetToken", ""},
		{"oauthConfig/assetTokenConfig/assetSigningCertId", "0P1", oauth + "assetTokenSigningCertificate", "certificate's ID"},
		{"oauthConfig/assetTokenConfig/assetValidityPeriod", "60", oauth + "assetTokenValidity", ""},

		{"oauthConfig/singleLogoutUrl", "s", oauth + "singleLogoutUrl", ""},
		{"ipRanges/start", "1.1.1.1", oauth + "trustedIpRanges/startIpAddress", ""},
		{"ipRanges/end", "1.1.1.9", oauth + "trustedIpRanges/endIpAddress", ""},
		{"ipRanges/description", "d", oauth + "trustedIpRanges/description", ""},
		{"attributes/key", "k", oauth + "customAttributes/key", ""},
		{"attributes/formula", "f", oauth + "customAttributes/formula", ""},

		{"permissionSetName", "Sales - Admin", policies + "commaSeparatedPermissionSet", "takes its API name"},
		{"profileName", "Standard", policies + "commaSeparatedProfile", ""},
		{"oauthPolicy/isTokenExchangeFlowEnabled", "true", policies + "isTokenExchangeFlowEnabled", ""},
		{"oauthPolicy/singleLogoutUrl", "s", policies + "singleLogoutUrl", ""},
		{"sessionPolicy/sessionTimeout", "30", policies + "sessionTimeoutInMinutes", ""},
		{"sessionPolicy/sessionLevel", "HIGH_ASSURANCE", policies + "requiredSessionLevel", ""},
		{"sessionPolicy/policyAction", "Block", policies + "policyAction", ""},
		{"plugin", "P", policies + "apexHandler", ""},
		{"pluginExecutionUser", "u", policies + "executeHandlerAs", ""},

		{"startUrl", "/s", enabled + "startUrl", "Start Page Custom"},
		{"samlConfig/acsUrl", "a", saml + "acsUrl", "component of its own"},
		{"samlConfig/certificate", "c", saml + "certificate", ""},
		{"samlConfig/encryptionCertificate", "c", saml + "encryptionCertificate", ""},
		{"samlConfig/encryptionType", "AES_256", saml + "encryptionType", ""},
		{"samlConfig/entityUrl", "e", saml + "entityUrl", ""},
		{"samlConfig/issuer", "i", saml + "issuer", ""},
		{"samlConfig/samlIdpSLOBindingEnum", "PostBinding", saml + "singleLogoutBindingType", ""},
		{"samlConfig/samlNameIdFormat", "Persistent", saml + "nameIdFormat", ""},
		{"samlConfig/samlSigningAlgoType", "SHA256", saml + "signingAlgorithmType", ""},
		{"samlConfig/samlSloUrl", "s", saml + "singleLogoutUrl", ""},
		{"samlConfig/samlSubjectCustomAttr", "s", saml + "subjectCustomAttribute", ""},
		{"samlConfig/samlSubjectType", "UserId", saml + "subjectType", ""},
		{"canvasConfig/accessMethod", "Get", canvas + "accessMethod", "component of its own"},
		{"canvasConfig/canvasUrl", "u", canvas + "canvasUrl", ""},
		{"canvasConfig/lifecycleClass", "l", canvas + "lifeCycleHandler", ""},
		{"canvasConfig/locations", "Aura", canvas + "canvasLocationOptions", ""},
		{"canvasConfig/options", "HideShare", canvas + "canvasOptions", ""},
		{"canvasConfig/samlInitiationMethod", "None", canvas + "samlInitiationMethod", ""},
		{"canvas/locationOptions", "Aura", canvas + "canvasLocationOptions", "component of its own"},
	} {
		t.Run(row.path, func(t *testing.T) {
			inner := row.value
			for names := strings.Split(row.path, "/"); len(names) > 0; names = names[:len(names)-1] {
				name := names[len(names)-1]
				inner = "<" + name + ">" + inner + "</" + name + ">"
			}
			carry(t, inner, policy.Item{Fate: policy.Offered, Field: row.path, Old: row.value, New: row.value, Place: row.place}, row.hint)
		})
	}
}

func TestWhatTheWantedAppDoesNotListIsToldInTheNewAppsSpelling(t *testing.T) {
	const (
		pkce     = "Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows"
		after    = "Expire refresh token after specific time: 60 Months"
		ifUnused = "Expire refresh token if not used for specific time: 7 Days"
	)
	config := func(inner string) string { return "<oauthConfig>" + inner + "</oauthConfig>" }
	relaxed := func(word string) string {
		return "<oauthPolicy><ipRelaxation>" + word + "</ipRelaxation></oauthPolicy>"
	}
	refresh := func(word string) string {
		return "<oauthPolicy><refreshTokenPolicy>" + word + "</refreshTokenPolicy></oauthPolicy>"
	}
	for _, row := range []struct{ inner, label, old, is, place string }{
		{config(""), "Enable OAuth", "selected", "true", enabled + "isOauthPluginEnabled"},
		{config(""), "Enable OAuth", "selected", "true", enabled + "isEnabled"},
		{config("<callbackUrl>https://a.example/1\r\nhttps://a.example/2</callbackUrl>"), "Callback URL",
			"https://a.example/1\nhttps://a.example/2", "https://a.example/1\nhttps://a.example/2", global + "callbackUrl"},
		{config("<scopes>OpenID</scopes><scopes>SFAP</scopes><scopes>Chatter</scopes>"), "OAuth Scopes",
			"Access unique user identifiers (openid)\nSFAP\nChatter", "Chatter, OpenID, SFApiPlatform", oauth + "commaSeparatedOauthScopes"},
		{config("<isCodeCredentialEnabled>true</isCodeCredentialEnabled>"), "Enable Authorization Code and Credentials Flow", "selected", "true", global + "isCodeCredFlowEnabled"},
		{config("<isPkceRequired>false</isPkceRequired>"), pkce, "cleared", "false", global + "isPkceRequired"},
		// This one is the opposite of its label.
		{config("<isConsumerSecretOptional>false</isConsumerSecretOptional>"), "Require Secret for Web Server Flow", "selected", "false", global + "isConsumerSecretOptional"},
		{config("<isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>"), "Require Secret for Refresh Token Flow", "selected", "true", global + "isSecretRequiredForRefreshToken"},
		{config("<isAdminApproved>false</isAdminApproved>"), "Permitted Users", "All users may self-authorize", "AllSelfAuthorized", policies + "permittedUsersPolicyType"},
		{config("<isAdminApproved>true</isAdminApproved>"), "Permitted Users", "Admin approved users are pre-authorized", "AdminApprovedPreAuthorized", policies + "permittedUsersPolicyType"},

		{relaxed("ENFORCE"), "IP Relaxation", "Enforce IP restrictions", "Enforce", policies + "ipRelaxationPolicyType"},
		{relaxed("BYPASS"), "IP Relaxation", "Relax IP restrictions", "Bypass", policies + "ipRelaxationPolicyType"},
		{relaxed("BYPASS_2FACTOR"), "IP Relaxation", "Relax IP restrictions for activated devices", "Bypass_2factor", policies + "ipRelaxationPolicyType"},
		{relaxed("ENFORCE_RELAXREFRESH"), "IP Relaxation", "Enforce IP restrictions, but relax for refresh tokens", "Enforce_relaxrefresh", policies + "ipRelaxationPolicyType"},
		{refresh("infinite"), "Refresh Token Policy", "Refresh token is valid until revoked", "Infinite", policies + "refreshTokenPolicyType"},
		{refresh("zero"), "Refresh Token Policy", "Immediately expire refresh token", "Zero", policies + "refreshTokenPolicyType"},
		{refresh("specific_lifetime:60:MONTHS"), "Refresh Token Policy", after, "SpecificLifetime", policies + "refreshTokenPolicyType"},
		{refresh("specific_lifetime:60:MONTHS"), "Refresh Token Policy", after, "60", policies + "refreshTokenValidityPeriod"},
		{refresh("specific_lifetime:60:MONTHS"), "Refresh Token Policy", after, "Months", policies + "refreshTokenValidityUnit"},
		{refresh("specific_inactivity:7:DAYS"), "Refresh Token Policy", ifUnused, "SpecificInactivity", policies + "refreshTokenPolicyType"},
		{refresh("specific_inactivity:7:DAYS"), "Refresh Token Policy", ifUnused, "Days", policies + "refreshTokenValidityUnit"},
	} {
		t.Run(row.label+" "+row.is, func(t *testing.T) {
			carry(t, row.inner, policy.Item{Fate: policy.Offered, Field: row.label, Old: row.old, New: row.is, Place: row.place}, "does not list it")
		})
	}
}

func TestWhatThePlannedAppHasOfItsOwn(t *testing.T) {
	app := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	app.Connected.OAuthConfig.ConsumerKey, app.Connected.OAuthConfig.ConsumerSecret = "KEY", secret.New("SECRET")
	for _, want := range []policy.Item{
		{Fate: policy.Changed, Field: "API Name", Old: "Fullcast_Motion_Package", New: "Fullcast"},
		{Fate: policy.Changed, Field: "External Client App Name", Old: "Fullcast Motion Package", New: "Fullcast"},
		{Fate: policy.Kept, Field: "Contact Email", Old: "admin@example.com", New: "admin@example.com"},
		{Fate: policy.Lost, Field: "Consumer Key and Secret", Old: "not shown"},
	} {
		items := plan(t, app).Items
		if !slices.ContainsFunc(items, func(i policy.Item) bool { i.Why = ""; return i == want }) {
			t.Errorf("not in the plan: %+v", want)
		}
	}
}

func TestAStartURLIsNeverLostSilently(t *testing.T) {
	app := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	app.Connected.StartURL = "https://app.example.com/start"
	for page, want := range map[metadata.StartPage]policy.Item{
		"":                       {Fate: policy.Offered, New: app.Connected.StartURL, Place: enabled + "startUrl"},
		metadata.StartPageCustom: {Fate: policy.Offered, New: app.Connected.StartURL, Place: enabled + "startUrl"},
		metadata.StartPageNone:   {Fate: policy.Changed, New: "Start Page None"},
		metadata.StartPageOAuth:  {Fate: policy.Changed, New: "Start Page OAuth"},
		metadata.StartPageSAML:   {Fate: policy.Changed, New: "Start Page SAML"},
	} {
		to := fullcast.ExternalClientApp(fullcast.Production, "")
		to.StartPage = page
		p, err := policy.PlanMigration(app, to)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Items, func(i policy.Item) bool { return i.Field == "startUrl" })
		if i < 0 {
			t.Errorf("with Start Page %q it is not in the plan", page)
			continue
		}
		got := p.Items[i]
		want.Field, want.Old, want.Why = "startUrl", app.Connected.StartURL, got.Why
		if got != want || !strings.Contains(got.Why, "Start Page Custom") {
			t.Errorf("with Start Page %q: got %+v, want %+v", page, got, want)
		}
	}
}

func TestEachRoadSaysWhoDoesWhatAndWhatBecomesOfTheOldApp(t *testing.T) {
	p := plan(t, fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New())
	for i, want := range []struct {
		first, assumed, oldApp string
		then                   []string // in this order
	}{
		{"click New External Client App", "how long a new app takes", "works unchanged until the admin", []string{
			"until the new app works", "copy both and give them to Fullcast", "checks the new app", "authorizes the new app", "revokes the old one's token", "block it; delete it",
		}},
		{"click Migrate to External Client App", "consumer key, consumer secret and tokens stay", "read-only version", []string{
			"makes an external client app", "checks that the connection still works", "Refresh Token IP Allowlist", "type \"Fullcast\" as External Client App Name", "checks the app against the instructions",
		}},
	} {
		road := p.Roads[i]
		if s := road.Steps[0]; s.Who != "Salesforce admin" || !strings.Contains(s.Do, want.first) {
			t.Errorf("%s begins with %+v, want that the admin has to %s", road.Title, s, want.first)
		}
		who := map[string]bool{}
		for _, s := range road.Steps {
			if len(want.then) > 0 && strings.Contains(s.Do, want.then[0]) {
				want.then = want.then[1:]
			}
			if who[s.Who] = true; s.Do == "" {
				t.Errorf("%s: a step without words", road.Title)
			}
		}
		if len(want.then) > 0 {
			t.Errorf("%s: %q is not done in its turn: %+v", road.Title, want.then[0], road.Steps)
		}
		if len(who) != 3 || !who["Salesforce admin"] || !who["Fullcast"] || !who["Salesforce"] {
			t.Errorf("%s: steps of %v", road.Title, who)
		}
		if !strings.Contains(strings.Join(road.Assumed, "; "), want.assumed) || !strings.Contains(road.OldApp, want.oldApp) {
			t.Errorf("%s: assumed %q; the old app: %s", road.Title, road.Assumed, road.OldApp)
		}
	}
}
