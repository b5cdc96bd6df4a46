package metadata

import "github.com/fullcast/sfauth/internal/secret"

// ConnectedApp is a whole connected app.
//
// Source: Metadata API, ConnectedApp.
type ConnectedApp struct {
	Component
	Attributes          []Attribute             `xml:"attributes" api:"47"`
	Canvas              *CanvasMetadata         `xml:"canvas" api:"47"`
	CanvasConfig        *ConnectedCanvasConfig  `xml:"canvasConfig" api:"47"`
	ContactEmail        string                  `xml:"contactEmail" api:"47,required"`
	ContactPhone        string                  `xml:"contactPhone" api:"47"`
	Description         string                  `xml:"description" api:"47"`
	IconURL             string                  `xml:"iconUrl" api:"47"`
	InfoURL             string                  `xml:"infoUrl" api:"47"`
	IPRanges            []ConnectedIPRange      `xml:"ipRanges" api:"47"`
	Label               string                  `xml:"label" api:"47,required"` // Setup: Connected App Name
	LogoURL             string                  `xml:"logoUrl" api:"47"`
	MobileAppConfig     *ConnectedMobileConfig  `xml:"mobileAppConfig" api:"47"`
	MobileStartURL      string                  `xml:"mobileStartUrl" api:"47"`
	OAuthConfig         *ConnectedOAuthConfig   `xml:"oauthConfig" api:"47"`       // present = Setup's Enable OAuth Settings
	OAuthPolicy         *ConnectedOAuthPolicy   `xml:"oauthPolicy" api:"49"`       //
	PermissionSetName   []string                `xml:"permissionSetName" api:"47"` // labels, unlike external client apps
	Plugin              string                  `xml:"plugin" api:"47"`
	PluginExecutionUser string                  `xml:"pluginExecutionUser" api:"47"` // missing from the published types of 67 and 68
	ProfileName         []string                `xml:"profileName" api:"47"`
	SAMLConfig          *ConnectedSAMLConfig    `xml:"samlConfig" api:"47"`
	SessionPolicy       *ConnectedSessionPolicy `xml:"sessionPolicy" api:"49"`
	StartURL            string                  `xml:"startUrl" api:"47"`
}

// ConnectedOAuthConfig is the ConnectedAppOauthConfig of [ConnectedApp].
type ConnectedOAuthConfig struct {
	AssetTokenConfig                 *ConnectedAssetToken `xml:"assetTokenConfig" api:"49"`
	CallbackURL                      string               `xml:"callbackUrl" api:"47,required"` // one URL a line
	Certificate                      string               `xml:"certificate" api:"47"`
	ConsumerKey                      string               `xml:"consumerKey" api:"47,platform"`
	ConsumerSecret                   secret.Secret        `xml:"consumerSecret" api:"47,platform"`
	IDTokenConfig                    *ConnectedIDToken    `xml:"idTokenConfig" api:"47"`
	IsAdminApproved                  *bool                `xml:"isAdminApproved" api:"47"` // Setup: Permitted Users; false = all users may self-authorize
	IsClientCredentialEnabled        *bool                `xml:"isClientCredentialEnabled" api:"56"`
	IsCodeCredentialEnabled          *bool                `xml:"isCodeCredentialEnabled" api:"57"`
	IsCodeCredentialPostOnly         *bool                `xml:"isCodeCredentialPostOnly" api:"57"`
	IsConsumerSecretOptional         *bool                `xml:"isConsumerSecretOptional" api:"49"` // the opposite of Setup's Require secret for Web Server Flow
	IsDPopEnabled                    *bool                `xml:"isDPopEnabled" api:"68"`
	IsDeviceFlowEnabled              *bool                `xml:"isDeviceFlowEnabled" api:"68"`
	IsEnforceRefreshTokenTTL         *bool                `xml:"isEnforceRefreshTokenTTL" api:"68"`
	IsIntrospectAllTokens            *bool                `xml:"isIntrospectAllTokens" api:"49"`
	IsIPBindingEnabled               *bool                `xml:"isIpBindingEnabled" api:"68"`
	IsNamedUserJWTEnabled            *bool                `xml:"isNamedUserJwtEnabled" api:"58"`
	IsPKImTLSEnabled                 *bool                `xml:"isPKImTLSEnabled" api:"68"`
	IsPKCERequired                   *bool                `xml:"isPkceRequired" api:"59"`
	IsRefreshTokenRotationEnabled    *bool                `xml:"isRefreshTokenRotationEnabled" api:"60"`
	IsSecretRequiredForRefreshToken  *bool                `xml:"isSecretRequiredForRefreshToken" api:"51"`
	IsSecretRequiredForTokenExchange *bool                `xml:"isSecretRequiredForTokenExchange" api:"60"`
	IsTokenExchangeEnabled           *bool                `xml:"isTokenExchangeEnabled" api:"60"`
	OAuthClientCredentialUser        string               `xml:"oauthClientCredentialUser" api:"56"`
	Scopes                           []Scope              `xml:"scopes" api:"47" enum:"ConnectedAppOauthAccessScope"`
	SingleLogoutURL                  string               `xml:"singleLogoutUrl" api:"47"`
}

// ConnectedOAuthPolicy is the ConnectedAppOauthPolicy of [ConnectedApp].
type ConnectedOAuthPolicy struct {
	IPRelaxation               string `xml:"ipRelaxation" api:"49,required" enum:"ipRelaxation"` // ENFORCE, BYPASS_2FACTOR, BYPASS, ENFORCE_RELAXREFRESH
	IsTokenExchangeFlowEnabled *bool  `xml:"isTokenExchangeFlowEnabled" api:"60"`
	RefreshTokenPolicy         string `xml:"refreshTokenPolicy" api:"49,required"` // infinite, zero, specific_lifetime:n:UNIT, specific_inactivity:n:UNIT
	SingleLogoutURL            string `xml:"singleLogoutUrl" api:"49"`
}

// ConnectedSessionPolicy is the ConnectedAppSessionPolicy of [ConnectedApp].
type ConnectedSessionPolicy struct {
	PolicyAction   string `xml:"policyAction" api:"49" enum:"policyAction"`         // Block, RaiseSessionLevel
	SessionLevel   string `xml:"sessionLevel" api:"49" enum:"SessionSecurityLevel"` // LOW, STANDARD, HIGH_ASSURANCE
	SessionTimeout *int   `xml:"sessionTimeout" api:"49"`                           // minutes
}

// ConnectedIPRange is a range of IP addresses of a connected app, both ends included.
type ConnectedIPRange struct {
	Description string `xml:"description" api:"47"`
	End         string `xml:"end" api:"47,required"`
	Start       string `xml:"start" api:"47,required"`
}

// ConnectedIDToken is the ConnectedAppOauthIdToken of [ConnectedOAuthConfig].
type ConnectedIDToken struct {
	IDTokenAudience              string `xml:"idTokenAudience" api:"47"`
	IDTokenIncludeAttributes     *bool  `xml:"idTokenIncludeAttributes" api:"47"`
	IDTokenIncludeCustomPerms    *bool  `xml:"idTokenIncludeCustomPerms" api:"47"`
	IDTokenIncludeStandardClaims *bool  `xml:"idTokenIncludeStandardClaims" api:"47"`
	IDTokenValidity              *int   `xml:"idTokenValidity" api:"47"` // minutes
}

// ConnectedAssetToken is the ConnectedAppOauthAssetToken of [ConnectedOAuthConfig].
type ConnectedAssetToken struct {
	AssetAudiences          string `xml:"assetAudiences" api:"49,required"`
	AssetIncludeAttributes  *bool  `xml:"assetIncludeAttributes" api:"49,required"`
	AssetIncludeCustomPerms *bool  `xml:"assetIncludeCustomPerms" api:"49,required"`
	AssetSigningCertID      string `xml:"assetSigningCertId" api:"49,required"`
	AssetValidityPeriod     *int   `xml:"assetValidityPeriod" api:"49,required"`
}

// ConnectedSAMLConfig is the ConnectedAppSamlConfig of [ConnectedApp].
type ConnectedSAMLConfig struct {
	ACSURL                string `xml:"acsUrl" api:"47,required"`
	Certificate           string `xml:"certificate" api:"47"`
	EncryptionCertificate string `xml:"encryptionCertificate" api:"47"`
	EncryptionType        string `xml:"encryptionType" api:"47" enum:"SamlEncryptionType"`
	EntityURL             string `xml:"entityUrl" api:"47,required"`
	Issuer                string `xml:"issuer" api:"47"`
	SAMLIDPSLOBindingEnum string `xml:"samlIdpSLOBindingEnum" api:"47" enum:"SamlIdpSLOBinding"`
	SAMLNameIDFormat      string `xml:"samlNameIdFormat" api:"47" enum:"SamlNameIdFormatType"`
	SAMLSigningAlgoType   string `xml:"samlSigningAlgoType" api:"50" enum:"SamlSigningAlgoType"`
	SAMLSLOURL            string `xml:"samlSloUrl" api:"47"`
	SAMLSubjectCustomAttr string `xml:"samlSubjectCustomAttr" api:"47"`
	SAMLSubjectType       string `xml:"samlSubjectType" api:"47,required" enum:"SamlSubjectType"`
}

// ConnectedCanvasConfig is the ConnectedAppCanvasConfig of [ConnectedApp].
type ConnectedCanvasConfig struct {
	AccessMethod         string   `xml:"accessMethod" api:"47,required" enum:"AccessMethod"` // Get, Post
	CanvasURL            string   `xml:"canvasUrl" api:"47,required"`
	LifecycleClass       string   `xml:"lifecycleClass" api:"47"`
	Locations            []string `xml:"locations" api:"47" enum:"CanvasLocationOptions"`
	Options              []string `xml:"options" api:"47" enum:"CanvasOptions"`
	SAMLInitiationMethod string   `xml:"samlInitiationMethod" api:"47" enum:"SamlInitiationMethod"`
}

// CanvasMetadata is the older form of [ConnectedCanvasConfig].
type CanvasMetadata struct {
	AccessMethod         string `xml:"accessMethod" api:"47,required"`
	CanvasOptions        string `xml:"canvasOptions" api:"47"`
	CanvasURL            string `xml:"canvasUrl" api:"47,required"`
	LifecycleClass       string `xml:"lifecycleClass" api:"47"`
	LocationOptions      string `xml:"locationOptions" api:"47"`
	SAMLInitiationMethod string `xml:"samlInitiationMethod" api:"47"`
}

// ConnectedMobileConfig is the ConnectedAppMobileDetailConfig of [ConnectedApp].
type ConnectedMobileConfig struct {
	ApplicationBinaryFile       string `xml:"applicationBinaryFile" api:"47"` // base64
	ApplicationBinaryFileName   string `xml:"applicationBinaryFileName" api:"47"`
	ApplicationBundleIdentifier string `xml:"applicationBundleIdentifier" api:"47"`
	ApplicationFileLength       *int   `xml:"applicationFileLength" api:"47"`
	ApplicationIconFile         string `xml:"applicationIconFile" api:"47"`
	ApplicationIconFileName     string `xml:"applicationIconFileName" api:"47"`
	ApplicationInstallURL       string `xml:"applicationInstallUrl" api:"47"`
	DevicePlatform              string `xml:"devicePlatform" api:"47,required" enum:"DevicePlatformType"` // ios, android
	DeviceType                  string `xml:"deviceType" api:"47" enum:"DeviceType"`                      // phone, tablet, minitablet
	MinimumOSVersion            string `xml:"minimumOsVersion" api:"47"`
	PrivateApp                  *bool  `xml:"privateApp" api:"47"`
	Version                     string `xml:"version" api:"47,required"`
}
