package fullcast

import (
	"github.com/fullcast/sfauth/metadata"
)

// Guide is what a customer's admin does in Salesforce Setup, as data. Steps keep the numbers of Fullcast's published
// instructions, so that support and customer speak of the same one. Notes stand where the instructions have them.
type Guide struct {
	Title    string
	Before   []string       // to know first
	Sections []GuideSection // the published instructions
	After    []string       // what follows in practice, and is not part of the published instructions
	Source   string         // address of the published instructions
}

// GuideSection is a numbered part of a [Guide].
type GuideSection struct {
	Title string
	Note  string // to heed in all its steps; empty when there is nothing
	Steps []GuideStep
}

// GuideStep is one step: what to do, and what to set. A step's number is its place in the section, from 1.
type GuideStep struct {
	Do       string
	Note     string // to heed in this step; empty when there is nothing
	Settings []GuideSetting
}

// GuideSetting is one field of Setup and what it becomes.
type GuideSetting struct {
	Label  string   // Setup's label
	Values []string // exactly as Setup has to have them; several for a list; empty where it is the admin's own
	Hint   string   // what to do, such as "Select the checkbox."; empty when Values are to be typed
	Note   string   // to heed in this field; empty when there is nothing
}

// SetupGuide returns the steps for one kind of app and one Fullcast instance. Any [Site] that passes [Site.Validate] will
// do. The guide is the caller's to change.
//
// Source: Fullcast support, "Create an external client app" and "Create a Connected App", updated 2026-02-19; for options that
// Setup may not list, Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps" and "… in Connected Apps".
func SetupGuide(s Site, kind metadata.Kind) Guide {
	if kind == metadata.KindConnectedApp {
		return connectedAppGuide(s)
	}
	return externalClientAppGuide(s)
}

const (
	goesOn     = "An existing connection with a connected app goes on working; move it to an external client app as soon as possible."
	mustMove   = "Once such a connection is broken, by a sandbox refresh or changed credentials for example, it has to move to an external client app."
	onlyListed = "Complete only the fields and options that are listed here; leave every other one as it is."
	notListed  = "Where Setup does not list this option, because Salesforce limits for how long a refresh token may stay unused, choose \"Expire refresh token if not used for\" and enter 30 Days."
	csm        = "customer success manager (CSM), the person of Fullcast's customer service who sees to it that you reach what you want with Fullcast"
)

func typed(label, value string) GuideSetting {
	return GuideSetting{Label: label, Values: []string{value}}
}

func filled(value string) GuideSetting {
	return GuideSetting{Label: "API Name", Values: []string{value}, Hint: "Click the field; it fills itself."}
}

func ownEmail() GuideSetting {
	return GuideSetting{Label: "Contact Email", Hint: "Type your own email address."}
}

func chosen(label, value string) GuideSetting {
	return GuideSetting{Label: label, Values: []string{value}, Hint: "Choose it from the list."}
}

func selected(label string) GuideSetting {
	return GuideSetting{Label: label, Values: []string{"selected"}, Hint: "Select the checkbox."}
}

func callbackURLs(s Site) GuideSetting {
	return GuideSetting{
		Label: "Callback URL", Values: s.CallbackURLs(), Hint: "Copy and paste all three, each on a line of its own.",
		Note: "They begin with the address of the Fullcast instance that you connect: " + string(s) + ". For another instance they are others.",
	}
}

func scopes(spec metadata.AppSpec) GuideSetting {
	return GuideSetting{Label: "OAuth Scopes", Values: scopeLabels(spec), Hint: "Move them from Available OAuth Scopes to Selected OAuth Scopes."}
}

func policySettings() []GuideSetting {
	refresh := chosen("Refresh Token Policy", string(metadata.ValidUntilRevoked))
	refresh.Note = notListed
	return []GuideSetting{
		chosen("Permitted Users", string(metadata.AllUsersMaySelfAuthorize)),
		chosen("IP Relaxation", string(metadata.EnforceIPRelaxForRefreshTokens)),
		refresh,
	}
}

func externalClientAppGuide(s Site) Guide {
	pkce := selected("Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows")
	pkce.Note = "Make sure that the checkbox is selected before you save. If the connection makes trouble with PKCE enabled, contact your " + csm + "."
	return Guide{
		Title: "Create an external client app",
		Before: []string{
			"A new Fullcast tenant imports and exports data through an app in your Salesforce org. Every new connection needs an external client app; a connected app is no longer supported for one.",
			goesOn, mustMove,
		},
		Sections: []GuideSection{
			{Title: "Enable OAuth settings", Note: onlyListed, Steps: []GuideStep{
				{Do: "In Salesforce, click the Setup menu and select Setup."},
				{Do: "Go to Apps > External Client Apps > External Client App Manager."},
				{Do: "Click New External Client App."},
				{Do: "Under Basic Information, complete these fields:", Settings: []GuideSetting{
					typed("External Client App Name", "Fullcast"), filled("Fullcast"), ownEmail(), chosen("Distribution State", "Local"),
				}},
				{Do: "Under OAuth Settings:", Settings: []GuideSetting{selected("Enable OAuth")}},
				{Do: "In App Settings, complete these fields:", Settings: []GuideSetting{
					callbackURLs(s),
					scopes(ExternalClientApp(s, "")),
					selected("Enable Authorization Code and Credentials Flow"),
					pkce,
					selected("Require Secret for Web Server Flow"),
					selected("Require Secret for Refresh Token Flow"),
				}},
				{Do: "Click Save."},
				{Do: "Click Continue."},
			}},
			{Title: "Update OAuth policies", Steps: []GuideStep{
				{Do: "Go to Apps > External Client Apps > External Client App Manager."},
				{Do: "Find and select Fullcast."},
				{Do: "Select the Policies tab."},
				{Do: "Click Edit."},
				{Do: "Choose the start page:", Settings: []GuideSetting{chosen("Start Page", "None")}},
				{Do: "Under OAuth Policies, complete these fields:", Settings: policySettings()},
				{Do: "Change no other field or option."},
				{Do: "Click Save."},
			}},
		},
		After: append(practice("the app's Settings tab, under OAuth Settings, Consumer Key and Secret"),
			"Give Fullcast that login host, key and secret, and connect as a user who stays: the connection ends when that user is deactivated.",
			"If the app is gone, as after a sandbox refresh, so is the connection. "+RecreateApp.String()),
		Source: "https://support.fullcast.com/connect-an-external-client-app",
	}
}

func connectedAppGuide(s Site) Guide {
	return Guide{
		Title: "Create a connected app",
		Before: []string{
			"A connected app is no longer supported for new connections: create an external client app instead. Use these steps to compare the app of an existing connection.",
			goesOn, mustMove,
		},
		Sections: []GuideSection{
			{Title: "Enable OAuth settings", Steps: []GuideStep{
				{Do: "In Salesforce, click the Setup menu and select Setup."},
				{Do: "Go to Apps > External Client Apps > Settings."},
				{Do: "In the Connected Apps section:", Settings: []GuideSetting{
					{Label: "Allow creation of connected apps", Values: []string{"selected"}, Hint: "Toggle it on."},
				}},
				{Do: "Click New Connected App."},
				{Do: "Complete these fields:", Note: onlyListed + " The published page counts from 1 again here.", Settings: []GuideSetting{
					typed("Connected App Name", "Fullcast Motion Package"),
					filled("Fullcast_Motion_Package"),
					ownEmail(),
					selected("Enable OAuth Settings"),
					callbackURLs(s),
					scopes(ConnectedApp(s, "")),
					{
						Label:  "Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows",
						Values: []string{"cleared"}, Hint: "Clear the checkbox.",
						Note: "Make sure that the checkbox is cleared before you save. Where Setup does not let you clear it, it may stay selected: Fullcast sends a proof key with every login.",
					},
					selected("Require secret for Web Server Flow"),
					selected("Require secret for Refresh Token Flow"),
				}},
				{Do: "Click Save."},
				{Do: "Click Continue."},
			}},
			{Title: "Update OAuth policies", Steps: []GuideStep{
				{Do: "Go to Apps > App Manager."},
				{Do: "Find Fullcast Motion Package."},
				{Do: "Click its Action menu and select View."},
				{Do: "Click Manage."},
				{Do: "In the Connected App Details section, click Edit Policies."},
				{Do: "Under the OAuth Policies section, complete these fields:", Settings: policySettings()},
				{Do: "Change no other field or option."},
				{Do: "Click Save."},
			}},
		},
		After: append(practice("App Manager, the app's Action menu, View, Manage Consumer Details"),
			"If they have changed, or the app is gone, the connection is broken. "+Migrate.String()),
		Source: "https://support.fullcast.com/create-a-connected-app",
	}
}

func practice(credentials string) []string {
	return []string{
		"Salesforce needs up to 30 minutes until a new or changed app works everywhere. Until then it may say that it does not know the client.",
		"Consumer key and consumer secret stand in " + credentials + ". Salesforce asks for a code that it sends by email before it shows them.",
		"The login host is the org's My Domain: Setup > My Domain > Current My Domain URL, such as acme.my.salesforce.com, or acme--uat.sandbox.my.salesforce.com for a sandbox.",
	}
}

func scopeLabels(spec metadata.AppSpec) []string {
	var labels []string
	for _, s := range spec.Scopes {
		labels = append(labels, s.Label())
	}
	return labels
}
