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

func plan(t *testing.T, from metadata.App) policy.Plan {
	t.Helper()
	p, err := policy.PlanMigration(from, fullcast.ExternalClientApp(fullcast.Production, ""))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestThePlannedAppIsTheInstructionsAndNothingElse(t *testing.T) {
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	old.Connected.Description = "old"
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	p := plan(t, old)
	if d := policy.Diff(want.New(), p.App); len(d) > 0 {
		t.Errorf("%+v", d)
	}
	if _, err := p.App.Package(66); err != nil {
		t.Error(err)
	}
}

func TestWhatChangesBetweenTheTwoInstructions(t *testing.T) {
	p := plan(t, fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New())
	fates := map[policy.Fate][]string{}
	for _, i := range p.Items {
		fates[i.Fate] = append(fates[i.Fate], i.Field)
		if i.Fate != policy.Kept && i.Why == "" {
			t.Errorf("%s: no reason", i.Field)
		}
	}
	want := map[policy.Fate][]string{
		policy.Kept: {"Contact Email", "Enable OAuth", "Callback URL", "Require Secret for Web Server Flow", "Require Secret for Refresh Token Flow",
			"Permitted Users", "IP Relaxation", "Refresh Token Policy"},
		policy.Changed: {"External Client App Name", "API Name", "Distribution State", "OAuth Scopes", "Enable Authorization Code and Credentials Flow",
			"Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows", "Start Page"},
		policy.Lost: {"Consumer Key and Secret", "Refresh Token IP Allowlist"},
	}
	for fate, fields := range want {
		if !slices.Equal(fates[fate], fields) {
			t.Errorf("%s: got %q, want %q", fate, fates[fate], fields)
		}
		delete(fates, fate)
	}
	if len(fates) > 0 {
		t.Errorf("besides: %v", fates)
	}
	if len(p.Roads) != 2 || len(p.Roads[1].Assumed) == 0 {
		t.Fatalf("roads: %+v", p.Roads)
	}
	clicks := 0 // what Setup's migration leaves to do: every change, and the allow-list that it loses
	for _, s := range p.Roads[1].Steps {
		if strings.Contains(s.Do, "External Client App Manager > Fullcast Motion Package > ") {
			clicks++
		}
	}
	if clicks != len(want[policy.Changed])+1 {
		t.Errorf("road 2 has %d clicks:\n%s", clicks, p)
	}
}

// A plan loses nothing silently: each element that a connected app can have is in it, and what it offers exists.
func TestEveryElementOfAConnectedAppIsInThePlan(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	lost := map[string]bool{"mobileStartUrl": true, "oauthConfig/isIpBindingEnabled": true} // no counterpart in the newest schema, as
	for _, l := range leaves(metadata.KindConnectedApp) {                                   // all of a mobile app's
		lost[l.path(0)] = lost[l.path(0)] || l.names[0] == "mobileAppConfig"
	}
	seen := 0
	for _, l := range leaves(metadata.KindConnectedApp) {
		if l.listed() || l.mark() == "platform" {
			continue
		}
		checkItem(t, plan(t, l.set(spec.New(), 0, l.values()[0])), l.path(0), lost[l.path(0)])
		seen++
	}
	if seen < 60 {
		t.Errorf("only %d elements", seen)
	}
}

func checkItem(t *testing.T, p policy.Plan, element string, lost bool) {
	t.Helper()
	if element == "oauthConfig/isCodeCredentialEnabled" {
		element = "Enable Authorization Code and Credentials Flow"
	}
	i := slices.IndexFunc(p.Items, func(i policy.Item) bool { return i.Field == element })
	if i < 0 {
		t.Errorf("%s is not in the plan", element)
		return
	}
	item := p.Items[i]
	if (item.Fate == policy.Lost) != lost {
		t.Errorf("%s: %s: %+v", element, item.Fate, item)
	}
	if item.Fate == policy.Offered && !exists(item.Place) {
		t.Errorf("%s: no schema has %s", element, item.Place)
	}
}

// exists tells whether an external client app has a component, or an element of one.
func exists(place string) bool {
	component, path, _ := strings.Cut(place, "/")
	if elements, untyped := untypedElements[component]; untyped {
		return slices.Contains(strings.Fields(elements), path)
	}
	f, ok := byTag(reflect.TypeFor[metadata.App](), "type", component)
	for name := range strings.SplitSeq(path, "/") {
		if !ok {
			return false
		}
		typ := f.Type
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		f, ok = byTag(typ, "xml", name)
	}
	return ok
}

// untypedElements are those of the components without a Go type.
//
// Source: the schema of Metadata API 68; TestWhatAPlanOffersHasItsElementInTheSchemaAndWhatItHasNotIsLost reads it.
var untypedElements = map[string]string{
	"ExtlClntAppCanvasSettings": "accessMethod canvasLocationOptions canvasOptions canvasUrl lifeCycleHandler samlInitiationMethod",
	"ExtlClntAppSamlConfigurablePolicies": "acsUrl certificate commaSeparatedPermissionSet commaSeparatedProfile customAttributes/formula customAttributes/key " +
		"encryptionCertificate encryptionType entityUrl issuer nameIdFormat signingAlgorithmType singleLogoutBindingType singleLogoutUrl subjectCustomAttribute subjectType",
}

func byTag(t reflect.Type, key, value string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if t.Field(i).Tag.Get(key) == value {
			return t.Field(i), true
		}
	}
	return reflect.StructField{}, false
}

func TestAPlanTranslatesWhatTheTwoKindsSpellOtherwise(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	app := newTree(t, spec)
	text := strings.Replace(app["connectedApp"], "</oauthConfig>", "<scopes>SFAP</scopes><newThing>SECRET</newThing></oauthConfig>", 1)
	text = strings.Replace(text, "</ConnectedApp>", "<permissionSetName>Sales - Admin</permissionSetName><permissionSetName>Sales - User</permissionSetName></ConnectedApp>", 1)
	text = strings.Replace(text, "<callbackUrl>", "<callbackUrl>https://example.com/own\n", 1)
	p := plan(t, app.replaced("connectedApp", text).subject(t, spec.APIName).App)
	want := []policy.Item{
		{Fate: policy.Offered, Field: "Callback URL", Old: "https://example.com/own", New: "https://example.com/own", Place: "ExtlClntAppGlobalOauthSettings/callbackUrl"},
		{Fate: policy.Offered, Field: "OAuth Scopes", Old: "SFAP", New: "SFApiPlatform", Place: "ExtlClntAppOauthSettings/commaSeparatedOauthScopes"},
		{Fate: policy.Offered, Field: "permissionSetName", Old: "Sales - Admin", New: "Sales - Admin", Place: "ExtlClntAppOauthConfigurablePolicies/commaSeparatedPermissionSet"},
		{Fate: policy.Offered, Field: "permissionSetName[2]", Old: "Sales - User", New: "Sales - User", Place: "ExtlClntAppOauthConfigurablePolicies/commaSeparatedPermissionSet"},
		{Fate: policy.Lost, Field: "newThing", Old: "present"},
	}
	for _, w := range want {
		i := slices.IndexFunc(p.Items, func(i policy.Item) bool { return i.Field == w.Field && i.Old == w.Old })
		if i < 0 {
			t.Errorf("not in the plan: %+v", w)
			continue
		}
		got := p.Items[i]
		if strings.Contains(w.Field, "permissionSet") && !strings.Contains(got.Why, "API name") {
			t.Errorf("nothing about labels and API names: %+v", got)
		}
		if w.Old == "SFAP" && !strings.Contains(got.Why, "spell it otherwise") {
			t.Errorf("nothing about the other spelling: %+v", got)
		}
		if got.Why = ""; got != w {
			t.Errorf("got %+v, want %+v", got, w)
		}
	}
	if strings.Contains(p.String(), "SECRET") {
		t.Error("an unknown element's value is shown")
	}
}

func TestAPlanKeepsInSightWhatTheWantedAppDoesNotList(t *testing.T) {
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	old.PermittedUsers = metadata.AdminApprovedUsersOnly
	want := fullcast.ExternalClientApp(fullcast.Production, "")
	want.PermittedUsers = ""
	p, err := policy.PlanMigration(old.New(), want)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.Items, func(i policy.Item) bool { return i.Field == "Permitted Users" })
	if i < 0 || p.Items[i].Fate != policy.Offered || p.Items[i].Old != string(metadata.AdminApprovedUsersOnly) {
		t.Errorf("%+v", p.Items)
	}
}

func TestAPlanShowsNoCredential(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	files := newTree(t, spec)
	files = files.replaced("connectedApp", strings.Replace(files["connectedApp"], "</oauthConfig>", "<consumerKey>THEKEY</consumerKey><consumerSecret>THESECRET</consumerSecret></oauthConfig>", 1))
	p := plan(t, files.subject(t, spec.APIName).App)
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{p.String(), string(data), fmt.Sprintf("%+v", p)} {
		if strings.Contains(text, "THEKEY") || strings.Contains(text, "THESECRET") {
			t.Errorf("%s", text)
		}
	}
}

func TestPlanMigrationRefuses(t *testing.T) {
	eca, old := fullcast.ExternalClientApp(fullcast.Production, "a@example.com"), fullcast.ConnectedApp(fullcast.Production, "a@example.com")
	bad := eca
	bad.CallbackURLs = []string{"not a URL"}
	tests := []struct {
		name string
		from metadata.App
		to   metadata.AppSpec
		says string
	}{
		{"an external client app as the old one", eca.New(), eca, "from is not a connected app"},
		{"a connected app that was not read", metadata.App{Kind: metadata.KindConnectedApp}, eca, "from is not a connected app"},
		{"a connected app as the new one", old.New(), old, "to is not an external client app"},
		{"a new one that is not valid", old.New(), bad, "CallbackURLs"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := policy.PlanMigration(tt.from, tt.to); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %q", err, tt.says)
			}
		})
	}
}

func ExamplePlanMigration() {
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	old.Connected.PermissionSetName = []string{"Sales - Admin"}
	plan, err := policy.PlanMigration(old, fullcast.ExternalClientApp(fullcast.Production, ""))
	if err != nil {
		panic(err)
	}
	for _, i := range plan.Items {
		if i.Fate == policy.Offered {
			fmt.Println(i.Field, "->", i.Place)
		}
	}
	for _, s := range plan.Roads[0].Steps[:2] {
		fmt.Printf("%s: %s\n", s.Who, s.Do)
	}
	// Output:
	// permissionSetName -> ExtlClntAppOauthConfigurablePolicies/commaSeparatedPermissionSet
	// Salesforce admin: Setup > Apps > External Client Apps > External Client App Manager: click New External Client App and follow Fullcast's instructions, or deploy this plan's package
	// Salesforce: takes up to 30 minutes until the new app works everywhere
}

func TestAPlanHasAnItemForEachOfFortyMembersAndOneForAllOthers(t *testing.T) {
	var urls []string
	for i := range 100 {
		urls = append(urls, fmt.Sprintf("https://a.example/%d", i), "https://a.example/again")
	}
	app := connectedWith(t, "", "<scopes>SFAP</scopes>")
	app.Connected.OAuthConfig.CallbackURL = strings.Join(urls, "\n")
	plan, err := policy.PlanMigration(app, fullcast.ExternalClientApp(fullcast.Production, "a@b.co"))
	if err != nil {
		t.Fatal(err)
	}
	var members []string
	items := 0
	for _, i := range plan.Items {
		if i.Fate == policy.Offered && i.Field == "Callback URL" {
			items++
			members = append(members, strings.Split(i.Old, "\n")...)
			if i.Old != i.New || i.Place != "ExtlClntAppGlobalOauthSettings/callbackUrl" {
				t.Errorf("%+v", i)
			}
		}
	}
	if items != 41 || len(members) != 101 || members[1] != "https://a.example/again" || members[100] != "https://a.example/99" {
		t.Errorf("%d items, %d members: %q", items, len(members), members)
	}
}
