package fullcast_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// guided lists what a guide sets, in the table's form.
func guided(g fullcast.Guide, app string) []setting {
	var rows []setting
	for i, section := range g.Sections {
		for j, step := range section.Steps {
			for _, s := range step.Settings {
				values := s.Values
				if values == nil {
					values = []string{adminsOwn}
				}
				for _, v := range values {
					rows = append(rows, setting{app, fmt.Sprintf("%d.%d", i+1, j+1), s.Label, v})
				}
			}
		}
	}
	return rows
}

func TestTheGuidesSetWhatTheTableListsStepByStep(t *testing.T) {
	kinds := map[string]metadata.Kind{"external client app": metadata.KindExternalClientApp, "connected app": metadata.KindConnectedApp}
	table := readSettings(t)
	for _, site := range []fullcast.Site{fullcast.Production, fullcast.PreProduction} {
		for app, kind := range kinds {
			got := guided(fullcast.SetupGuide(site, kind), app)
			var want []setting
			for _, row := range table {
				if row.App == app && (row.Label != "Callback URL" || strings.HasPrefix(row.Value, string(site)+"/")) {
					want = append(want, row)
				}
			}
			for _, row := range want {
				if !slices.Contains(got, row) {
					t.Errorf("%s, %s: the guide lacks %v", site, app, row)
				}
			}
			for _, row := range got {
				if !slices.Contains(want, row) {
					t.Errorf("%s, %s: the guide has %v, which the table has not", site, app, row)
				}
			}
		}
	}
}

func TestTheGuideKeepsTheNoteOnTheCustomerSuccessManager(t *testing.T) {
	g := fullcast.SetupGuide(fullcast.Production, metadata.KindExternalClientApp)
	html, err := g.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{"Markdown": g.Markdown(), "HTML": string(html)} {
		for _, part := range []string{
			"customer success manager", "https://app.fullcast.io/app/admin/motion", "30 minutes", "My Domain",
			"Distribution State", "What follows in practice",
		} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q", form, part)
			}
		}
		if strings.Contains(text, "sandbox.fullcast.io") {
			t.Errorf("%s holds a callback URL of the other instance", form)
		}
	}
}

func ExampleSetupGuide() {
	g := fullcast.SetupGuide(fullcast.Production, metadata.KindExternalClientApp)
	for _, s := range g.Sections[1].Steps[5].Settings {
		fmt.Printf("%s: %s\n", s.Label, s.Values[0])
	}
	// Output:
	// Permitted Users: All users may self-authorize
	// IP Relaxation: Enforce IP restrictions, but relax for refresh tokens
	// Refresh Token Policy: Refresh token is valid until revoked
}
