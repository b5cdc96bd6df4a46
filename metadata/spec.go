package metadata

import "github.com/fullcast/sfauth/internal/salesforce"

// Kind is the kind of app, by the name of its metadata type. It is the same type as AppKind of package oauthflow.
type Kind = salesforce.AppKind

// The two kinds of app that Salesforce can authorize a client with.
const (
	KindExternalClientApp Kind = salesforce.ExternalClientApp // new connections
	KindConnectedApp      Kind = salesforce.ConnectedApp      // legacy connections
)

// Checkbox is the wanted state of one of Setup's checkboxes.
type Checkbox uint8

// The zero Checkbox, Untouched, is not listed: checks ignore it, and writes do not change it.
const (
	Untouched Checkbox = iota
	Selected
	Cleared
)

// AppSpec lists the wanted settings of an app, in the words of Salesforce Setup. Kind and APIName are required. Every other field
// is optional, and a zero field is not listed. For such a field, [AppSpec.New] leaves Salesforce's default, and [AppSpec.Merge]
// leaves the value of the live app.
//
// An AppSpec is a value. A copy shares only the two slices. It is safe for concurrent reading.
//
// Source: Salesforce Setup, "External Client App Manager" and "App Manager" pages.
type AppSpec struct {
	Kind         Kind
	Name         string // Setup: External Client App Name; Connected App Name. Outer white space is trimmed by Salesforce
	APIName      string // Setup: API Name. ASCII letters, digits and underscores; begins with a letter, does not end in an underscore
	ContactEmail string // Setup: Contact Email

	Distribution Distribution // Setup: Distribution State. External client apps only

	EnableOAuth Checkbox // Setup: Enable OAuth; Enable OAuth Settings

	CallbackURLs []string // Setup: Callback URL. A set: order carries no meaning
	Scopes       []Scope  // Setup: Selected OAuth Scopes. A set: order carries no meaning

	EnableCodeAndCredentialsFlow     Checkbox // Setup: Enable Authorization Code and Credentials Flow
	RequirePKCE                      Checkbox // Setup: Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows
	RequireSecretForWebServerFlow    Checkbox // Setup: Require secret for Web Server Flow
	RequireSecretForRefreshTokenFlow Checkbox // Setup: Require secret for Refresh Token Flow

	StartPage          StartPage          // Setup: Policies > Start Page. External client apps only
	PermittedUsers     PermittedUsers     // Setup: OAuth Policies > Permitted Users
	IPRelaxation       IPRelaxation       // Setup: OAuth Policies > IP Relaxation
	RefreshTokenPolicy RefreshTokenPolicy // Setup: OAuth Policies > Refresh Token Policy

	AllowCreationOfConnectedApps Checkbox // Setup: External Client Apps > Settings > Allow creation of connected apps. No metadata holds it
}

// Distribution is Setup's Distribution State of an external client app.
type Distribution string

// Distribution states.
const (
	DistributionLocal    Distribution = "Local"
	DistributionPackaged Distribution = "Packaged"
)

// StartPage is Setup's Start Page of an external client app.
type StartPage string

// Start pages.
const (
	StartPageNone   StartPage = "None"
	StartPageCustom StartPage = "Custom"
	StartPageOAuth  StartPage = "OAuth"
	StartPageSAML   StartPage = "SAML"
)

// PermittedUsers is Setup's Permitted Users, spelled as Setup labels it.
type PermittedUsers string

// Permitted users.
const (
	AllUsersMaySelfAuthorize PermittedUsers = "All users may self-authorize"
	AdminApprovedUsersOnly   PermittedUsers = "Admin approved users are pre-authorized"
)

// IPRelaxation is Setup's IP Relaxation, spelled as Setup labels it.
type IPRelaxation string

// IP relaxations.
const (
	EnforceIPRestrictions          IPRelaxation = "Enforce IP restrictions"
	EnforceIPRelaxForRefreshTokens IPRelaxation = "Enforce IP restrictions, but relax for refresh tokens"
	RelaxIPForActivatedDevices     IPRelaxation = "Relax IP restrictions for activated devices"
	RelaxIPRestrictions            IPRelaxation = "Relax IP restrictions"
)

// RefreshTokenPolicy is Setup's Refresh Token Policy. The zero value is not listed.
type RefreshTokenPolicy struct {
	Rule   RefreshTokenRule
	Period int         // 1 or more with ExpireAfter and ExpireIfUnused, else 0
	Unit   RefreshUnit // with ExpireAfter and ExpireIfUnused, else empty
}

// RefreshTokenRule is the choice in Setup's Refresh Token Policy, spelled as Setup labels it.
type RefreshTokenRule string

// Refresh token rules.
const (
	ValidUntilRevoked RefreshTokenRule = "Refresh token is valid until revoked"
	ExpireImmediately RefreshTokenRule = "Immediately expire refresh token"
	ExpireIfUnused    RefreshTokenRule = "Expire refresh token if not used for specific time"
	ExpireAfter       RefreshTokenRule = "Expire refresh token after specific time"
)

// RefreshUnit is the unit of a [RefreshTokenPolicy] period.
type RefreshUnit string

// Units of a refresh token period.
const (
	Hours  RefreshUnit = "Hours"
	Days   RefreshUnit = "Days"
	Months RefreshUnit = "Months"
)

// Scope is an OAuth scope, spelled as in the metadata of connected apps. External client apps spell some scopes differently, and
// this package translates them. [Scope.Label] returns Setup's label. [Scope.Wire] returns the word for an authorize request.
type Scope string

// Scopes that the product's pages name.
const (
	ScopeBasic        Scope = "Basic"        // id, profile, email, address, phone
	ScopeAPI          Scope = "Api"          // api
	ScopeWeb          Scope = "Web"          // web
	ScopeFull         Scope = "Full"         // full
	ScopeRefreshToken Scope = "RefreshToken" // refresh_token, offline_access
	ScopeOpenID       Scope = "OpenID"       // openid
)
