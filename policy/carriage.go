package policy

// carried is where an external client app keeps what a connected app has under another path.
type carried struct {
	from      string // path in the connected app
	component string
	to        string // element
	note      string
}

// The components that a new app has none of.
const (
	samlPolicies   = "ExtlClntAppSamlConfigurablePolicies" // API 63
	canvasSettings = "ExtlClntAppCanvasSettings"           // API 66

	ownComponent        = "It is part of a component of its own."
	permissionSetByName = "The connected app holds the permission set's label, the new app takes its API name: look it up in Setup > Permission Sets."
)

// carriage is the connected app's schema against those of the external client app's components. What a listed field
// stands for is not in it.
//
// Source: the schemas of Metadata API 68.0; where names differ the pairing is by meaning, checked against a public app
// before and after its migration.
var carriage = []carried{
	{"contactPhone", "ExternalClientApplication", "contactPhone", ""},
	{"description", "ExternalClientApplication", "description", ""},
	{"iconUrl", "ExternalClientApplication", "iconUrl", ""},
	{"infoUrl", "ExternalClientApplication", "infoUrl", ""},
	{"logoUrl", "ExternalClientApplication", "logoUrl", ""},
	{"oauthConfig/certificate", string(PartGlobalSettings), "certificate", "The JWT bearer flow needs it."},
	{"oauthConfig/isDPopEnabled", string(PartGlobalSettings), "isDPopEnabled", "This SDK sends no DPoP proofs: with it the connection ends."},
	{"oauthConfig/isDeviceFlowEnabled", string(PartGlobalSettings), "isDeviceFlowEnabled", ""},
	{"oauthConfig/isEnforceRefreshTokenTTL", string(PartGlobalSettings), "isEnforceRefreshTokenTTL", "With it refresh tokens end after 30 days without use, whatever the Refresh Token Policy says."},
	{"oauthConfig/isIntrospectAllTokens", string(PartGlobalSettings), "isIntrospectAllTokens", ""},
	{"oauthConfig/isNamedUserJwtEnabled", string(PartGlobalSettings), "isNamedUserJwtEnabled", "Such access tokens do not work with SOAP, so the app's settings could not be checked."},
	{"oauthConfig/isRefreshTokenRotationEnabled", string(PartGlobalSettings), "isRefreshTokenRotationEnabled", ""},
	{"oauthConfig/isSecretRequiredForTokenExchange", string(PartGlobalSettings), "isSecretRequiredForTokenExchange", ""},
	{"oauthConfig/isTokenExchangeEnabled", string(PartGlobalSettings), "isTokenExchangeEnabled", ""},
	{"oauthConfig/isPKImTLSEnabled", string(PartGlobalSettings), "isMtlsEnabled", "This SDK authenticates by the consumer secret: with it the connection ends unless the service's transport presents the certificate."},
	{"oauthConfig/isClientCredentialEnabled", string(PartGlobalSettings), "isClientCredentialsFlowEnabled", "The OAuth policies have a switch of the same name, which must be on too."},
	{"oauthConfig/oauthClientCredentialUser", string(PartOAuthPolicies), "clientCredentialsFlowUser", ""},
	{"oauthConfig/isCodeCredentialPostOnly", string(PartGlobalSettings), "isCodeCredPostOnly", ""},
	{"oauthConfig/idTokenConfig/idTokenValidity", string(PartGlobalSettings), "idTokenConfig/idTokenValidityInMinutes", ""},
	{"oauthConfig/idTokenConfig/idTokenIncludeCustomPerms", string(PartGlobalSettings), "idTokenConfig/idTokenIncludeCustomPermissions", ""},
	{"oauthConfig/idTokenConfig/idTokenAudience", string(PartGlobalSettings), "idTokenConfig/idTokenAudience", ""},
	{"oauthConfig/idTokenConfig/idTokenIncludeAttributes", string(PartGlobalSettings), "idTokenConfig/idTokenIncludeAttributes", ""},
	{"oauthConfig/idTokenConfig/idTokenIncludeStandardClaims", string(PartGlobalSettings), "idTokenConfig/idTokenIncludeStandardClaims", ""},
	{"oauthConfig/assetTokenConfig/assetAudiences", string(PartOAuthSettings), "assetTokenAudiences", ""},
	{"oauthConfig/assetTokenConfig/assetIncludeAttributes", string(PartOAuthSettings), "areAttributesIncludedInAssetToken", ""},
	{"oauthConfig/assetTokenConfig/assetIncludeCustomPerms", string(PartOAuthSettings), "areCustomPermsIncludedInAssetToken", ""},
	{"oauthConfig/assetTokenConfig/assetSigningCertId", string(PartOAuthSettings), "assetTokenSigningCertificate", "The one is a certificate's ID, the other its name."},
	{"oauthConfig/assetTokenConfig/assetValidityPeriod", string(PartOAuthSettings), "assetTokenValidity", ""},
	{"oauthConfig/singleLogoutUrl", string(PartOAuthSettings), "singleLogoutUrl", ""},
	{"oauthPolicy/singleLogoutUrl", string(PartOAuthPolicies), "singleLogoutUrl", ""},
	{"oauthPolicy/isTokenExchangeFlowEnabled", string(PartOAuthPolicies), "isTokenExchangeFlowEnabled", ""},
	{"ipRanges/start", string(PartOAuthSettings), "trustedIpRanges/startIpAddress", ""},
	{"ipRanges/end", string(PartOAuthSettings), "trustedIpRanges/endIpAddress", ""},
	{"ipRanges/description", string(PartOAuthSettings), "trustedIpRanges/description", ""},
	{"attributes/key", string(PartOAuthSettings), "customAttributes/key", ""},
	{"attributes/formula", string(PartOAuthSettings), "customAttributes/formula", ""},
	{"permissionSetName", string(PartOAuthPolicies), "commaSeparatedPermissionSet", permissionSetByName},
	{"profileName", string(PartOAuthPolicies), "commaSeparatedProfile", ""},
	{"sessionPolicy/policyAction", string(PartOAuthPolicies), "policyAction", ""},
	{"sessionPolicy/sessionLevel", string(PartOAuthPolicies), "requiredSessionLevel", ""},
	{"sessionPolicy/sessionTimeout", string(PartOAuthPolicies), "sessionTimeoutInMinutes", ""},
	{"startUrl", string(PartPolicies), "startUrl", "It needs Start Page Custom."},
	{"plugin", string(PartOAuthPolicies), "apexHandler", ""},
	{"pluginExecutionUser", string(PartOAuthPolicies), "executeHandlerAs", ""},
	{"samlConfig/acsUrl", samlPolicies, "acsUrl", ownComponent},
	{"samlConfig/certificate", samlPolicies, "certificate", ownComponent},
	{"samlConfig/encryptionCertificate", samlPolicies, "encryptionCertificate", ownComponent},
	{"samlConfig/encryptionType", samlPolicies, "encryptionType", ownComponent},
	{"samlConfig/entityUrl", samlPolicies, "entityUrl", ownComponent},
	{"samlConfig/issuer", samlPolicies, "issuer", ownComponent},
	{"samlConfig/samlIdpSLOBindingEnum", samlPolicies, "singleLogoutBindingType", ownComponent},
	{"samlConfig/samlNameIdFormat", samlPolicies, "nameIdFormat", ownComponent},
	{"samlConfig/samlSigningAlgoType", samlPolicies, "signingAlgorithmType", ownComponent},
	{"samlConfig/samlSloUrl", samlPolicies, "singleLogoutUrl", ownComponent},
	{"samlConfig/samlSubjectCustomAttr", samlPolicies, "subjectCustomAttribute", ownComponent},
	{"samlConfig/samlSubjectType", samlPolicies, "subjectType", ownComponent},
	{"canvasConfig/accessMethod", canvasSettings, "accessMethod", ownComponent},
	{"canvasConfig/canvasUrl", canvasSettings, "canvasUrl", ownComponent},
	{"canvasConfig/lifecycleClass", canvasSettings, "lifeCycleHandler", ownComponent},
	{"canvasConfig/locations", canvasSettings, "canvasLocationOptions", ownComponent},
	{"canvasConfig/options", canvasSettings, "canvasOptions", ownComponent},
	{"canvasConfig/samlInitiationMethod", canvasSettings, "samlInitiationMethod", ownComponent},
	{"canvas/accessMethod", canvasSettings, "accessMethod", ownComponent},
	{"canvas/canvasOptions", canvasSettings, "canvasOptions", ownComponent},
	{"canvas/canvasUrl", canvasSettings, "canvasUrl", ownComponent},
	{"canvas/lifecycleClass", canvasSettings, "lifeCycleHandler", ownComponent},
	{"canvas/locationOptions", canvasSettings, "canvasLocationOptions", ownComponent},
	{"canvas/samlInitiationMethod", canvasSettings, "samlInitiationMethod", ownComponent},
}

// samlCarriage is where an app without OAuth settings, whose users sign in by SAML, has what [carriage] puts beside OAuth.
var samlCarriage = []carried{
	{"attributes/key", samlPolicies, "customAttributes/key", ownComponent},
	{"attributes/formula", samlPolicies, "customAttributes/formula", ownComponent},
	{"permissionSetName", samlPolicies, "commaSeparatedPermissionSet", permissionSetByName},
	{"profileName", samlPolicies, "commaSeparatedProfile", ownComponent},
}

// noPlace says of connected apps' elements why no external client app holds what is in them.
//
// Source: the types ExtlClntAppMobileSettings and ExtlClntAppMobileConfigurablePolicies of API versions 57 to 68.
var noPlace = map[string]string{
	"mobileAppConfig": "External client apps have had no element for it since API version 59; of mobile settings they hold the screen lock alone.",
}

// files are elements that hold a file in base64, of which a plan tells the size.
var files = []string{"mobileAppConfig/applicationBinaryFile", "mobileAppConfig/applicationIconFile"}
