package fullcast

import (
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Remedy says who has to do what when something has failed. The zero Remedy means that nothing is known.
type Remedy uint8

// Remedies. [Remedy.Actor] is who has to act, [Remedy.ForAdmin] the text to send to an org's admin, with the clicks in Setup.
const (
	Retry                   Remedy = iota + 1 // nobody: try again later; Error.RetryAfter says when, if that is known
	Reauthorize                               // the org's admin: connect again
	AdminFixesApp                             // the org's admin: correct the app's settings
	AdminFixesPolicy                          // the org's admin: correct a policy of the app, the org or the user; the login history says which
	FixConfiguration                          // the org's admin: correct what was entered, that is login host, consumer key or consumer secret
	RecreateApp                               // the org's admin: create the external client app again and connect again
	Migrate                                   // the org's admin: make the external client app; the connected app is no longer supported
	ContactCSM                                // the org's admin: connect again, and then contact the customer success manager
	FixCode                                   // the programmer of the service: correct the call
	FixService                                // the operator of the service: correct its configuration, sealing keys, network or store
	AdminUnblocksApp                          // the org's admin: unblock the app
	AdminAssignsApp                           // the org's admin: let the user use the app
	AdminInstallsApp                          // the org's admin: install the app, and connect again
	AdminAllowsAddresses                      // the org's admin: allow the service's network addresses
	AdminAllowsAppAddresses                   // the org's admin: add the service's network addresses to the app's own lists
	AdminFixesLoginHours                      // the org's admin: allow logins at all hours
	AdminFixesSessions                        // the org's admin: correct the org's session settings
	AdminAllowsAPIAccess                      // the org's admin: let the app use the API
	AdminEnablesAPI                           // the org's admin: switch the API on for the user
	AdminActivatesUser                        // the org's admin: activate the user
	AdminResetsPassword                       // the org's admin: end the expiry of the user's password
	AdminGivesPermission                      // the org's admin: give the user the permission
	AdminConnectsOtherOrg                     // the org's admin: connect the org once it is active again, or the one in its place
	AdminSignsIn                              // the org's admin: connect again, signed in to the right org as the right user
	AdminUpdatesPackage                       // the org's admin: update the installed package
	AdminClearsDPoP                           // the org's admin: clear "Require DPoP"
	AdminClearsMTLS                           // the org's admin: clear "Require mTLS"
	AdminClearsJWT                            // the org's admin: have the app issue opaque access tokens
	AdminConnectsMyDomain                     // the org's admin: connect the org again at its present My Domain host
	AdminAsksSalesforce                       // the org's admin: ask Salesforce to open the org again
	AdminFreesStorage                         // the org's admin: give the org storage
	AdminFixesRules                           // the org's admin: correct the org's own rule, flow or trigger that refuses a record
)

// A remedyRow is one remedy in words. {addresses} in a text stands for the service's own network addresses.
type remedyRow struct {
	id    string // a stable code, fit for a label of a metric or an API
	actor Actor
	does  string // one sentence
	admin string // to send to the org's admin
	heals bool   // a connection works again by itself once that is done
}

const (
	instructions = "the setup instructions (support.fullcast.com, \"Create an external client app\")"
	inSetup      = "Please open Salesforce Setup > "
	oauthScreen  = "External Client App Manager > the Fullcast app > Settings > OAuth Settings (of a connected app: App Manager > the Fullcast app > Edit)"
	policies     = "External Client App Manager > the Fullcast app > Policies > OAuth Policies (of a connected app: Manage Connected Apps > the Fullcast app > Edit Policies)"
)

// remedyRows are all remedies, each at its own place.
//
// Source: Fullcast support, "Create an external client app"; Salesforce Help, "Restrict Login IP Addresses in Profiles", "Set
// Trusted IP Ranges for Your Organization", "Restrict Login Hours in Profiles", "Manage OAuth Usage and Access for Connected
// Apps", "Manage API Access", "Modify Session Security Settings".
var remedyRows = [...]remedyRow{
	Retry: {
		id: "retry", actor: ActorNobody,
		does: "Try again later.",
		admin: "Nothing needs to be done in Salesforce: Fullcast tries again by itself. If this stays so for a day, " +
			"please tell Fullcast.",
	},
	Reauthorize: {
		id: "connect-again", actor: ActorAdmin,
		does:  "Connect the org again, as an admin of the org.",
		admin: "Please open Fullcast and connect Salesforce again, as an admin of the org.",
	},
	AdminFixesApp: {
		id: "correct-app", actor: ActorAdmin,
		does: "In Salesforce Setup, correct the app's settings as the setup instructions say.",
		admin: "Please open the Fullcast app in Salesforce Setup, and correct its settings as the setup instructions on " +
			"support.fullcast.com say. If the connection does not work an hour later, connect again in Fullcast; a connected app is " +
			"migrated there.",
	},
	AdminFixesPolicy: {
		id: "correct-policy", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, correct the policies of the app, the org or the user; Login History names the one that refuses.",
		admin: inSetup + "Login History, look for the reason why the user of this connection is refused, and correct " +
			"that policy.",
	},
	FixConfiguration: {
		id: "correct-entry", actor: ActorAdmin,
		does: "Check what was entered: login host, consumer key, consumer secret, and what the error names.",
		admin: "Please check what was entered in Fullcast against Salesforce Setup: the org's My Domain, the app's " +
			"consumer key and consumer secret.",
	},
	RecreateApp: {
		id: "create-app-again", actor: ActorAdmin,
		does: "Create the external client app in the org as the setup instructions say, and connect again.",
		admin: "Please create the external client app as " + instructions +
			" say, and connect with its consumer key and secret in Fullcast.",
	},
	Migrate: {
		id: "migrate", actor: ActorAdmin,
		does: "Create the external client app in the org, and connect with it (support.fullcast.com, \"Create an external client app\").",
		admin: "This connection uses a connected app, which can no longer be authorized. Please create the external " +
			"client app as " + instructions + " say, and connect with its consumer key and secret in Fullcast.",
	},
	ContactCSM: {
		id: "contact-csm", actor: ActorAdmin,
		does:  "Connect again; if that fails, too, contact your customer success manager.",
		admin: "Please connect again in Fullcast; if that fails, too, contact your customer success manager.",
	},
	FixCode: {
		id: "correct-code", actor: ActorProgrammer,
		does:  "Correct the call in the code of the service, as the error says.",
		admin: "Nothing needs to be done in Salesforce: the fault is in Fullcast's own program. Please tell Fullcast.",
	},
	FixService: {
		id: "correct-service", actor: ActorOperator,
		does:  "Correct the service's own configuration, sealing keys, network or store, as the error says.",
		admin: "Nothing needs to be done in Salesforce: the fault is in Fullcast's own service. Please tell Fullcast.",
	},
	AdminUnblocksApp: {
		id: "unblock-app", actor: ActorAdmin,
		does: "In Salesforce Setup > Connected Apps OAuth Usage, unblock the app.",
		admin: inSetup + "Connected Apps OAuth Usage, and choose Unblock beside the Fullcast app. If Fullcast still " +
			"shows the connection as interrupted an hour later, blocking has ended its tokens: connect again there.",
	},
	AdminAssignsApp: {
		id: "assign-app", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, let the user of the connection use the app: Permitted Users, or a profile or permission set of the user.",
		admin: inSetup + policies + ". Set Permitted Users to \"All users may self-authorize\", or add the profile or " +
			"a permission set of this connection's user.",
	},
	AdminInstallsApp: {
		id: "install-app", actor: ActorAdmin,
		does: "In Salesforce Setup > Connected Apps OAuth Usage, install the app, and connect again.",
		admin: inSetup + "Connected Apps OAuth Usage, and choose Install beside the Fullcast app; where it is not " +
			"listed, create it as " + instructions + " say. Then connect again in Fullcast.",
	},
	AdminAllowsAddresses: {
		id: "allow-addresses", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, allow the service's network addresses: the profile's Login IP Ranges, and Network Access.",
		admin: "Fullcast's network addresses are {addresses}. Please allow them in " +
			"Salesforce Setup: in Login IP Ranges of the user's profile where there are any, " +
			"else in Network Access. As IP Relaxation, choose \"" + string(metadata.EnforceIPRelaxForRefreshTokens) + "\" in " + policies + ".",
	},
	AdminAllowsAppAddresses: {
		id: "allow-app-addresses", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, add the service's network addresses to each list of addresses in the app's own " +
			"OAuth settings.",
		admin: "Fullcast's network addresses are {addresses}. " + inSetup + oauthScreen + ", and add them to each list of " +
			"allowed addresses there. Network Access and Login IP Ranges do not help.",
	},
	AdminFixesLoginHours: {
		id: "correct-login-hours", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup > Profiles, allow logins of the user's profile at all hours, and from the " +
			"service's network addresses.",
		admin: inSetup + "Profiles > the profile of this connection's user. Clear all times in Login Hours, for " +
			"Fullcast calls at any hour; where Login IP Ranges has entries, allow Fullcast's network addresses, which " +
			"are {addresses}.",
	},
	AdminFixesSessions: {
		id: "correct-session-settings", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup > Session Settings, clear the locks of sessions, and look at the session level " +
			"that the user's profile requires.",
		admin: inSetup + "Session Settings: clear \"Lock sessions to the IP address from which they originated\", and " +
			"clear \"Enforce login IP ranges on every request\" or allow Fullcast's network addresses, which are " +
			"{addresses}, in Login IP Ranges of the profile of this connection's user. In that profile, " +
			"Session Security Level Required at Login must be None.",
	},
	AdminAllowsAPIAccess: {
		id: "allow-api-access", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, let the app use the API: API Access Control, the app's IP relaxation, and the " +
			"session level that the org requires.",
		admin: inSetup + "API Access Control, and allow the Fullcast app there; then look at IP Relaxation in " +
			"" + policies + ", and at the session security level that Session Settings require for the API.",
	},
	AdminEnablesAPI: {
		id: "enable-api", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, give the user the permission \"API Enabled\"; the org's edition must have the API.",
		admin: inSetup + "Profiles > the profile of this connection's user > System Permissions (or a permission set " +
			"of the user), and select \"API Enabled\". Where that is selected, the org's edition has no API.",
	},
	AdminActivatesUser: {
		id: "activate-user", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup > Users, activate or unfreeze the user of the connection, or connect with another.",
		admin: inSetup + "Users > the user of this connection, and choose Unfreeze, or Edit > Active; or connect in " +
			"Fullcast as another user.",
	},
	AdminResetsPassword: {
		id: "reset-password", actor: ActorAdmin, heals: true,
		does: "Have the user set a new password, or give the user the permission \"Password Never Expires\".",
		admin: inSetup + "Users > the user of this connection, and choose Reset Password; or give the user the " +
			"permission \"Password Never Expires\" by the profile or a permission set.",
	},
	AdminGivesPermission: {
		id: "give-permission", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, give the user the permission that the error names, by profile or permission set.",
		admin: inSetup + "Users > the user of this connection > Permission Set Assignments, and assign the permission " +
			"sets that Fullcast's instructions name; else give the missing permission by the profile.",
	},
	AdminConnectsOtherOrg: {
		id: "connect-other-org", actor: ActorAdmin,
		does: "Connect the org again once it is active, or the org that has taken its place.",
		admin: "Once the Salesforce org of this connection is active again, please connect it again in Fullcast. Where another org has taken its place, as after a sandbox refresh, connect that one; it needs the app, as " +
			instructions + " say.",
	},
	AdminSignsIn: {
		id: "sign-in-to-org", actor: ActorAdmin,
		does: "Connect again, signed in to the right org as the right user, for example in a private window.",
		admin: "Please sign out of Salesforce in this browser, or use a private window, and connect again in Fullcast. If another org has taken the place of the former one, as after a sandbox " +
			"refresh, say so in Fullcast.",
	},
	AdminUpdatesPackage: {
		id: "update-package", actor: ActorAdmin, heals: true,
		does:  "In Salesforce Setup > Installed Packages, update the package.",
		admin: inSetup + "Installed Packages, and update Fullcast's package as its instructions say.",
	},
	AdminClearsDPoP: {
		id: "clear-dpop", actor: ActorAdmin, heals: true,
		does:  "In Salesforce Setup, clear \"Require DPoP\" in the app's settings.",
		admin: inSetup + oauthScreen + ", clear \"Require DPoP\", and save.",
	},
	AdminClearsMTLS: {
		id: "clear-mtls", actor: ActorAdmin, heals: true,
		does:  "In Salesforce Setup, clear \"Require mTLS\" in the app's settings.",
		admin: inSetup + oauthScreen + ", clear \"Require mTLS\", and save.",
	},
	AdminClearsJWT: {
		id: "clear-jwt", actor: ActorAdmin, heals: true,
		does: "In Salesforce Setup, clear \"Issue JSON Web Token (JWT)-based access tokens for named users\" in the app's settings.",
		admin: inSetup + oauthScreen + ", clear \"Issue JSON Web Token " +
			"(JWT)-based access tokens for named users\", and save.",
	},
	AdminConnectsMyDomain: {
		id: "connect-at-my-domain", actor: ActorAdmin,
		does: "Connect the org again at its present My Domain host, as an admin of the org.",
		admin: inSetup + "My Domain, copy the Current My Domain URL, and connect Salesforce again in Fullcast with that login " +
			"host, as an admin of the org.",
	},
	AdminAsksSalesforce: {
		id: "ask-salesforce", actor: ActorAdmin,
		does: "Ask Salesforce to open the org again, and connect again if the connection does not work then.",
		admin: "Please ask Salesforce to open the org again. If Fullcast still shows the connection as interrupted an hour later, " +
			"connect again there.",
	},
	AdminFreesStorage: {
		id: "free-storage", actor: ActorAdmin, heals: true,
		does:  "In Salesforce Setup > Storage Usage, see what uses the org's storage, and delete some of it or buy more.",
		admin: inSetup + "Storage Usage, see what uses the org's storage, and delete some of it or buy more.",
	},
	AdminFixesRules: {
		id: "correct-rules", actor: ActorAdmin,
		does: "In Salesforce Setup, correct the org's own rule, flow or trigger that the error names.",
		admin: "A rule, flow or trigger of the org refuses what Fullcast writes. " + inSetup + "Object Manager > the object > Validation Rules or Triggers, " +
			"Setup > Flows, or Setup > Duplicate Rules, and correct the one that the error names.",
	},
}

func (r Remedy) row() remedyRow {
	if int(r) >= len(remedyRows) {
		return remedyRow{}
	}
	return remedyRows[r]
}

// ID returns a stable code of lower-case letters and dashes, such as "connect-again"; empty for the zero Remedy.
func (r Remedy) ID() string { return r.row().id }

// String returns one sentence that says what to do.
func (r Remedy) String() string { return r.row().does }

// Actor returns who has to act; empty for the zero Remedy.
func (r Remedy) Actor() Actor { return r.row().actor }

// after says what comes once the admin has done as the remedy says, of an error of the operation.
func (r Remedy) after(op string) string {
	switch {
	case !r.row().heals:
		return ""
	case op == "callback", op == "exchange":
		return " Then connect again in Fullcast."
	}
	return " Nothing needs to be connected again: Fullcast goes on by itself, usually within an hour."
}

// ForAdmin returns a text to send to the org's admin: what to do in Salesforce, with the clicks. Where somebody else has to
// act, it says that nothing needs to be done in Salesforce. Egress are the addresses that the service calls Salesforce from, as
// in [Config].EgressAddresses; they are named where a restriction of addresses is in the way. The zero Remedy has no text.
func (r Remedy) ForAdmin(egress []string) string {
	addresses := "those that Fullcast tells you"
	if len(egress) > 0 {
		addresses = strings.Join(egress, ", ")
	}
	return strings.ReplaceAll(r.row().admin, "{addresses}", addresses)
}
