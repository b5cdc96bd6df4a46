package fullcast_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

var (
	guideKinds = map[string]metadata.Kind{"external client app": metadata.KindExternalClientApp, "connected app": metadata.KindConnectedApp}
	guidePages = map[string]string{"external client app": "create-an-external-client-app.md", "connected app": "create-a-connected-app.md"}
	guideSites = []fullcast.Site{fullcast.Production, fullcast.PreProduction, "http://localhost:4200"}
)

// bothForms reads a guide in Markdown and in HTML.
func bothForms(t *testing.T, app string, guide fullcast.Guide) map[string]readGuide {
	t.Helper()
	html, err := guide.HTML()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]readGuide{"Markdown": markdownGuide(t, app, guide.Markdown()), "HTML": htmlGuide(t, app, string(html))}
}

func TestTheGuidesSetWhatTheTableListsLineByLine(t *testing.T) {
	table := readSettings(t)
	for app, kind := range guideKinds {
		for _, site := range guideSites {
			var want []setting
			for _, row := range table {
				if path, ok := strings.CutPrefix(row.Value, string(fullcast.Production)+"/"); ok {
					row.Value = string(site) + "/" + path
				} else if strings.HasPrefix(row.Value, string(fullcast.PreProduction)+"/") {
					continue
				}
				if row.App == app {
					want = append(want, row)
				}
			}
			for form, got := range bothForms(t, app, fullcast.SetupGuide(site, kind)) {
				t.Run(strings.Join([]string{app, string(site), form}, " "), func(t *testing.T) {
					for i := range max(len(want), len(got.settings)) {
						if i >= len(want) || i >= len(got.settings) || got.settings[i] != want[i] {
							t.Fatalf("line %d: the guide has\n%q\nthe table has\n%q", i+1, got.settings[min(i, len(got.settings)):], want[min(i, len(want)):])
						}
					}
				})
			}
		}
	}
}

func TestTheGuidesKeepTheNumbersOfTheInstructions(t *testing.T) {
	want := map[string][]int{"external client app": {8, 8}, "connected app": {7, 8}} // which the pages are held to, too
	for app, kind := range guideKinds {
		for form, got := range bothForms(t, app, fullcast.SetupGuide(fullcast.Production, kind)) {
			if !slices.Equal(got.steps, want[app]) {
				t.Errorf("%s, %s: %d steps, want %d", app, form, got.steps, want[app])
			}
		}
	}
}

func TestTheGuidesKeepEachNoteWhereTheInstructionsHaveIt(t *testing.T) {
	pkce := map[string]string{
		"external client app": "Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows",
		"connected app":       "Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows",
	}
	tests := []struct{ name, app, where, says string }{
		{"new connections need an external client app", "external client app", "before", `new connection needs an external client app`},
		{"a connected app is not for new ones", "external client app", "before", `connected app is no longer supported`},
		{"a connected app is not for new ones, in its own guide", "connected app", "before", `no longer supported for new connections`},
		{"existing ones go on and should move", "external client app", "before", `goes on working; move it .* as soon as possible`},
		{"existing ones go on and should move, in their own guide", "connected app", "before", `goes on working; move it .* as soon as possible`},
		{"broken ones must move", "external client app", "before", `broken, by a sandbox refresh or changed credentials for example, it has to move`},
		{"broken ones must move, in their own guide", "connected app", "before", `broken, by a sandbox refresh or changed credentials for example, it has to move`},
		{"nothing else is changed", "external client app", "1", `leave every other one as it is`},
		{"nothing else is changed in the table of the connected app", "connected app", "1.5", `leave every other one as it is`},
		{"callback URLs belong to the instance", "external client app", "1.6 Callback URL", `begin with .*https://app\.fullcast\.io\.`},
		{"callback URLs belong to the instance of a connected app", "connected app", "1.5 Callback URL", `begin with .*https://app\.fullcast\.io\.`},
		{"PKCE is selected before saving", "external client app", "1.6 " + pkce["external client app"], `is selected before you save`},
		{"trouble with PKCE is for the CSM, whose meaning is told", "external client app", "1.6 " + pkce["external client app"], `trouble with PKCE enabled, contact your customer success manager \(CSM\), the person of Fullcast's customer service who sees to it that you reach`},
		{"PKCE is cleared before saving", "connected app", "1.5 " + pkce["connected app"], `is cleared before you save`},
	}
	for _, tt := range tests {
		for form, got := range bothForms(t, tt.app, fullcast.SetupGuide(fullcast.Production, guideKinds[tt.app])) {
			t.Run(tt.name+" "+form, func(t *testing.T) {
				note := regexp.MustCompile("^" + regexp.QuoteMeta(tt.where) + ": .*" + tt.says)
				if !slices.ContainsFunc(got.notes, note.MatchString) {
					t.Errorf("no note %s; there are:\n%s", note, strings.Join(got.notes, "\n"))
				}
			})
		}
	}
}

// What helps against a connection that is broken is told in the words of its remedy.
func TestTheGuidesTellOfABrokenConnectionWhatItsRemedySays(t *testing.T) {
	for kind, want := range map[metadata.Kind]fullcast.Remedy{metadata.KindExternalClientApp: fullcast.RecreateApp, metadata.KindConnectedApp: fullcast.Migrate} {
		if after := fullcast.SetupGuide(fullcast.Production, kind).After; !strings.HasSuffix(after[len(after)-1], want.String()) {
			t.Errorf("%s: %q does not end in %q", kind, after[len(after)-1], want)
		}
		if got := fullcast.RemedyFor(&oauthflow.Error{Op: "refresh", Host: "acme.my.salesforce.com", Kind: oauthflow.KindAppMissing, Code: "app_not_found"}, kind); got != want {
			t.Errorf("%s: the remedy is %s", kind, got.ID())
		}
	}
}

func TestTheGuidesTellApartWhatFollowsInPractice(t *testing.T) {
	for app, kind := range guideKinds {
		guide := fullcast.SetupGuide(fullcast.Production, kind)
		html, err := guide.HTML()
		if err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string]string{"Markdown": guide.Markdown(), "HTML": string(html)} {
			instructions, practice, _ := strings.Cut(text, "What follows in practice")
			for _, part := range []string{"up to 30 minutes", "My Domain", "acme--uat.sandbox.my.salesforce.com", "Consumer key and consumer secret stand in"} {
				if strings.Contains(instructions, part) || !strings.Contains(practice, part) {
					t.Errorf("%s, %s: %q is not among what follows in practice, or not there alone", app, form, part)
				}
			}
		}
	}
}

func TestAGuideNamesNoOtherInstanceThanItsOwn(t *testing.T) {
	for app, kind := range guideKinds {
		for _, site := range guideSites {
			text := fullcast.SetupGuide(site, kind).Markdown()
			for _, other := range guideSites {
				if n := strings.Count(text, string(other)); (n > 0) != (other == site) {
					t.Errorf("%s: the guide for %s names %s %d times", app, site, other, n)
				}
			}
		}
	}
}

// Whatever the published page names in bold, in a step or in a note, stands in the guide's step of the same number: labels,
// buttons, tabs and ways through Setup.
func TestTheGuidesNameWhatThePagesNameStepByStep(t *testing.T) {
	dir := needs.Folder(t, "SFAUTH_SPEC")
	bold := regexp.MustCompile(inBold)
	for app, file := range guidePages {
		guide := fullcast.SetupGuide(fullcast.Production, guideKinds[app])
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		section, step, named := -1, 0, 0
		for line := range strings.SplitSeq(string(data), "\n") {
			if title, ok := strings.CutPrefix(line, "## "); ok {
				section, step = section+1, 0
				if section < len(guide.Sections) && guide.Sections[section].Title != title {
					t.Errorf("%s: section %d is %q, the page has %q", app, section+1, guide.Sections[section].Title, title)
				}
			}
			if section < 0 || section >= len(guide.Sections) || strings.Contains(line, "**Note**") && !strings.HasPrefix(line, "|") {
				continue
			}
			if numbered.MatchString(line) {
				step++
			}
			if step == 0 || strings.HasPrefix(line, "**Customer success manager:**") {
				continue
			}
			text := fmt.Sprintf("%+v", guide.Sections[section].Steps[step-1])
			for _, m := range bold.FindAllStringSubmatch(line, -1) {
				name := strings.TrimRight(strings.TrimSpace(m[1]), ".,:")
				if slices.Contains([]string{"Note", "Production site URLs", "Pre-production site URLs"}, name) {
					continue
				}
				named++
				if !strings.Contains(text, name) {
					t.Errorf("%s, step %d.%d: the page names %q, the guide's step is %s", app, section+1, step, name, text)
				}
			}
		}
		if named < 30 {
			t.Errorf("%s: found %d names on the page; the search for them is broken", app, named)
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
