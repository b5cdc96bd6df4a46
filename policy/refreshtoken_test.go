package policy_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// withPolicy is a spec's app with a refresh token policy as metadata writes it: "infinite", "zero" or
// "specific_inactivity:30:DAYS"; limit is "on", "off" or "".
func withPolicy(t *testing.T, spec metadata.AppSpec, text, limit string) metadata.App {
	t.Helper()
	app := spec.New()
	var on *bool
	if limit != "" {
		on = new(limit == "on")
	}
	var files []metadata.File
	if spec.Kind == metadata.KindConnectedApp {
		app.Connected.OAuthPolicy.RefreshTokenPolicy = text
		app.Connected.OAuthConfig.IsEnforceRefreshTokenTTL = on
	} else {
		app.GlobalOAuthSettings.IsEnforceRefreshTokenTTL = on
	}
	files, err := app.Files()
	if err != nil {
		t.Fatal(err)
	}
	tree := tree{}
	for _, f := range files {
		data := string(f.Data)
		if strings.Contains(f.Name, "ecaOauthPlcy") {
			words := strings.SplitN(text, ":", 3)
			new := "<refreshTokenPolicyType>" + words[0] + "</refreshTokenPolicyType>"
			if len(words) > 1 {
				new += "<refreshTokenValidityPeriod>" + words[1] + "</refreshTokenValidityPeriod>"
			}
			if len(words) > 2 {
				new += "<refreshTokenValidityUnit>" + words[2] + "</refreshTokenValidityUnit>"
			}
			data = strings.Replace(data, "<refreshTokenPolicyType>Infinite</refreshTokenPolicyType>", new, 1)
		}
		tree[f.Name] = data
	}
	return tree.subject(t, spec.APIName).App
}

// What the instruction "valid until revoked" means where Salesforce limits how long a refresh token may stay unused.
func TestRefreshTokenPoliciesThatOutlastUseMeetTheInstructionWhateverIsReadAboutTheIdleLimit(t *testing.T) {
	const rule = "baseline-refresh-token-policy"
	const idle = `choose "Expire refresh token if not used for" and enter 30 Days`
	const until = `set Refresh Token Policy to "Refresh token is valid until revoked"`
	kinds := map[string]metadata.AppSpec{
		"external client app": fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"),
		"connected app":       fullcast.ConnectedApp(fullcast.Production, "admin@example.com"),
	}
	screens := map[metadata.Kind]string{
		metadata.KindExternalClientApp: "External Client App Manager > Fullcast > Policies tab > Edit > OAuth Policies: ",
		metadata.KindConnectedApp:      "App Manager > Fullcast Motion Package > Action menu > View > Manage > Edit Policies > OAuth Policies: ",
	}
	for _, tt := range []struct {
		policy string
		meets  bool
		says   string // in the finding's message, where it does not
	}{
		{"Infinite", true, ""},
		{"infinite", true, ""},
		{"specific_inactivity:30:DAYS", true, ""},
		{" specific_inactivity : 30 : DAYS ", true, ""},
		{"specific_inactivity:45:DAYS", true, ""},
		{"specific_inactivity:720:HOURS", true, ""},
		{"specific_inactivity:1000:HOURS", true, ""},
		{"specific_inactivity:1:MONTHS", true, ""},
		{"specific_inactivity:2:MONTHS", true, ""},
		{"specific_inactivity:2147483647:MONTHS", true, ""},
		{"specific_inactivity:29:DAYS", false, "29 Days"},
		{"specific_inactivity:719:HOURS", false, "719 Hours"},
		{"specific_lifetime:365:DAYS", false, "Expire refresh token after specific time: 365 Days"},
		{"specific_lifetime:60:MONTHS", false, "60 Months"},
		{"zero", false, "Immediately expire refresh token"},
		{"forever", false, "no policy that Salesforce documents"},
		{"specific_inactivity:0:DAYS", false, "no period that can be read"},
		{"specific_inactivity:-30:DAYS", false, "no period that can be read"},
		{"specific_inactivity:30:FORTNIGHTS", false, "no period that can be read"},
		{"specific_inactivity", false, "no period that can be read"},
		{"specific_inactivity:30", false, "no period that can be read"},
	} {
		for kind, spec := range kinds {
			for limit, read := range map[string]string{"on": "was read as on", "off": "was read as off", "": "is not visible"} {
				t.Run(tt.policy+", limit "+limit+", "+kind, func(t *testing.T) {
					app := withPolicy(t, spec, tt.policy, limit)
					report := policy.Check(policy.Subject{App: app, Version: 68}, policy.Baseline(spec)...)
					passed := slices.Contains(report.Passed, rule)
					advice := tt.meets && limit == "off" && !strings.EqualFold(tt.policy, "infinite")
					if tt.meets != strings.Contains(report.Note, read) || strings.Count(report.Note, "isEnforceRefreshTokenTTL") > 1 {
						t.Errorf("note %q, want one that the limit %s: %t", report.Note, read, tt.meets)
					}
					if tt.meets && !advice {
						if !passed || len(report.Findings) > 0 {
							t.Errorf("not passed:\n%s", report)
						}
						return
					}
					if passed || len(report.Findings) != 1 || report.Findings[0].Rule != rule {
						t.Fatalf("want one finding:\n%s", report)
					}
					f := report.Findings[0]
					severity, fix := policy.SeverityError, map[string]string{
						"on": "under Refresh Token Policy, " + idle, "off": until, "": until + "; where Setup does not list that, " + idle,
					}[limit]
					if advice {
						severity = policy.SeverityNote
					}
					if f.Severity != severity || !strings.Contains(f.Message, tt.says) || !strings.HasSuffix(f.Fix, screens[spec.Kind]+fix+", then Save") {
						t.Errorf("%s %q\nfix %q\nwant %s, %q, …%q", f.Severity, f.Message, f.Fix, severity, tt.says, screens[spec.Kind]+fix)
					}
					corrected := policy.Check(policy.Subject{App: report.Correct(app), Version: 68}, policy.Baseline(spec)...)
					if !advice && len(corrected.Findings) > 0 {
						t.Errorf("after correcting:\n%s", corrected)
					}
					if advice && !reflect.DeepEqual(report.Correct(app).Spec(), app.Spec()) {
						t.Error("advice was followed by itself")
					}
				})
			}
		}
	}
}

// An app that is "valid until revoked" keeps a token for 30 days without use where the idle limit was read as on. Elsewhere nobody knows.
func TestAnAppThatIsValidUntilRevokedMeetsAnIdlePeriodWhereTheLimitIsOn(t *testing.T) {
	for _, spec := range specs() {
		app := map[string]metadata.App{}
		for _, limit := range []string{"on", "off", ""} {
			app[limit] = withPolicy(t, spec, "infinite", limit)
		}
		for limit, a := range app {
			for days, meets := range map[int]bool{30: limit == "on", 29: false} {
				want := spec
				want.RefreshTokenPolicy = metadata.RefreshTokenPolicy{Rule: metadata.ExpireIfUnused, Period: days, Unit: metadata.Days}
				report := policy.Check(policy.Subject{App: a, Version: 68}, policy.Baseline(want)...)
				if passed := slices.Contains(report.Passed, "baseline-refresh-token-policy"); passed != meets {
					t.Errorf("%s, limit %q, %d days wanted: passed %t\n%s", spec.Kind, limit, days, passed, report)
				}
			}
		}
	}
}

func TestMergeWritesAPolicyOnlyWhereTheLiveOneDoesNotMeetIt(t *testing.T) {
	idle := func(n int, u metadata.RefreshUnit) metadata.RefreshTokenPolicy {
		return metadata.RefreshTokenPolicy{Rule: metadata.ExpireIfUnused, Period: n, Unit: u}
	}
	infinite := metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked}
	for _, tt := range []struct {
		live  string
		want  metadata.RefreshTokenPolicy
		stays bool
	}{
		{"infinite", infinite, true},
		{"specific_inactivity:30:DAYS", infinite, true},
		{"specific_inactivity:1:MONTHS", infinite, true},
		{"specific_inactivity:90:DAYS", infinite, true},
		{"specific_inactivity:29:DAYS", infinite, false},
		{"specific_lifetime:60:MONTHS", infinite, false},
		{"zero", infinite, false},
		{"forever", infinite, false},
		{"specific_inactivity:0:DAYS", infinite, false},
		{"specific_inactivity:720:HOURS", idle(30, metadata.Days), true},
		{"infinite", idle(30, metadata.Days), false}, // a period that is asked for is written, limit or not
		{"specific_inactivity:45:DAYS", idle(30, metadata.Days), false},
	} {
		for _, spec := range specs() {
			t.Run(tt.live+" to "+string(tt.want.Rule)+", "+string(spec.Kind), func(t *testing.T) {
				live := withPolicy(t, spec, tt.live, "")
				spec.RefreshTokenPolicy = tt.want
				merged := spec.Merge(live)
				was, err := live.Files()
				if err != nil {
					t.Fatal(err)
				}
				now, err := merged.Files()
				if err != nil {
					t.Fatal(err)
				}
				if same := reflect.DeepEqual(was, now); same != tt.stays {
					t.Errorf("unchanged: %t, want %t", same, tt.stays)
				}
				if got := merged.Spec().RefreshTokenPolicy; !tt.stays && got != tt.want {
					t.Errorf("became %v, want %v", got, tt.want)
				}
			})
		}
	}
}

func TestDiffCallsEqualWhatSalesforceMakesOfValidUntilRevoked(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		same bool
	}{
		{"infinite", "specific_inactivity:30:DAYS", true},
		{"infinite", "specific_inactivity:720:HOURS", true},
		{"infinite", "specific_inactivity:1:MONTHS", true},
		{"infinite", "specific_inactivity:45:DAYS", true},
		{"specific_inactivity:30:DAYS", "specific_inactivity:1:MONTHS", true},
		{"specific_inactivity:24:HOURS", "specific_inactivity:1:DAYS", true},
		{"specific_lifetime:60:DAYS", "specific_lifetime:2:MONTHS", true},
		{"specific_inactivity:30:DAYS", "specific_inactivity:45:DAYS", false},
		{"infinite", "specific_inactivity:29:DAYS", false},
		{"infinite", "specific_lifetime:30:DAYS", false},
		{"infinite", "zero", false},
		{"infinite", "forever", false},
		{"specific_lifetime:30:DAYS", "specific_inactivity:30:DAYS", false},
		{"specific_inactivity:0:DAYS", "specific_inactivity:0:HOURS", false},
	} {
		for _, specA := range specs() {
			for _, specB := range specs() {
				a, b := withPolicy(t, specA, tt.a, ""), withPolicy(t, specB, tt.b, "")
				for _, pair := range [][2]metadata.App{{a, b}, {b, a}} {
					differs := slices.ContainsFunc(policy.Diff(pair[0], pair[1]), func(d policy.Difference) bool {
						return d.Field == "Refresh Token Policy" || strings.HasPrefix(d.Field, "refreshTokenValidity")
					})
					if differs == tt.same {
						t.Errorf("%s and %s, %s and %s: differ %t", tt.a, tt.b, specA.Kind, specB.Kind, differs)
					}
				}
			}
		}
	}
}

func TestAMigrationKeepsAPolicyThatOutlastsUse(t *testing.T) {
	from := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	to := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	for text, want := range map[string]policy.Fate{
		"infinite": policy.Kept, "specific_inactivity:30:DAYS": policy.Kept, "specific_inactivity:7:DAYS": policy.Changed, "zero": policy.Changed,
	} {
		plan, err := policy.PlanMigration(withPolicy(t, from, text, ""), to)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(plan.Items, func(i policy.Item) bool { return i.Field == "Refresh Token Policy" })
		if i < 0 || plan.Items[i].Fate != want {
			t.Errorf("%s: %+v, want %s", text, plan.Items, want)
		}
		if want == policy.Changed && !strings.Contains(plan.String(), "where Setup does not list that") {
			t.Errorf("%s: the step names an option that Setup may not have:\n%s", text, plan)
		}
	}
}

func TestPKCESelectedOnAConnectedAppIsANoteWhoseClicksDependOnSetup(t *testing.T) {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	app := spec.New()
	app.Connected.OAuthConfig.IsPKCERequired = new(true)
	report := policy.Check(policy.Subject{App: app, Version: 68}, policy.Baseline(spec)...)
	if len(report.Findings) != 1 || report.Worst() != policy.SeverityNote {
		t.Fatalf("want one note:\n%s", report)
	}
	f := report.Findings[0]
	if !strings.Contains(f.Message, "always sends a proof key") || !strings.Contains(f.Fix, "where Setup lets you, clear the checkbox") || !strings.Contains(f.Fix, "leave it selected") {
		t.Errorf("%q\n%q", f.Message, f.Fix)
	}
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app = eca.New()
	app.GlobalOAuthSettings.IsPKCERequired = new(false)
	if report := policy.Check(policy.Subject{App: app, Version: 68}, policy.Baseline(eca)...); report.Worst() != policy.SeverityError {
		t.Errorf("PKCE cleared on an external client app:\n%s", report)
	}
}
