package metadata

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
)

// OrgSettings are the settings of an org that decide what its apps can do. A nil field was not read: it is absent, or the user
// may not see it.
type OrgSettings struct {
	ExternalClientApp *ExternalClientAppSettings `type:"ExternalClientAppSettings" member:"ExternalClientApp"`
	OAuthOIDC         *OAuthOIDCSettings         `type:"OauthOidcSettings" member:"OauthOidc"`
	ConnectedApp      *ConnectedAppSettings      `type:"ConnectedAppSettings" member:"ConnectedApp"`
	Security          *SecuritySettings          `type:"SecuritySettings" member:"Security"`
}

// ExternalClientAppSettings is Setup's External Client Apps > Settings. Setup's "Allow creation of connected apps" has
// no element in any version.
//
// Source: Metadata API, ExternalClientAppSettings.
type ExternalClientAppSettings struct {
	Component
	EnableClientSecretInRESTAPIAccess *bool `xml:"enableClientSecretInRestApiAccess" api:"60"` // needed for [Org.Credentials]
	EnableConsumerSecretAPIAccess     *bool `xml:"enableConsumerSecretApiAccess" api:"57"`     // deprecated by Salesforce
	EnableExternalClientApps          *bool `xml:"enableExternalClientApps" api:"58-62"`
	EnablePackageECAOAuthFromDevOrg   *bool `xml:"enablePackageEcaOauthFromDevOrg" api:"60"`
}

// OAuthOIDCSettings is Setup's OAuth and OpenID Connect Settings.
//
// Source: Metadata API, OauthOidcSettings.
type OAuthOIDCSettings struct {
	Component
	AgentAuthLinking       *bool `xml:"agentAuthLinking" api:"65"`
	BlockOAuthUnPwFlow     *bool `xml:"blockOAuthUnPwFlow" api:"57"`   // Setup: Allow OAuth Username-Password Flows, the opposite
	BlockOAuthUsrAgtFlow   *bool `xml:"blockOAuthUsrAgtFlow" api:"57"` // Setup: Allow OAuth User-Agent Flows, the opposite
	EnableHdlessFgtPswFlow *bool `xml:"enableHdlessFgtPswFlow" api:"57-57"`
	IsPKCERequired         *bool `xml:"isPkceRequired" api:"59"`        // for every app of the org
	OAuthCdCrdtFlowEnable  *bool `xml:"oAuthCdCrdtFlowEnable" api:"57"` // Setup: Allow Authorization Code and Credentials Flows; default off
}

// ConnectedAppSettings is Setup's settings for connected apps.
//
// Source: Metadata API, ConnectedAppSettings.
type ConnectedAppSettings struct {
	Component
	EnableAdminApprovedAppsOnly                 *bool `xml:"enableAdminApprovedAppsOnly" api:"47"`
	EnableAdminApprovedAppsOnlyForExternalUser  *bool `xml:"enableAdminApprovedAppsOnlyForExternalUser" api:"48"`
	EnableSkipUserProvisioningWizardWelcomePage *bool `xml:"enableSkipUserProvisioningWizardWelcomePage" api:"47"`
}

// SecuritySettings holds the settings of Setup's Session Settings page. The same file has password policies, trusted address
// ranges and single sign-on. They have no field here, because none of them decides about an app's access tokens. They are kept as
// they were read.
//
// Source: Metadata API, SecuritySettings.
type SecuritySettings struct {
	Component
	SessionSettings *SessionSettings `xml:"sessionSettings" api:"57"`
}

// SessionSettings are the session settings that decide from which addresses an access token works.
//
// Source: Metadata API, SecuritySettings, SessionSettings; Salesforce Help, "Modify Session Security Settings".
type SessionSettings struct {
	EnforceIPRangesEveryRequest *bool `xml:"enforceIpRangesEveryRequest" api:"57"` // Setup: Enforce login IP ranges on every request
	LockSessionsToIP            *bool `xml:"lockSessionsToIp" api:"57"`            // Setup: Lock sessions to the IP address from which they originated
}

// setting is one field of OrgSettings: what Salesforce calls it, and where it goes.
type setting struct {
	part
	field reflect.Value
}

// settings returns an empty part for each field.
func (s *OrgSettings) settings() []setting {
	var out []setting
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		p := newPart(componentType{name: tag.Get("type"), dir: "settings", suffix: "settings"})
		p.FullName = tag.Get("member")
		out = append(out, setting{p, v.Field(i)})
	}
	return out
}

// ParseFile reads the bytes of one settings file into s. The root element says the type. ParseFile replaces the former value of
// that type in s. The name is only used in errors and positions.
func (s *OrgSettings) ParseFile(name string, data []byte) error {
	doc, line, err := parseDocument(data)
	if err != nil {
		return &Error{Op: "parse", Name: name, Line: line, Err: err}
	}
	for _, into := range s.settings() {
		if into.name != doc.root.name {
			continue
		}
		into.file = name
		if line, err := into.read(slices.Clone(data)); err != nil {
			return &Error{Op: "parse", Name: name, Line: line, Err: err}
		}
		into.field.Set(into.v.Addr())
		return nil
	}
	return &Error{Op: "parse", Name: name, Line: doc.line(doc.root.start), Err: errors.New("the root element is that of no settings this package knows")}
}

// Settings reads the settings of the org. A setting stays nil if the user may not see it, or if the API version does not have it.
// No function of this package changes the settings: the admin decides about them.
func (o *Org) Settings(ctx context.Context) (OrgSettings, error) {
	var s OrgSettings
	for _, into := range s.settings() {
		parts, err := o.readMetadata(ctx, into.componentType, []string{into.FullName})
		var refused *answerError
		if errors.As(err, &refused) && (strings.HasPrefix(refused.code, "INSUFFICIENT_ACCESS") || refused.code == "INVALID_TYPE") {
			continue
		}
		if err != nil {
			return s, wrap("read", into.name, err)
		}
		if len(parts) > 0 {
			into.field.Set(parts[0].v.Addr())
		}
	}
	return s, nil
}
