package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

func TestDiffOfTheSameIsEmpty(t *testing.T) {
	for name, spec := range specs() {
		app := newTree(t, spec).subject(t, spec.APIName).App
		if d := policy.Diff(app, app); len(d) > 0 {
			t.Errorf("%s: %+v", name, d)
		}
		if d := policy.Diff(spec.New(), app); len(d) > 0 {
			t.Errorf("%s, new against read: %+v", name, d)
		}
	}
}

func TestDiffShowsEachListedFieldOnce(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			files := newTree(t, spec)
			for _, m := range mutations(t, spec) {
				b := m.files(files).subject(t, spec.APIName).App
				d := policy.Diff(files.subject(t, spec.APIName).App, b)
				if m.rule == "baseline-enable-oauth" && spec.Kind == metadata.KindConnectedApp {
					continue // everything that is inside goes with it
				}
				if len(d) != 1 || d[0].Mark != policy.Listed || d[0].A == d[0].B {
					t.Errorf("%s: %+v", m.name, d)
				}
			}
		})
	}
}

func TestDiffMarksWhatIsNotListed(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	a := newTree(t, spec)
	b := a.replaced("ecaGlblOauth", strings.Replace(a["ecaGlblOauth"], "</ExtlClntAppGlobalOauthSettings>",
		"<consumerKey>KEY</consumerKey><isDeviceFlowEnabled>false</isDeviceFlowEnabled><shouldRotateConsumerKey>false</shouldRotateConsumerKey><newSecret>HIDDEN</newSecret></ExtlClntAppGlobalOauthSettings>", 1))
	c := b.replaced("ecaGlblOauth", strings.Replace(b["ecaGlblOauth"], "HIDDEN", "HIDDEN2", 1))
	c = c.replaced("ecaGlblOauth", strings.Replace(c["ecaGlblOauth"], "<isDeviceFlowEnabled>false", "<isDeviceFlowEnabled>true", 1))
	app := func(files tree) metadata.App { return files.subject(t, "Fullcast").App }
	const component = "ExtlClntAppGlobalOauthSettings"
	tests := []struct {
		name string
		a, b metadata.App
		want []policy.Difference
	}{
		{"only in the second", app(a), app(b), []policy.Difference{
			{Mark: policy.Unlisted, Field: "isDeviceFlowEnabled", Component: component, A: "(absent)", B: "false"},
			{Mark: policy.Unknown, Field: "newSecret", Component: component, A: "(absent)", B: "present"},
		}},
		{"only in the first", app(b), app(a), []policy.Difference{
			{Mark: policy.Unlisted, Field: "isDeviceFlowEnabled", Component: component, A: "false", B: "(absent)"},
			{Mark: policy.Unknown, Field: "newSecret", Component: component, A: "present", B: "(absent)"},
		}},
		{"in both", app(b), app(c), []policy.Difference{
			{Mark: policy.Unlisted, Field: "isDeviceFlowEnabled", Component: component, A: "false", B: "true"},
			{Mark: policy.Unknown, Field: "newSecret", Component: component, A: "present", B: "present, not the same"},
		}},
		{"the same", app(b), app(b), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := policy.Diff(tt.a, tt.b)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if text := fmt.Sprintf("%+v", got); strings.Contains(text, "KEY") || strings.Contains(text, "HIDDEN") {
				t.Errorf("a value that may be a secret is shown: %s", text)
			}
		})
	}
}

func TestDiffComparesUnknownElementsBesideOnesThatLaterVersionsDropped(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	files := newTree(t, spec)
	text := strings.Replace(files["ecaOauthPlcy"], "</ExtlClntAppOauthConfigurablePolicies>", "<isNamedUserJwtEnabled>true</isNamedUserJwtEnabled><newThing>1</newThing></ExtlClntAppOauthConfigurablePolicies>", 1)
	app := files.replaced("ecaOauthPlcy", text).subject(t, "Fullcast").App
	if d := policy.Diff(app, app); len(d) > 0 {
		t.Errorf("%+v", d)
	}
}

// Every element that a component can have, at any depth and in any member of a list, is either listed, set by Salesforce, a
// name that joins components, or shown once when it is added, changed or taken away.
func TestDiffLosesNoElement(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			shown := 0
			for _, l := range leaves(spec.Kind) {
				hidden := l.mark() == "platform" || l.mark() == "action" || l.joins()
				if l.listed() {
					continue // TestDiffShowsEachListedFieldOnce
				}
				mark, component := policy.Unlisted, l.component
				if l.names[len(l.names)-1] == "isCodeCredentialEnabled" { // of an external client app the instructions list it
					mark, component = policy.Listed, ""
				}
				field := l.path
				if mark == policy.Listed {
					field = func(int) string { return "Enable Authorization Code and Credentials Flow" }
				}
				want := func(what string, a, b metadata.App, member int) {
					t.Helper()
					d := policy.Diff(a, b)
					if hidden && len(d) > 0 {
						t.Errorf("%s, %s: %+v", l, what, d)
					} else if !hidden && (len(d) != 1 || d[0].Field != field(member) || d[0].Component != component || d[0].Mark != mark || d[0].A == d[0].B) {
						t.Errorf("%s, %s: %+v", l, what, d)
					}
					shown++
				}
				one, two := l.values()[0], l.values()[1]
				if len(l.names) == 1 && slices.Contains(documented, l.String()+" = true") {
					one, two = two, one // absent is true; deeper, what is around it is absent, too
				}
				// The leaf alone in its element is the app's whole difference: nothing around it is reported as well.
				without, with := spec.New(), l.set(spec.New(), 0, one)
				want("added", without, with, 0)
				want("taken away", with, without, 0)
				want("changed", with, l.set(with, 0, two), 0)
				if len(l.members()) > 1 {
					second := l.set(with, 1, one)
					want("added as a second", with, second, 1)
					want("the second taken away", second, with, 1)
					want("the second changed", second, l.set(second, 1, two), 1)
				}
			}
			if shown < 250 {
				t.Errorf("only %d differences", shown)
			}
		})
	}
}

func TestDiffShowsWhatSaysNothingAsTheOthersStand(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	off := func(app, plugin bool) metadata.App {
		a := spec.New()
		a.Policies.IsEnabled, a.Policies.IsOAuthPluginEnabled = new(app), new(plugin)
		return a
	}
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	saml := old.Clone()
	saml.Connected.SAMLConfig = &metadata.ConnectedSAMLConfig{}
	range1 := spec.New()
	range1.OAuthSettings.TrustedIPRanges = make([]metadata.IPRange, 1)
	for _, test := range []struct {
		name string
		a, b metadata.App
		want policy.Difference
	}{
		{"which switch is off", off(false, true), off(false, false),
			policy.Difference{Mark: policy.Unlisted, Component: "ExtlClntAppConfigurablePolicies", Field: "isOauthPluginEnabled", A: "true", B: "false"}},
		{"whether a second one is off", off(true, false), off(false, false),
			policy.Difference{Mark: policy.Unlisted, Component: "ExtlClntAppConfigurablePolicies", Field: "isEnabled", A: "true", B: "false"}},
		{"an element with nothing in it", old, saml,
			policy.Difference{Mark: policy.Unlisted, Component: "ConnectedApp", Field: "samlConfig", A: "(absent)", B: "(empty)"}},
		{"a list's member with nothing in it", spec.New(), range1,
			policy.Difference{Mark: policy.Unlisted, Component: "ExtlClntAppOauthSettings", Field: "trustedIpRanges", A: "(absent)", B: "(empty)"}},
	} {
		if got := policy.Diff(test.a, test.b); !slices.Equal(got, []policy.Difference{test.want}) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestDiffComparesComponentsThatHaveNoTypeOfTheirOwn(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	files := newTree(t, spec)
	push := func(extra string) metadata.App {
		return files.replaced("ecaPush", "<ExtlClntAppPushSettings "+`xmlns="http://soap.sforce.com/2006/04/metadata"`+">"+extra+"<externalClientApplication>Fullcast</externalClientApplication></ExtlClntAppPushSettings>").subject(t, "Fullcast").App
	}
	tests := []struct {
		name   string
		a, b   metadata.App
		da, db string
	}{
		{"only in the second", spec.New(), push(""), "(absent)", "present"},
		{"different inside", push(""), push("<x>1</x>"), "present", "present, not the same"},
	}
	for _, tt := range tests {
		want := []policy.Difference{{Mark: policy.Unknown, Field: "(whole component)", Component: "ExtlClntAppPushSettings", A: tt.da, B: tt.db}}
		if got := policy.Diff(tt.a, tt.b); !slices.Equal(got, want) {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	for _, b := range []string{"<x>1</x><y/>", "<y></y>\n\t<!-- a note -->\n<x> 1\n</x>"} {
		if got := policy.Diff(push("<x>1</x><y/>"), push(b)); len(got) > 0 {
			t.Errorf("the same: %+v", got)
		}
	}
}

func TestDiffIsInTheSameOrderEveryTime(t *testing.T) {
	a := fullcast.ExternalClientApp(fullcast.Production, "a@example.com").New()
	b := fullcast.ConnectedApp(fullcast.PreProduction, "b@example.com").New()
	want := policy.Diff(a, b)
	if len(want) < 6 {
		t.Fatalf("%+v", want)
	}
	for range 20 {
		if got := policy.Diff(a, b); !slices.Equal(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	}
}

func ExampleDiff() {
	wanted := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com").New()
	live := wanted.Clone()
	live.GlobalOAuthSettings.IsPKCERequired = new(false)
	live.GlobalOAuthSettings.IsDeviceFlowEnabled = new(false)

	for _, d := range policy.Diff(wanted, live) {
		fmt.Printf("%s: %s: %s, %s\n", d.Mark, d.Field, d.A, d.B)
	}
	// Output:
	// listed: Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows: selected, cleared
	// unlisted: isDeviceFlowEnabled: (absent), false
}
