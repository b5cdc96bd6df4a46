package policy

import (
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Blocker is a feature of the connected app that an admin must switch off before Setup's own migration accepts the app.
type Blocker struct {
	What string `json:"what"`
	Seen bool   `json:"seen"` // true: the metadata of the app shows it. False: no metadata holds it, and an admin must look in Setup
	Do   string `json:"do"`   // the clicks in Setup that switch it off
}

// blocker is one such feature, as data.
type blocker struct {
	what string
	at   screen
	do   string
	has  func(metadata.ConnectedApp) bool // nil: no metadata holds it
}

// blockers are all that Setup's migration is known to refuse.
//
// Source: reports of admins, which name Salesforce's wording; for the screens Salesforce Help, "Manage Access Through a Custom
// Connected App Handler", "Manage User Provisioning for a Connected App" and "Enable OAuth Settings for API Integration".
var blockers = []blocker{
	{"User provisioning", connectedPolicies.section("User Provisioning Settings"), `clear the checkbox "Enable User Provisioning"`, nil},
	{"Apex handler", connectedPolicies.section("Custom Connected App Handler"), "clear Apex Plugin Class, where nobody needs it", func(c metadata.ConnectedApp) bool {
		return strings.TrimSpace(c.Plugin) != ""
	}},
	{"Canvas", connectedOAuth.section("Canvas App Settings"), `clear the checkbox "Canvas", where nobody needs it`, func(c metadata.ConnectedApp) bool {
		return c.Canvas != nil || c.CanvasConfig != nil
	}},
	{"Dynamic client registration", connectedView + " > Initial Access Token for Dynamic Client Registration", "delete the token, where nobody needs it", nil},
	{"Triple DES", connectedOAuth.section("Web App Settings"), "choose AES (256-bit) as Block Encryption Algorithm", func(c metadata.ConnectedApp) bool {
		return c.SAMLConfig != nil && tripleDES(c.SAMLConfig.EncryptionType)
	}},
}

func tripleDES(algorithm string) bool {
	return strings.EqualFold(strings.TrimSpace(algorithm), "Triple_Des")
}

// blockersOf are those that the app has, and those that nobody can see.
func blockersOf(app metadata.ConnectedApp, name string) []Blocker {
	var all []Blocker
	for _, b := range blockers {
		if b.has == nil || b.has(app) {
			all = append(all, Blocker{b.what, b.has != nil, strings.ReplaceAll(b.at.clicks(b.do), "{app}", name)})
		}
	}
	return all
}
