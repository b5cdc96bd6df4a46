package fullcast_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// adminsOwn is the table's value for what each admin types.
const adminsOwn = "(the admin's own)"

// setting is a row of testdata/settings.tsv: one value that one step of Fullcast's instructions sets.
// Step is the section and the step in it, counted from 1; a list has a row for each member.
type setting struct{ App, Step, Label, Value string }

func readSettings(t *testing.T) []setting {
	t.Helper()
	data, err := os.ReadFile("testdata/settings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if lines[0] != "app\tstep\tlabel\tvalue" {
		t.Fatalf("testdata/settings.tsv: header %q", lines[0])
	}
	var rows []setting
	for i, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != 4 || slices.Contains(cells, "") {
			t.Fatalf("testdata/settings.tsv:%d: %q: want four cells", i+2, line)
		}
		rows = append(rows, setting{cells[0], cells[1], cells[2], cells[3]})
	}
	return rows
}

// labels names each field of AppSpec as Setup does, for an external client app and for a connected app. An empty
// label: that kind has no such setting in the instructions.
var labels = map[string][2]string{
	"Name":                             {"External Client App Name", "Connected App Name"},
	"APIName":                          {"API Name", "API Name"},
	"ContactEmail":                     {"Contact Email", "Contact Email"},
	"Distribution":                     {"Distribution State", ""},
	"EnableOAuth":                      {"Enable OAuth", "Enable OAuth Settings"},
	"CallbackURLs":                     {"Callback URL", "Callback URL"},
	"Scopes":                           {"OAuth Scopes", "OAuth Scopes"},
	"EnableCodeAndCredentialsFlow":     {"Enable Authorization Code and Credentials Flow", ""},
	"RequirePKCE":                      {"Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows", "Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows"},
	"RequireSecretForWebServerFlow":    {"Require Secret for Web Server Flow", "Require secret for Web Server Flow"},
	"RequireSecretForRefreshTokenFlow": {"Require Secret for Refresh Token Flow", "Require secret for Refresh Token Flow"},
	"StartPage":                        {"Start Page", ""},
	"PermittedUsers":                   {"Permitted Users", "Permitted Users"},
	"IPRelaxation":                     {"IP Relaxation", "IP Relaxation"},
	"RefreshTokenPolicy":               {"Refresh Token Policy", "Refresh Token Policy"},
	"AllowCreationOfConnectedApps":     {"", "Allow creation of connected apps"},
}

var scopeLabels = map[metadata.Scope]string{
	metadata.ScopeBasic:        "Access the identity URL service (id, profile, email, address, phone)",
	metadata.ScopeFull:         "Full access (full)",
	metadata.ScopeAPI:          "Manage user data via APIs (api)",
	metadata.ScopeWeb:          "Manage user data via Web browsers (web)",
	metadata.ScopeRefreshToken: "Perform requests at any time (refresh_token, offline_access)",
	metadata.ScopeOpenID:       "Access unique user identifiers (openid)",
}

// said lists what a spec says, as the table's label and value, sorted.
func said(t *testing.T, spec metadata.AppSpec, kind int) []string {
	t.Helper()
	var all []string
	v := reflect.ValueOf(spec)
	for i := range v.NumField() {
		field, value := v.Type().Field(i).Name, v.Field(i)
		if field == "Kind" || value.IsZero() {
			continue
		}
		label := labels[field][kind]
		if label == "" {
			t.Errorf("the spec sets %s, which Setup has no label for in this kind of app", field)
		}
		say := func(value string) { all = append(all, label+"\t"+value) }
		switch value := value.Interface().(type) {
		case metadata.Checkbox:
			say(map[metadata.Checkbox]string{metadata.Selected: "selected", metadata.Cleared: "cleared"}[value])
		case []string:
			for _, u := range value {
				say(u)
			}
		case []metadata.Scope:
			for _, s := range value {
				say(scopeLabels[s])
			}
		case metadata.RefreshTokenPolicy:
			if value.Period != 0 || value.Unit != "" {
				t.Errorf("Refresh Token Policy %+v has a period", value)
			}
			say(string(value.Rule))
		default:
			say(fmt.Sprint(value))
		}
	}
	slices.Sort(all)
	return all
}

func TestSpecsSayWhatTheTableSays(t *testing.T) {
	apps := []struct {
		name string
		spec func(fullcast.Site, string) metadata.AppSpec
		kind metadata.Kind
		rows int // for one Site
	}{
		{"external client app", fullcast.ExternalClientApp, metadata.KindExternalClientApp, 22},
		{"connected app", fullcast.ConnectedApp, metadata.KindConnectedApp, 19},
	}
	table := readSettings(t)
	for i, app := range apps {
		for _, site := range []fullcast.Site{fullcast.Production, fullcast.PreProduction} {
			t.Run(app.name+" "+string(site), func(t *testing.T) {
				var want []string
				for _, row := range table {
					ofOtherSite := row.Label == "Callback URL" && !strings.HasPrefix(row.Value, string(site)+"/")
					if row.App == app.name && !ofOtherSite {
						want = append(want, row.Label+"\t"+row.Value)
					}
				}
				slices.Sort(want)
				if len(want) != app.rows {
					t.Errorf("the table has %d rows, want %d", len(want), app.rows)
				}
				spec := app.spec(site, adminsOwn)
				if spec.Kind != app.kind {
					t.Errorf("Kind = %q, want %q", spec.Kind, app.kind)
				}
				got := said(t, spec, i)
				for _, s := range got {
					if !slices.Contains(want, s) {
						t.Errorf("the spec says %q, the table does not", s)
					}
				}
				for _, s := range want {
					if !slices.Contains(got, s) {
						t.Errorf("the table says %q, the spec does not", s)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("got %q, want %q", got, want)
				}
			})
		}
	}
	for i, row := range table {
		if row.App != apps[0].name && row.App != apps[1].name {
			t.Errorf("testdata/settings.tsv:%d: app %q is neither", i+2, row.App)
		}
	}
}

func TestAnUnknownContactEmailIsNotListed(t *testing.T) {
	for _, spec := range []metadata.AppSpec{
		fullcast.ExternalClientApp(fullcast.Production, ""),
		fullcast.ConnectedApp(fullcast.Production, ""),
	} {
		if spec.ContactEmail != "" {
			t.Errorf("%s: ContactEmail = %q", spec.Kind, spec.ContactEmail)
		}
	}
}
