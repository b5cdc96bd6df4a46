package policy_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// byButton is what Setup's migration makes of the connected app: old names and settings in the new components.
func byButton() metadata.App {
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	spec.Kind, spec.AllowCreationOfConnectedApps, spec.Distribution = metadata.KindExternalClientApp, metadata.Untouched, metadata.DistributionLocal
	spec.EnableCodeAndCredentialsFlow, spec.StartPage = metadata.Cleared, metadata.StartPageOAuth
	app := spec.New()
	app.OAuthSettings.FullName = spec.APIName + "_defOauthSet"
	app.GlobalOAuthSettings.FullName = spec.APIName + "_defGlblOauthSet"
	return app
}

func TestAnAppOfSetupsMigrationIsRecognisedWithWhatStillDiffers(t *testing.T) {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	report := policy.Check(policy.Subject{App: byButton()}, policy.Baseline(want)...)
	if !strings.Contains(report.Note, "migration") || !strings.Contains(report.String(), "note: ") {
		t.Errorf("not recognised:\n%s", report)
	}
	if !strings.Contains(report.Note, "Refresh Token IP Allowlist") {
		t.Errorf("the list of addresses that the migration has lost is not told: %s", report.Note)
	}
	var got []string
	for _, f := range report.Findings {
		got = append(got, strings.TrimPrefix(f.Rule, "baseline-"))
	}
	if differs := []string{"name", "api-name", "oauth-scopes", "code-and-credentials-flow", "require-pkce", "start-page"}; !slices.Equal(got, differs) {
		t.Errorf("got %q, want %q", got, differs)
	}
}

func TestSignsOfSetupsMigration(t *testing.T) {
	const key = "3MVG9theKEY"
	before := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	before.Connected.OAuthConfig.ConsumerKey = key
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	tests := []struct {
		name   string
		change func(*policy.Subject)
		says   string
	}{
		{"the names of components", func(s *policy.Subject) { s.App.OAuthSettings.FullName = "Fullcast_defOauthSet" }, "_defOauthSet"},
		{"the old key", func(s *policy.Subject) { s.App.GlobalOAuthSettings.ConsumerKey, s.Before = key, &before }, "consumer key"},
		{"the old name", func(s *policy.Subject) { s.App.External.Label, s.Before = before.Connected.Label, &before }, "it has the name"},
		{"the old name, where the instructions alone tell it", func(s *policy.Subject) {
			old := fullcast.ConnectedApp(fullcast.Production, "").New()
			s.App.External.Label, s.Before = " Fullcast Motion Package\n", &old
		}, "it has the name"},
		{"the old API name", func(s *policy.Subject) { s.App.Name, s.Before = before.Name, &before }, "API name"},
		{"none of an app by the instructions", func(s *policy.Subject) { s.Before = &before }, ""},
		{"none where neither app shows a key", func(s *policy.Subject) {
			old := before.Clone()
			old.Connected.OAuthConfig.ConsumerKey = ""
			s.Before = &old
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := policy.Subject{App: eca.New()}
			tt.change(&s)
			note, _, _ := strings.Cut(policy.Check(s, policy.Baseline(eca)...).Note, "Refresh Token Policy is ")
			if (note == "") != (tt.says == "") || !strings.Contains(note, tt.says) || strings.Contains(note, key) {
				t.Errorf("note %q, want %q", note, tt.says)
			}
		})
	}
}
