package policy

import (
	"github.com/fullcast/sfauth/metadata"
)

// PartnerRequirements2026 returns rules for Salesforce's requirements of May 2026 for apps that a partner provides, as warnings:
// PKCE, refresh token rotation, the idle limit, and the IP allow-list for refresh tokens. Every call returns a new slice.
//
// The requirements apply to an app that the partner provides or makes, if more than two customers use it in production orgs. A
// customer's local app, made in its own org, is out of their scope; this is an assumption. So use this set only if you need it.
//
// With the idle limit, "Refresh token is valid until revoked" is no longer possible, and refresh tokens end after 30 days without
// use. [Baseline] accepts that, too. The rule for PKCE contradicts Fullcast's instructions for connected apps, which clear it.
// The rule says so and corrects nothing.
//
// Source: Salesforce ISVforce Guide, "Secure Your Connected Apps and External Client Apps".
func PartnerRequirements2026() []Rule {
	const guide = `Salesforce ISVforce Guide, "Secure Your Connected Apps and External Client Apps"`
	rules := flagRules([]flag{
		{
			id: "partner-pkce", title: "PKCE is required", severity: SeverityWarning, want: metadata.Selected, source: guide,
			why: "Salesforce requires it of apps that a partner provides, used in more than two customers' production orgs. On a connected app Fullcast's instructions clear it, because the older integration breaks.",
			where: places{
				metadata.KindExternalClientApp: external("Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows", externalOAuth, PartGlobalSettings, "isPkceRequired"),
				metadata.KindConnectedApp:      connected("Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows", connectedOAuth, "oauthConfig/isPkceRequired"),
			},
			noCorrection: map[metadata.Kind]string{
				metadata.KindConnectedApp: "it contradicts the instructions for connected apps, whose integration breaks when PKCE is required",
			},
		},
		{
			id: "partner-refresh-token-rotation", title: "Refresh tokens rotate", severity: SeverityWarning, want: metadata.Selected, source: guide,
			why: "Salesforce requires it of apps that a partner provides, used in more than two customers' production orgs. It cannot be turned off again; this SDK treats every refresh token as one that may rotate.",
			where: places{
				metadata.KindExternalClientApp: external("Enable Refresh Token Rotation", externalOAuth, PartGlobalSettings, "isRefreshTokenRotationEnabled"),
				metadata.KindConnectedApp:      connected("Enable Refresh Token Rotation", connectedOAuth, "oauthConfig/isRefreshTokenRotationEnabled"),
			},
		},
		{
			id: "partner-idle-limit", title: "Refresh tokens end after 30 days without use", severity: SeverityWarning, want: metadata.Selected,
			source: `Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps"`,
			why:    "Salesforce requires it of apps that a partner provides, used in more than two customers' production orgs. It replaces \"Refresh token is valid until revoked\", which Fullcast's instructions choose, by 30 days without use: Setup then shows 30 days, metadata still says infinite. The instructions are met by either.",
			where: places{
				metadata.KindExternalClientApp: external("Limit Idle Refresh Token TTL", externalOAuth, PartGlobalSettings, "isEnforceRefreshTokenTTL"),
				metadata.KindConnectedApp:      connected("Limit Idle Refresh Token TTL", connectedOAuth, "oauthConfig/isEnforceRefreshTokenTTL"),
			},
		},
	})
	return append(rules, Rule{
		ID:           "partner-refresh-token-ip-allow-list",
		Title:        "Refresh tokens work from known addresses alone",
		Why:          "Salesforce requires it of apps that a partner provides, used in more than two customers' production orgs. It takes the addresses that Fullcast's servers call from; a missing one breaks every refresh.",
		Source:       `Salesforce Help, "Set an IP Allowlist for Refresh Tokens"`,
		Severity:     SeverityWarning,
		Field:        "Enforce Refresh Token IP Allowlist",
		Want:         "the addresses that Fullcast's servers call from",
		Fix:          externalOAuth.clicks(`turn on "Enforce Refresh Token IP Allowlist" and add the address ranges that Fullcast gave you`),
		FixConnected: connectedOAuth.clicks(`turn on "Enforce Refresh Token IP Allowlist" and add the address ranges that Fullcast gave you`),
		Needs:        []Part{PartSecurity},
		NoCorrection: "it needs addresses that only Fullcast knows",
		Check: func(p *Pass) {
			p.at = p.Subject.position(PartSecurity, "tokenIpRanges")
			if len(p.Subject.App.SecuritySettings.TokenIPRanges) == 0 {
				p.Find(Finding{Got: "no addresses"})
			}
		},
	})
}
