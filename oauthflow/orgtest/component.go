package orgtest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// kind is a metadata type the org keeps, with its place in a package.
type kind struct{ typ, directory, suffix string }

// kinds in the order in which one deploy works through them: the app, its OAuth settings, the global ones, the policies.
// Source: source-deploy-retrieve metadataRegistry.json; order as reported by projects that deploy them.
var kinds = []kind{
	{"ExternalClientAppSettings", "settings", "settings"},
	{"OauthOidcSettings", "settings", "settings"},
	{"ConnectedAppSettings", "settings", "settings"},
	{"ExternalClientApplication", "externalClientApps", "eca"},
	{"ExtlClntAppOauthSettings", "extlClntAppOauthSettings", "ecaOauth"},
	{"ExtlClntAppGlobalOauthSettings", "extlClntAppGlobalOauthSets", "ecaGlblOauth"},
	{"ExtlClntAppOauthConfigurablePolicies", "extlClntAppOauthPolicies", "ecaOauthPlcy"},
	{"ExtlClntAppConfigurablePolicies", "extlClntAppPolicies", "ecaPlcy"},
	{"ExtlClntAppOauthSecuritySettings", "extlClntAppOauthSecuritySettings", "ecaOauthSecurity"},
	{"ConnectedApp", "connectedApps", "connectedApp"},
	{securitySettings, "settings", "settings"},
}

// securitySettings hold the org's session settings, of which [Org.sessionOf] obeys two. Source: Metadata API, SecuritySettings.
const securitySettings = "SecuritySettings"

// satellites are the types that belong to an external client app and name it in externalClientApplication.
var satellites = []string{
	"ExtlClntAppOauthSettings", "ExtlClntAppGlobalOauthSettings", "ExtlClntAppOauthConfigurablePolicies",
	"ExtlClntAppConfigurablePolicies", "ExtlClntAppOauthSecuritySettings",
}

func kindOf(typ string) (kind, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.typ == typ })
	if i < 0 {
		return kind{}, false
	}
	return kinds[i], true
}

// settingsMember is the name under which a Settings type is listed: OauthOidcSettings is the member "OauthOidc" of the
// type Settings, but ExternalClientAppSettings is "ExternalClientApp". Source: docs, Settings.
func (k kind) settingsMember() string {
	if k.directory != "settings" {
		return ""
	}
	return strings.TrimSuffix(k.typ, "Settings")
}

// packageType is the <name> in package.xml.
func (k kind) packageType() string {
	if k.directory == "settings" {
		return "Settings"
	}
	return k.typ
}

func (k kind) file(fullName string) string { return k.directory + "/" + fullName + "." + k.suffix }

// kindOfFile recognises a path in a package. Names of the source format (-meta.xml) occur in deployed zips as well.
// Source: public projects deploy both forms.
func kindOfFile(name string) (k kind, fullName string, ok bool) {
	base := strings.TrimSuffix(path.Base(name), "-meta.xml")
	for _, k := range kinds {
		fullName, found := strings.CutSuffix(base, "."+k.suffix)
		if !found || path.Base(path.Dir(name)) != k.directory {
			continue
		}
		if member := k.settingsMember(); member != "" && member != fullName {
			continue
		}
		return k, fullName, true
	}
	return kind{}, "", false
}

// component is one piece of metadata the org keeps. The body is never changed in place: a change stores a new component.
type component struct {
	kind
	fullName          string
	id                string
	body              *node
	locked            bool // global OAuth settings that were made in a release that fixes PKCE and rotation
	created, modified time.Time
}

type componentKey struct{ typ, fullName string }

type components map[componentKey]*component

func (c components) clone() components { return maps.Clone(c) }

func (c components) find(typ, fullName string) *component { return c[componentKey{typ, fullName}] }

// of lists the components of a type by name.
func (c components) of(typ string) []*component {
	var out []*component
	for k, v := range c {
		if k.typ == typ {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *component) int { return strings.Compare(a.fullName, b.fullName) })
	return out
}

// satellite finds the one component of a type that belongs to an app, nil if there is none.
func (c components) satellite(typ, app string) *component {
	for _, s := range c.of(typ) {
		if s.body.value("externalClientApplication") == app {
			return s
		}
	}
	return nil
}

func (c components) body(typ, app string) *node {
	if s := c.satellite(typ, app); s != nil {
		return s.body
	}
	return nil
}

// setting reads a switch of the org. All of the org's switches are off by default (docs, Settings types).
func (c components) setting(typ, name string) bool {
	k, _ := kindOf(typ)
	if s := c.find(typ, k.settingsMember()); s != nil {
		return s.body.is(name)
	}
	return false
}

// recordPrefix gives each type an id prefix. 0xI was seen for external client apps, the others are assumed.
func recordPrefix(typ string) string {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.typ == typ })
	if typ == "ExternalClientApplication" {
		return "0xI"
	}
	return fmt.Sprintf("0x%c", 'A'+rune(i))
}

// retrieved is the component as an API version sees it: what the platform adds is there, what the version does not know is
// left out, elements in schema order.
func (o *Org) retrieved(c *component, version int) *node {
	body := c.body.clone()
	switch c.typ {
	case "ExtlClntAppGlobalOauthSettings":
		if a := o.apps[c.body.value("externalClientApplication")]; a != nil {
			body.set("consumerKey", a.current().key)
		}
	case "ConnectedApp":
		if a := o.apps[c.fullName]; a != nil && c.body.at("oauthConfig") != nil {
			body.set("oauthConfig/consumerKey", a.current().key)
		}
	}
	return schema().only(c.typ, body, version)
}
