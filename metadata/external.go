package metadata

import "github.com/fullcast/sfauth/internal/secret"

// The structs of this file and of connected.go are Salesforce's schema as a table: xml names the element, api the
// first API version that has it (59), or the first and the last (61-63), and then what is special about it:
// required by the schema; platform: Salesforce sets it, never written; action: an order to Salesforce rather than a
// state, never written. enum names the words that the element holds, in enums: they are read in any spelling and are then
// spelled as the server spells them. Fields stand in schema order.
//
// "" and nil mean that the element is absent. Any other text is as read: Salesforce itself trims it.

// ExternalClientApplication is the header of an external client app.
//
// Source: Metadata API, ExternalClientApplication.
type ExternalClientApplication struct {
	Component
	ContactEmail         string `xml:"contactEmail" api:"57"`
	ContactPhone         string `xml:"contactPhone" api:"57"`
	Description          string `xml:"description" api:"57"`
	DistributionState    string `xml:"distributionState" api:"57" enum:"ExtlClntAppDistState"` // Local, Packaged; Managed, AutoInstalled (62) internal
	IconURL              string `xml:"iconUrl" api:"57"`
	InfoURL              string `xml:"infoUrl" api:"57"`
	IsProtected          *bool  `xml:"isProtected" api:"57"`
	Label                string `xml:"label" api:"57"` // Setup: External Client App Name
	LogoURL              string `xml:"logoUrl" api:"57"`
	ManagedType          string `xml:"managedType" api:"60" enum:"ExtlClntAppManagedType"` // internal
	OrgScopedExternalApp string `xml:"orgScopedExternalApp" api:"57,platform"`             // org ID, ":", API name
}

// OAuthSettings is an app's ExtlClntAppOauthSettings.
//
// Source: Metadata API, ExtlClntAppOauthSettings.
type OAuthSettings struct {
	Component
	AreAttributesIncludedInAssetToken  *bool          `xml:"areAttributesIncludedInAssetToken" api:"61"`
	AreCustomPermsIncludedInAssetToken *bool          `xml:"areCustomPermsIncludedInAssetToken" api:"61"`
	AssetTokenAudiences                string         `xml:"assetTokenAudiences" api:"61"`
	AssetTokenSigningCertificate       string         `xml:"assetTokenSigningCertificate" api:"61"`
	AssetTokenValidity                 *int           `xml:"assetTokenValidity" api:"61"`
	CallbackURL                        string         `xml:"callbackUrl" api:"57-57"` // from 58 on in [GlobalOAuthSettings], as are all fields of 57 alone
	Certificate                        string         `xml:"certificate" api:"57-57"`
	ClientAssertionCertificate         string         `xml:"clientAssertionCertificate" api:"62"`
	CommaSeparatedCustomScopes         string         `xml:"commaSeparatedCustomScopes" api:"61"`
	CommaSeparatedOAuthScopes          string         `xml:"commaSeparatedOauthScopes" api:"58" enum:"commaSeparatedOauthScopes"`    // "Basic, Api, …": words of [Scope], SFAP as SFApiPlatform
	CommaSeperatedOAuthScopes          string         `xml:"commaSeperatedOauthScopes" api:"57-57" enum:"commaSeparatedOauthScopes"` // spelled so
	ConsumerKey                        string         `xml:"consumerKey" api:"57-57,platform"`
	ConsumerSecret                     secret.Secret  `xml:"consumerSecret" api:"57-57,platform"`
	CustomAttributes                   []Attribute    `xml:"customAttributes" api:"59"`
	ExternalClientApplication          string         `xml:"externalClientApplication" api:"57,required"` // the app's API name
	IDTokenConfig                      *IDTokenConfig `xml:"idTokenConfig" api:"57-57"`
	IsClientCredentialEnabled          *bool          `xml:"isClientCredentialEnabled" api:"57-57"`
	IsConsumerSecretOptional           *bool          `xml:"isConsumerSecretOptional" api:"57-57"`
	IsFirstPartyAppEnabled             *bool          `xml:"isFirstPartyAppEnabled" api:"62"`
	IsIntrospectAllTokens              *bool          `xml:"isIntrospectAllTokens" api:"57-57"`
	IsSecretRequiredForRefreshToken    *bool          `xml:"isSecretRequiredForRefreshToken" api:"57-57"`
	Label                              string         `xml:"label" api:"57"`
	OAuthLink                          string         `xml:"oauthLink" api:"57,platform"` // org ID, ":", consumer ID
	SingleLogoutURL                    string         `xml:"singleLogoutUrl" api:"57"`
	TrustedIPRanges                    []IPRange      `xml:"trustedIpRanges" api:"58"`
}

// GlobalOAuthSettings is an app's ExtlClntAppGlobalOauthSettings.
//
// Source: Metadata API, ExtlClntAppGlobalOauthSettings.
type GlobalOAuthSettings struct {
	Component
	CallbackURL                      string         `xml:"callbackUrl" api:"58"` // one URL a line
	Certificate                      string         `xml:"certificate" api:"60"` // PEM body; a deployment without it clears it
	ConsumerKey                      string         `xml:"consumerKey" api:"58,platform"`
	ConsumerSecret                   secret.Secret  `xml:"consumerSecret" api:"58,platform"`
	ExternalClientApplication        string         `xml:"externalClientApplication" api:"58,required"` // the app's API name
	IDTokenConfig                    *IDTokenConfig `xml:"idTokenConfig" api:"58"`
	IsClientCredentialEnabled        *bool          `xml:"isClientCredentialEnabled" api:"58-58"`
	IsClientCredentialsFlowEnabled   *bool          `xml:"isClientCredentialsFlowEnabled" api:"60"`
	IsCodeCredFlowEnabled            *bool          `xml:"isCodeCredFlowEnabled" api:"61"` // works only with OauthOidcSettings.OAuthCdCrdtFlowEnable
	IsCodeCredPostOnly               *bool          `xml:"isCodeCredPostOnly" api:"61"`
	IsConsumerSecretOptional         *bool          `xml:"isConsumerSecretOptional" api:"58"` // the opposite of Setup's Require Secret for Web Server Flow
	IsDPopEnabled                    *bool          `xml:"isDPopEnabled" api:"67"`            // in the published types since 68, in files of orgs since 67
	IsDeviceFlowEnabled              *bool          `xml:"isDeviceFlowEnabled" api:"60"`
	IsEnforceRefreshTokenTTL         *bool          `xml:"isEnforceRefreshTokenTTL" api:"67"`
	IsIntrospectAllTokens            *bool          `xml:"isIntrospectAllTokens" api:"58"`
	IsMTLSEnabled                    *bool          `xml:"isMtlsEnabled" api:"68"`
	IsNamedUserJWTEnabled            *bool          `xml:"isNamedUserJwtEnabled" api:"61"`
	IsPKCERequired                   *bool          `xml:"isPkceRequired" api:"59"`
	IsRefreshTokenRotationEnabled    *bool          `xml:"isRefreshTokenRotationEnabled" api:"60"`
	IsSecretRequiredForRefreshToken  *bool          `xml:"isSecretRequiredForRefreshToken" api:"58"`
	IsSecretRequiredForTokenExchange *bool          `xml:"isSecretRequiredForTokenExchange" api:"60"`
	IsTokenExchangeEnabled           *bool          `xml:"isTokenExchangeEnabled" api:"60"`
	Label                            string         `xml:"label" api:"58"`
	ShouldRotateConsumerKey          *bool          `xml:"shouldRotateConsumerKey" api:"59,action"`
	ShouldRotateConsumerSecret       *bool          `xml:"shouldRotateConsumerSecret" api:"59,action"`
	SingleLogoutURL                  string         `xml:"singleLogoutUrl" api:"58-58"`
}

// OAuthPolicies is an app's ExtlClntAppOauthConfigurablePolicies. An app has exactly one.
//
// Source: Metadata API, ExtlClntAppOauthConfigurablePolicies.
type OAuthPolicies struct {
	Component
	ApexHandler                    string      `xml:"apexHandler" api:"61"`
	ClientCredentialsFlowUser      string      `xml:"clientCredentialsFlowUser" api:"60"` // a user name
	CommaSeparatedCustomScopes     string      `xml:"commaSeparatedCustomScopes" api:"61"`
	CommaSeparatedPermissionSet    string      `xml:"commaSeparatedPermissionSet" api:"58"` // API names, not IDs
	CommaSeparatedProfile          string      `xml:"commaSeparatedProfile" api:"62"`
	CustomAttributes               []Attribute `xml:"customAttributes" api:"59"`
	ExecuteHandlerAs               string      `xml:"executeHandlerAs" api:"61"`                                        // a user name
	ExternalClientApplication      string      `xml:"externalClientApplication" api:"57,required"`                      // the app's API name
	GuestJWTSessionTimeoutType     string      `xml:"guestJwtSessionTimeoutType" api:"65" enum:"JWTSessionTimeoutType"` // UserSession, Custom
	GuestJWTTimeout                *int        `xml:"guestJwtTimeout" api:"61"`
	IPRelaxationPolicyType         string      `xml:"ipRelaxationPolicyType" api:"57" enum:"ipRelaxationPolicyType"` // Enforce, Bypass, Bypass_2factor, Enforce_relaxrefresh, in any case
	IsClientCredentialsFlowEnabled *bool       `xml:"isClientCredentialsFlowEnabled" api:"60"`
	IsGuestCodeCredFlowEnabled     *bool       `xml:"isGuestCodeCredFlowEnabled" api:"61"`
	IsNamedUserJWTEnabled          *bool       `xml:"isNamedUserJwtEnabled" api:"61-63"`
	IsTokenExchangeFlowEnabled     *bool       `xml:"isTokenExchangeFlowEnabled" api:"60"`
	Label                          string      `xml:"label" api:"57"`
	NamedUserJWTSessionTimeoutType string      `xml:"namedUserJwtSessionTimeoutType" api:"65" enum:"JWTSessionTimeoutType"` // UserSession, Custom
	NamedUserJWTTimeout            *int        `xml:"namedUserJwtTimeout" api:"61"`
	PermittedUsersPolicyType       string      `xml:"permittedUsersPolicyType" api:"57" enum:"PermittedUsersPolicyType"` // AllSelfAuthorized, AdminApprovedPreAuthorized
	PolicyAction                   string      `xml:"policyAction" api:"58" enum:"PolicyAction"`                         // Block, RaiseSessionLevel, StepUpMFA (67)
	RefreshTokenPolicyType         string      `xml:"refreshTokenPolicyType" api:"57" enum:"RefreshTokenPolicyType"`     // Infinite, Zero, SpecificLifetime, SpecificInactivity
	RefreshTokenValidityPeriod     *int        `xml:"refreshTokenValidityPeriod" api:"57"`                               // only with Specific…
	RefreshTokenValidityUnit       string      `xml:"refreshTokenValidityUnit" api:"57" enum:"refreshTokenValidityUnit"` // Hours, Days, Months; only with Specific…
	RequiredSessionLevel           string      `xml:"requiredSessionLevel" api:"58" enum:"SessionSecurityLevel"`         // LOW, STANDARD, HIGH_ASSURANCE
	SessionTimeoutInMinutes        *int        `xml:"sessionTimeoutInMinutes" api:"58"`
	SingleLogoutURL                string      `xml:"singleLogoutUrl" api:"57"`
	StartURL                       string      `xml:"startUrl" api:"57"` // used when Policies.StartPage is OAuth
}

// Policies is an app's ExtlClntAppConfigurablePolicies.
//
// Source: Metadata API, ExtlClntAppConfigurablePolicies.
type Policies struct {
	Component
	ExternalClientApplication   string `xml:"externalClientApplication" api:"60,required"` // the app's API name
	IsAttestPluginEnabled       *bool  `xml:"isAttestPluginEnabled" api:"68"`
	IsCanvasPluginEnabled       *bool  `xml:"isCanvasPluginEnabled" api:"65"`
	IsEnabled                   *bool  `xml:"isEnabled" api:"60,required"`
	IsMobilePluginEnabled       *bool  `xml:"isMobilePluginEnabled" api:"62"`
	IsNotificationPluginEnabled *bool  `xml:"isNotificationPluginEnabled" api:"61"`
	IsOAuthPluginEnabled        *bool  `xml:"isOauthPluginEnabled" api:"60"` // Setup: Enable OAuth
	IsPushPluginEnabled         *bool  `xml:"isPushPluginEnabled" api:"62"`
	IsSAMLPluginEnabled         *bool  `xml:"isSamlPluginEnabled" api:"63"`
	Label                       string `xml:"label" api:"60"`
	StartPage                   string `xml:"startPage" api:"62" enum:"ExtlClntAppStartPage"` // None, Custom, OAuth, SAML (63)
	StartURL                    string `xml:"startUrl" api:"62"`                              // with StartPage Custom
}

// OAuthSecuritySettings is an app's ExtlClntAppOauthSecuritySettings.
//
// Source: published types of Metadata API 67 and 68; no documentation page was found.
type OAuthSecuritySettings struct {
	Component
	ExternalClientApplication   string    `xml:"externalClientApplication" api:"67,required"` // the app's API name
	Label                       string    `xml:"label" api:"67"`
	TLSClientAuthCertParamType  string    `xml:"tlsClientAuthCertParamType" api:"68" enum:"TlsClientAuthCertParamType"`
	TLSClientAuthCertParamValue string    `xml:"tlsClientAuthCertParamValue" api:"68"`
	TokenIPRanges               []IPRange `xml:"tokenIpRanges" api:"67"`
}

// IDTokenConfig is the ExternalAppIdTokenConfig of [GlobalOAuthSettings].
type IDTokenConfig struct {
	IDTokenAudience                 string `xml:"idTokenAudience" api:"57"`
	IDTokenIncludeAttributes        *bool  `xml:"idTokenIncludeAttributes" api:"57"`
	IDTokenIncludeCustomPerms       *bool  `xml:"idTokenIncludeCustomPerms" api:"57-57"`
	IDTokenIncludeCustomPermissions *bool  `xml:"idTokenIncludeCustomPermissions" api:"61"`
	IDTokenIncludeStandardClaims    *bool  `xml:"idTokenIncludeStandardClaims" api:"57"`
	IDTokenValidity                 *int   `xml:"idTokenValidity" api:"57-57"`
	IDTokenValidityInMinutes        *int   `xml:"idTokenValidityInMinutes" api:"58"` // 1 to 720
}

// Attribute is a custom attribute of an app: a key and the formula that gives its value.
type Attribute struct {
	Formula string `xml:"formula" api:"47,required"`
	Key     string `xml:"key" api:"47,required"`
}

// IPRange is a range of IP addresses of an external client app, both ends included.
type IPRange struct {
	Description    string `xml:"description" api:"58"`
	EndIPAddress   string `xml:"endIpAddress" api:"58,required"`
	StartIPAddress string `xml:"startIpAddress" api:"58,required"`
}
