package policy_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// differences are those of two connected apps with some elements, without what the two have to have.
func differences(t *testing.T, a, b string) []string {
	t.Helper()
	var all []string
	for _, d := range policy.Diff(parsedConnected(t, a), parsedConnected(t, b)) {
		all = append(all, fmt.Sprintf("%s: %s, %s", d.Field, d.A, d.B))
	}
	return all
}

// each writes an element once for each text.
func each(element string, texts ...string) string {
	var b strings.Builder
	for _, text := range texts {
		fmt.Fprintf(&b, "<%s>%s</%s>", element, text, element)
	}
	return b.String()
}

func TestTheOrderOfASetsMembersIsNoDifference(t *testing.T) {
	ranges := func(starts ...string) string {
		var texts []string
		for _, s := range starts {
			texts = append(texts, "<description>"+s+"</description><end>"+s+"</end><start>"+s+"</start>")
		}
		return each("ipRanges", texts...)
	}
	for _, element := range []string{"profileName", "permissionSetName"} {
		if d := differences(t, each(element, "A", "B", "C"), each(element, "C", "A", "B")); len(d) > 0 {
			t.Errorf("%s: %q", element, d)
		}
	}
	if d := differences(t, ranges("192.0.2.1", "192.0.2.2", "192.0.2.3"), ranges("192.0.2.3", "192.0.2.1", "192.0.2.2")); len(d) > 0 {
		t.Errorf("%q", d)
	}
	if d := differences(t, each("attributes", "<formula>f</formula><key>a</key>", "<formula>g</formula><key>b</key>"), each("attributes", "<key>b</key><formula>g</formula>", "<key>a</key><formula>f</formula>")); len(d) > 0 {
		t.Errorf("%q", d)
	}
	canvas := func(options string) string {
		return "<canvasConfig><accessMethod>Get</accessMethod><canvasUrl>u</canvasUrl>" + options + "</canvasConfig>"
	}
	if d := differences(t, canvas(each("locations", "Aura", "Chatter")+each("options", "HideShare", "HideHeader")), canvas(each("locations", "Chatter", "Aura")+each("options", "HideHeader", "HideShare"))); len(d) > 0 {
		t.Errorf("%q", d)
	}
}

func TestOnlyTheMembersThatOneSideHasAreDifferences(t *testing.T) {
	for _, tt := range []struct {
		name, a, b string
		want       []string
	}{
		{"one more", each("profileName", "B", "A"), each("profileName", "A"), []string{"profileName: B, (absent)"}},
		{"one less", each("profileName", "A"), each("profileName", "B", "A"), []string{"profileName: (absent), B"}},
		{"one twice", each("profileName", "A", "A"), each("profileName", "A"), []string{"profileName[2]: A, (absent)"}},
		{"another", each("profileName", "A", "B"), each("profileName", "B", "C"), []string{"profileName: A, (absent)", "profileName[2]: (absent), C"}},
		{"another end of a range", each("ipRanges", "<end>2</end><start>1</start>", "<end>4</end><start>3</start>"), each("ipRanges", "<end>4</end><start>3</start>", "<end>9</end><start>1</start>"),
			[]string{"ipRanges/end: 2, (absent)", "ipRanges/start: 1, (absent)", "ipRanges[2]/end: (absent), 9", "ipRanges[2]/start: (absent), 1"}},
	} {
		if got := differences(t, tt.a, tt.b); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestMembersAreListedByTheirNumbers(t *testing.T) {
	var names []string
	for i := range 12 {
		names = append(names, fmt.Sprint("P", i))
	}
	for i, d := range differences(t, each("profileName", names...), "") {
		if want := fmt.Sprintf("P%d, ", i); !strings.Contains(d, want) {
			t.Errorf("%d: %s, want %s", i, d, want)
		}
	}
}

func TestAListSeparatedByCommasIsASet(t *testing.T) {
	policies := func(set func(*metadata.OAuthPolicies)) metadata.App {
		app := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com").New()
		set(app.OAuthPolicies)
		return app
	}
	for name, element := range map[string]func(*metadata.OAuthPolicies) *string{
		"permission sets": func(p *metadata.OAuthPolicies) *string { return &p.CommaSeparatedPermissionSet },
		"profiles":        func(p *metadata.OAuthPolicies) *string { return &p.CommaSeparatedProfile },
		"custom scopes":   func(p *metadata.OAuthPolicies) *string { return &p.CommaSeparatedCustomScopes },
	} {
		a := policies(func(p *metadata.OAuthPolicies) { *element(p) = "A,B" })
		for _, same := range []string{"A, B", "B,A", " B , A ", "A,B,", "A,B,A"} {
			if d := policy.Diff(a, policies(func(p *metadata.OAuthPolicies) { *element(p) = same })); len(d) > 0 {
				t.Errorf("%s: %q: %+v", name, same, d)
			}
		}
		if d := policy.Diff(a, policies(func(p *metadata.OAuthPolicies) { *element(p) = "A, C" })); len(d) != 1 || d[0].A != "A, B" || d[0].B != "A, C" {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// documented are the defaults that Salesforce's reference gives for elements that are absent, as "component path = text".
//
// Source: Metadata API Developer Guide, the pages of the types.
var documented = []string{
	"ExternalClientApplication isProtected = false",
	"ExtlClntAppOauthSettings areAttributesIncludedInAssetToken = false", "ExtlClntAppOauthSettings areCustomPermsIncludedInAssetToken = false",
	"ExtlClntAppGlobalOauthSettings isCodeCredFlowEnabled = false", "ExtlClntAppGlobalOauthSettings isCodeCredPostOnly = false", "ExtlClntAppGlobalOauthSettings isIntrospectAllTokens = false",
	"ExtlClntAppGlobalOauthSettings isNamedUserJwtEnabled = false", "ExtlClntAppGlobalOauthSettings idTokenConfig/idTokenValidityInMinutes = 2",
	"ExtlClntAppGlobalOauthSettings isPkceRequired = true", "ExtlClntAppGlobalOauthSettings isConsumerSecretOptional = false", "ExtlClntAppGlobalOauthSettings isSecretRequiredForRefreshToken = true",
	"ExtlClntAppOauthConfigurablePolicies isClientCredentialsFlowEnabled = false", "ExtlClntAppOauthConfigurablePolicies isGuestCodeCredFlowEnabled = false",
	"ExtlClntAppOauthConfigurablePolicies isTokenExchangeFlowEnabled = false", "ExtlClntAppOauthConfigurablePolicies isNamedUserJwtEnabled = false",
	"ExtlClntAppConfigurablePolicies isCanvasPluginEnabled = true", "ExtlClntAppConfigurablePolicies isMobilePluginEnabled = true", "ExtlClntAppConfigurablePolicies isNotificationPluginEnabled = true",
	"ExtlClntAppConfigurablePolicies isPushPluginEnabled = true", "ExtlClntAppConfigurablePolicies isSamlPluginEnabled = true", "ExtlClntAppConfigurablePolicies isOauthPluginEnabled = true",
	"ConnectedApp oauthConfig/isAdminApproved = false", "ConnectedApp oauthConfig/isClientCredentialEnabled = false", "ConnectedApp oauthConfig/isCodeCredentialEnabled = false",
	"ConnectedApp oauthConfig/isCodeCredentialPostOnly = false", "ConnectedApp oauthConfig/isConsumerSecretOptional = false", "ConnectedApp oauthConfig/isIntrospectAllTokens = false",
	"ConnectedApp oauthConfig/isPkceRequired = false", "ConnectedApp oauthConfig/isSecretRequiredForRefreshToken = true", "ConnectedApp oauthConfig/idTokenConfig/idTokenValidity = 2",
	"ConnectedApp oauthConfig/assetTokenConfig/assetIncludeAttributes = true", "ConnectedApp oauthConfig/assetTokenConfig/assetIncludeCustomPerms = true",
	"ConnectedApp samlConfig/samlNameIdFormat = Unspecified",
}

func TestAnAbsentElementAndItsDocumentedDefaultAreNoDifference(t *testing.T) {
	seen := 0
	for _, spec := range []metadata.AppSpec{fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"), fullcast.ConnectedApp(fullcast.Production, "admin@example.com")} {
		for _, l := range leaves(spec.Kind) {
			i := slices.IndexFunc(documented, func(d string) bool { return strings.HasPrefix(d, l.String()+" = ") })
			if l.typ.Kind() != reflect.Pointer && i < 0 {
				continue
			}
			base := withSibling(l, spec.New())
			absent := l.set(base, 0, valueOf(l, ""))
			for _, text := range []string{"true", "false", "2", "Unspecified"} {
				value := valueOf(l, text)
				if !value.IsValid() {
					continue
				}
				app := l.set(base, 0, value)
				same := i >= 0 && strings.HasSuffix(documented[i], " = "+text)
				if l.mark() == "platform" || l.mark() == "action" || l.String() == "ExtlClntAppConfigurablePolicies isEnabled" {
					continue
				}
				if d := policy.Diff(app, absent); (len(d) == 0) != same {
					t.Errorf("%s = %s: the default is %v: %+v", l, text, same, d)
				}
				if d := policy.Diff(absent, app); (len(d) == 0) != same {
					t.Errorf("absent %s: %s is the default: %v: %+v", l, text, same, d)
				}
				seen++
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d", seen)
	}
}

// valueOf is a leaf's value that a text stands for; the one that is absent for "", and none where the leaf is of another type.
func valueOf(l leaf, text string) reflect.Value {
	switch {
	case text == "":
		return reflect.Zero(l.typ)
	case l.typ.Kind() == reflect.String && text == "Unspecified":
		return reflect.ValueOf(text).Convert(l.typ)
	case l.typ.Kind() == reflect.Pointer && l.typ.Elem().Kind() == reflect.Bool && (text == "true" || text == "false"):
		return reflect.ValueOf(new(text == "true"))
	case l.typ.Kind() == reflect.Pointer && l.typ.Elem().Kind() == reflect.Int && text == "2":
		return reflect.ValueOf(new(2))
	}
	return reflect.Value{}
}

// withSibling sets another text of the elements around a leaf, so that they are there without it.
func withSibling(l leaf, app metadata.App) metadata.App {
	for _, other := range leaves(app.Kind) {
		if len(l.names) > 1 && other.typ.Kind() == reflect.String && other.component == l.component && other.String() != l.String() && slices.Equal(other.names[:len(other.names)-1], l.names[:len(l.names)-1]) {
			return other.set(app, 0, reflect.ValueOf("x").Convert(other.typ))
		}
	}
	return app
}

func TestADefaultOfWhatWasNotReadIsADifference(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.Policies.IsSAMLPluginEnabled = new(true)
	app.GlobalOAuthSettings.IsCodeCredFlowEnabled = new(false)
	without := app.Clone()
	without.Policies, without.GlobalOAuthSettings = nil, nil
	shown := map[string]policy.Difference{}
	for _, d := range policy.Diff(app, without) {
		shown[d.Field] = d
	}
	for field, a := range map[string]string{"isSamlPluginEnabled": "true", "Enable Authorization Code and Credentials Flow": "cleared"} {
		if d := shown[field]; d.A != a || d.B != "(absent)" {
			t.Errorf("%s: %+v", field, d)
		}
	}
}

func TestWhatLooksLikeABlankIsADifference(t *testing.T) {
	if d := differences(t, "<description>a</description>", "<description>a\u00a0</description>"); len(d) != 1 {
		t.Errorf("%q", d)
	}
	if d := differences(t, "<description>a</description>", "<description>\n a\t</description>"); len(d) != 0 {
		t.Errorf("%q", d)
	}
	if d := differences(t, "<newThing>a</newThing>", "<newThing>a\u00a0</newThing>"); len(d) != 1 {
		t.Errorf("unknown elements: %q", d)
	}
}

func TestNoDifferenceIsBetweenTwoThatAreAbsent(t *testing.T) {
	for _, d := range policy.Diff(parsedConnected(t, ""), parsedConnected(t, "<oauthConfig><callbackUrl>https://a.example</callbackUrl></oauthConfig>")) {
		if d.A == d.B {
			t.Errorf("%+v", d)
		}
	}
}
