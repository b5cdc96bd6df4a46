package policy

import (
	"path"

	"github.com/fullcast/sfauth/metadata"
)

// Prerequisites returns rules for settings of the org that decide whether the app works, as notes. The admin decides about these
// settings, and no function of this module changes them. The rules need Subject.Settings. Every call returns a new slice.
//
// Source: Metadata API, OauthOidcSettings, ConnectedAppSettings and SecuritySettings.
func Prerequisites() []Rule {
	const (
		oauthSettings   = "Setup > Security > OAuth and OpenID Connect Settings"
		sessionSettings = "Setup > Security > Session Settings"
	)
	rules := []Rule{
		{
			ID:     "prerequisite-code-and-credentials-flows",
			Title:  "No switch of the org blocks the app's code and credentials flow",
			Why:    "While it is off, Salesforce blocks that flow for every external client app, whatever the app's own checkbox says. This SDK does not use the flow.",
			Source: `Salesforce Help, "Configure the OAuth Code and Credentials Flow for External Client Apps"`,
			Field:  "Allow Authorization Code and Credentials Flows",
			Want:   selected,
			Fix:    oauthSettings + ": decide whether to select this",
			Check:  orgSwitch(func(s *metadata.OrgSettings) any { return present(s.OAuthOIDC) }, "oAuthCdCrdtFlowEnable"),

			concerns: metadata.KindExternalClientApp,
		},
		{
			ID:     "prerequisite-pkce-for-every-app",
			Title:  "No switch of the org requires PKCE of an integration that sends none",
			Why:    "While it is on, the connected app's older integration, which sends no PKCE, breaks although the app itself does not require it.",
			Source: "Metadata API, OauthOidcSettings, isPkceRequired",
			Field:  "Require PKCE for every app of the org",
			Want:   cleared,
			Fix:    oauthSettings + ": decide whether to clear this",
			Check:  orgSwitch(func(s *metadata.OrgSettings) any { return present(s.OAuthOIDC) }, "isPkceRequired"),

			concerns: metadata.KindConnectedApp,
		},
		{
			ID:     "prerequisite-api-access-control",
			Title:  "The org does not limit API access to apps that an admin approved",
			Why:    "While it is on, an app calls the API only after an admin has approved it, whatever its Permitted Users says.",
			Source: "Metadata API, ConnectedAppSettings, enableAdminApprovedAppsOnly",
			Field:  "API Access Control: limit API access to apps that an admin approved",
			Want:   cleared,
			Fix:    "Setup > Security > API Access Control: decide whether to clear this, or approve the app",
			Check:  orgSwitch(func(s *metadata.OrgSettings) any { return present(s.ConnectedApp) }, "enableAdminApprovedAppsOnly"),
		},
		{
			ID:     "prerequisite-session-lock",
			Title:  "The org does not tie sessions to one network address",
			Why:    "While it is on, an access token works only from the network address that asked for it. A service that calls from several addresses is refused, with fresh tokens too.",
			Source: "Metadata API, SecuritySettings, lockSessionsToIp",
			Field:  "Lock sessions to the IP address from which they originated",
			Want:   cleared,
			Fix:    sessionSettings + ": decide whether to clear this",
			Check:  orgSwitch(func(s *metadata.OrgSettings) any { return present(s.Security) }, "sessionSettings/lockSessionsToIp"),
		},
		{
			ID:     "prerequisite-ip-ranges",
			Title:  "The org does not apply the Login IP Ranges of profiles to each request",
			Why:    "While it is on, the Login IP Ranges of the user's profile, where there are any, count at each request, not at logins alone.",
			Source: `Metadata API, SecuritySettings, enforceIpRangesEveryRequest; Salesforce Help, "Connected App IP Relaxation and Continuous IP Enforcement"`,
			Field:  "Enforce login IP ranges on every request",
			Want:   cleared,
			Fix:    sessionSettings + ": decide whether to clear this, or add the service's addresses to Login IP Ranges of the user's profile",
			Check:  orgSwitch(func(s *metadata.OrgSettings) any { return present(s.Security) }, "sessionSettings/enforceIpRangesEveryRequest"),
		},
	}
	for i := range rules {
		rules[i].Severity = SeverityNote
		rules[i].Needs = []Part{PartOrgSettings}
		rules[i].NoCorrection = "a switch of the whole org is the admin's own choice"
	}
	return rules
}

// orgSwitch judges a switch of the org.
func orgSwitch(of func(*metadata.OrgSettings) any, element string) func(*Pass) {
	return func(p *Pass) {
		settings := of(p.Subject.Settings)
		if settings == nil {
			p.NotVisible("this switch was not read")
			return
		}
		p.at = position(settings, element)
		v, _ := find(settings, element)
		if !v.IsValid() {
			p.NotVisible("there is no <" + path.Base(element) + ">")
			return
		}
		state := cleared
		if v.Elem().Bool() {
			state = selected
		}
		if state != p.rule.Want {
			p.Find(Finding{Got: state})
		}
	}
}
