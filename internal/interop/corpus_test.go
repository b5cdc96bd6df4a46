package interop_test

import (
	"encoding/xml"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// A plainApp is a second reading of a connected app's file, with nothing of this SDK: a few elements as they stand.
type plainApp struct {
	Label string `xml:"label"`
	Key   string `xml:"oauthConfig>consumerKey"`

	CallbackURL   *string  `xml:"oauthConfig>callbackUrl"`
	Scopes        []string `xml:"oauthConfig>scopes"`
	PKCE          *bool    `xml:"oauthConfig>isPkceRequired"`
	NoSecret      *bool    `xml:"oauthConfig>isConsumerSecretOptional"`
	RefreshSecret *bool    `xml:"oauthConfig>isSecretRequiredForRefreshToken"`
	AdminApproved *bool    `xml:"oauthConfig>isAdminApproved"`
	IPRelaxation  *string  `xml:"oauthPolicy>ipRelaxation"`
	RefreshPolicy *string  `xml:"oauthPolicy>refreshTokenPolicy"`
}

// wrong tells, for each of Setup's labels that the file has an element for, whether it differs from Fullcast's page.
func (p plainApp) wrong() map[string]bool {
	wrong := map[string]bool{"Connected App Name": strings.TrimSpace(p.Label) != "Fullcast Motion Package"}
	flag := func(label string, got *bool, want bool) {
		if got != nil {
			wrong[label] = *got != want
		}
	}
	flag("Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows", p.PKCE, false)
	flag("Require secret for Web Server Flow", p.NoSecret, false)
	flag("Require secret for Refresh Token Flow", p.RefreshSecret, true)
	flag("Permitted Users", p.AdminApproved, false)
	if p.CallbackURL != nil {
		wrong["Callback URL"] = !sameSet(strings.Fields(*p.CallbackURL), fullcast.Production.CallbackURLs())
	}
	if len(p.Scopes) > 0 {
		wrong["OAuth Scopes"] = !sameSet(p.Scopes, []string{"Basic", "Full", "Api", "Web", "RefreshToken"})
	}
	if p.IPRelaxation != nil {
		wrong["IP Relaxation"] = *p.IPRelaxation != "ENFORCE_RELAXREFRESH"
	}
	if p.RefreshPolicy != nil {
		wrong["Refresh Token Policy"] = !strings.HasPrefix(*p.RefreshPolicy, "infinite")
	}
	return wrong
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func TestConnectedAppsOfRealOrgsAreReadCheckedAndReported(t *testing.T) {
	corpus := needs.Folder(t, "SFAUTH_CORPUS")
	folder := filepath.Join(corpus, "ConnectedApp")
	files, err := fs.Glob(os.DirFS(folder), "*.connectedApp")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s holds no connected apps (%v)", folder, err)
	}
	rules := policy.Baseline(fullcast.ConnectedApp(fullcast.Production, ""))

	for i, name := range files {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			var plain plainApp
			if err := xml.Unmarshal(raw, &plain); err != nil {
				t.Fatal(err)
			}
			app, err := metadata.ParseFile(name, raw)
			if err != nil {
				t.Fatal(err)
			}
			report := policy.Check(policy.Subject{App: app}, rules...)

			if got, want := len(report.Passed)+len(report.NotVisible)+distinctRules(report.Findings), len(rules); got != want {
				t.Errorf("%d rules ended somewhere, want all %d", got, want)
			}
			found := func(label string) bool {
				return slices.ContainsFunc(report.Findings, func(f policy.Finding) bool { return f.Field == label })
			}
			for label, wrong := range plain.wrong() {
				if found(label) != wrong {
					t.Errorf("%s: found %v, want %v", label, found(label), wrong)
				}
			}
			if text := report.String(); plain.Key != "" && strings.Contains(text, plain.Key) {
				t.Error("the report shows the consumer key")
			} else if i == 0 {
				t.Logf("one of %d reports:\n%s", len(files), text)
			}
		})
	}

	t.Run("the whole folder at once", func(t *testing.T) {
		apps, err := metadata.Parse(os.DirFS(folder))
		if err != nil {
			t.Fatal(err)
		}
		if len(apps) != len(files) {
			t.Errorf("read %d apps from %d files", len(apps), len(files))
		}
	})
}

func distinctRules(findings []policy.Finding) int {
	rules := map[string]bool{}
	for _, f := range findings {
		rules[f.Rule] = true
	}
	return len(rules)
}
