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

// Every element that a component can have is either listed, set by Salesforce, or shown when it differs.
func TestDiffLosesNoElement(t *testing.T) {
	for name, spec := range specs() {
		t.Run(name, func(t *testing.T) {
			app := spec.New()
			v := reflect.ValueOf(&app).Elem()
			shown := 0
			for i := range v.NumField() {
				if v.Type().Field(i).Tag.Get("type") == "" || v.Field(i).IsNil() {
					continue
				}
				c := v.Field(i).Elem()
				for k := range c.NumField() {
					tag := c.Type().Field(k).Tag
					element := tag.Get("xml")
					if element == "" || listed[element] || strings.Contains(tag.Get("api"), "platform") || strings.Contains(tag.Get("api"), "action") {
						continue
					}
					for _, value := range values(c.Field(k).Type()) {
						before := reflect.New(c.Field(k).Type()).Elem()
						before.Set(c.Field(k))
						c.Field(k).Set(value)
						d := policy.Diff(spec.New(), app)
						c.Field(k).Set(before)
						ofPolicy := strings.HasPrefix(element, "refreshTokenValidity") // means nothing without an expiring policy
						if !ofPolicy && value.Kind() != reflect.Slice && (len(d) != 1 || d[0].Field != element || d[0].Mark != policy.Unlisted) {
							t.Errorf("%s: %+v", element, d)
						}
						shown++
					}
				}
			}
			if shown < 10 {
				t.Errorf("only %d elements", shown)
			}
		})
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
	if got := policy.Diff(push(""), push("")); len(got) > 0 {
		t.Errorf("the same: %+v", got)
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
