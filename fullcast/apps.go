package fullcast

import "github.com/fullcast/sfauth/metadata"

// ExternalClientApp is the app that a new connection needs: every setting that Fullcast's instructions name, in a
// table or in a step, and nothing else. Each field's comment is Setup's label.
//
// contactEmail is the address of the admin who makes the app. Empty leaves Contact Email unlisted: a check then
// accepts any address, and a new app needs one from elsewhere.
//
// "Enable Authorization Code and Credentials Flow" is a checkbox the instructions demand; this SDK never runs that
// flow.
//
// Where Setup does not list this Refresh Token Policy, [metadata.IdlePolicy] meets it: a check takes either, a merge leaves
// either as it is, and a deployment that an org refuses for the one is repeated with the other.
//
// Source: Fullcast support, "Create an external client app", updated 2026-02-19; Salesforce Help, "Limit the Idle Refresh
// Token TTL in External Client Apps".
func ExternalClientApp(s Site, contactEmail string) metadata.AppSpec {
	return metadata.AppSpec{
		Kind: metadata.KindExternalClientApp,

		Name:         "Fullcast",                 // External Client App Name
		APIName:      "Fullcast",                 // API Name
		ContactEmail: contactEmail,               // Contact Email
		Distribution: metadata.DistributionLocal, // Distribution State

		EnableOAuth: metadata.Selected, // Enable OAuth; in a step

		CallbackURLs: s.CallbackURLs(), // Callback URL
		Scopes: []metadata.Scope{ // OAuth Scopes
			metadata.ScopeBasic,        // Access the identity URL service (id, profile, email, address, phone)
			metadata.ScopeFull,         // Full access (full)
			metadata.ScopeAPI,          // Manage user data via APIs (api)
			metadata.ScopeWeb,          // Manage user data via Web browsers (web)
			metadata.ScopeRefreshToken, // Perform requests at any time (refresh_token, offline_access)
			metadata.ScopeOpenID,       // Access unique user identifiers (openid)
		},
		EnableCodeAndCredentialsFlow:     metadata.Selected, // Enable Authorization Code and Credentials Flow
		RequirePKCE:                      metadata.Selected, // Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows
		RequireSecretForWebServerFlow:    metadata.Selected, // Require Secret for Web Server Flow
		RequireSecretForRefreshTokenFlow: metadata.Selected, // Require Secret for Refresh Token Flow

		StartPage:          metadata.StartPageNone,                                        // Start Page; in a step
		PermittedUsers:     metadata.AllUsersMaySelfAuthorize,                             // Permitted Users
		IPRelaxation:       metadata.EnforceIPRelaxForRefreshTokens,                       // IP Relaxation
		RefreshTokenPolicy: metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked}, // Refresh Token Policy
	}
}

// ConnectedApp is the app that older connections were made with: every setting that Fullcast's instructions name, in
// a table or in a step, and nothing else. Each field's comment is Setup's label. It is for checking and correcting such
// an app; a new connection needs an [ExternalClientApp].
//
// The instructions type the name with a trailing blank, which Salesforce trims. contactEmail and the Refresh Token Policy
// are as in [ExternalClientApp]. PKCE that Salesforce does not let anybody clear may stay selected, which a check notes.
//
// Source: Fullcast support, "Create a Connected App", updated 2026-02-19.
func ConnectedApp(s Site, contactEmail string) metadata.AppSpec {
	return metadata.AppSpec{
		Kind: metadata.KindConnectedApp,

		AllowCreationOfConnectedApps: metadata.Selected, // Allow creation of connected apps; in a step

		Name:         "Fullcast Motion Package", // Connected App Name
		APIName:      "Fullcast_Motion_Package", // API Name
		ContactEmail: contactEmail,              // Contact Email

		EnableOAuth: metadata.Selected, // Enable OAuth Settings

		CallbackURLs: s.CallbackURLs(), // Callback URL
		Scopes: []metadata.Scope{ // OAuth Scopes
			metadata.ScopeBasic,        // Access the identity URL service (id, profile, email, address, phone)
			metadata.ScopeFull,         // Full access (full)
			metadata.ScopeAPI,          // Manage user data via APIs (api)
			metadata.ScopeWeb,          // Manage user data via Web browsers (web)
			metadata.ScopeRefreshToken, // Perform requests at any time (refresh_token, offline_access)
		},
		RequirePKCE:                      metadata.Cleared,  // Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows
		RequireSecretForWebServerFlow:    metadata.Selected, // Require secret for Web Server Flow
		RequireSecretForRefreshTokenFlow: metadata.Selected, // Require secret for Refresh Token Flow

		PermittedUsers:     metadata.AllUsersMaySelfAuthorize,                             // Permitted Users
		IPRelaxation:       metadata.EnforceIPRelaxForRefreshTokens,                       // IP Relaxation
		RefreshTokenPolicy: metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked}, // Refresh Token Policy
	}
}
