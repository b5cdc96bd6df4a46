package fullcast

import (
	"github.com/fullcast/sfauth/metadata"
)

// Guide is what a customer's admin does in Salesforce Setup, as data. Steps keep the numbers of Fullcast's published
// instructions, so that support and customer speak of the same one.
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
	Steps []GuideStep
}

// GuideStep is one step: what to do, and what to set. A step's number is its place in the section, from 1.
type GuideStep struct {
	Do       string
	Settings []GuideSetting
	Note     string // to heed in this step; empty when there is nothing
}

// GuideSetting is one field of Setup and what it becomes.
type GuideSetting struct {
	Label  string   // Setup's label
	Values []string // to be copied exactly; several for a list
	Hint   string   // what to do instead of copying, such as "Select the checkbox."; empty when Values are to be copied
}

// SetupGuide returns the steps for one kind of app and one Fullcast instance.
//
// Source: Fullcast support, "Create an external client app" and "Create a Connected App", updated 2026-02-19.
func SetupGuide(s Site, kind metadata.Kind) Guide {
	if kind == metadata.KindConnectedApp {
		return connectedAppGuide(s)
	}
	return externalClientAppGuide(s)
}

const (
	onlyListed = "Complete only the fields that are listed here; leave every other field as it is."
	ownEmail   = "Type your own email address."
	autoFill   = "Click the field; it fills itself."
)

func selected(label string) GuideSetting {
	return GuideSetting{label, []string{"selected"}, "Select the checkbox."}
}

func externalClientAppGuide(s Site) Guide {
	return Guide{
		Title: "Create an external client app",
		Before: []string{
			"Every new connection needs an external client app.",
			"An existing connection with a connected app goes on working; move it to an external client app as soon as possible. Once it is broken, by a sandbox refresh or changed credentials for example, it must move.",
			onlyListed,
		},
		Sections: []GuideSection{
			{"Enable OAuth settings", []GuideStep{
				{Do: "In Salesforce, open the Setup menu and choose Setup."},
				{Do: "Go to Apps > External Client Apps > External Client App Manager."},
				{Do: "Click New External Client App."},
				{Do: "Fill in Basic Information:", Settings: []GuideSetting{
					{"External Client App Name", []string{"Fullcast"}, ""},
					{"API Name", []string{"Fullcast"}, autoFill},
					{"Contact Email", nil, ownEmail},
					{"Distribution State", []string{"Local"}, ""},
				}},
				{Do: "Under OAuth Settings:", Settings: []GuideSetting{selected("Enable OAuth")}},
				{Do: "Fill in App Settings:", Settings: []GuideSetting{
					{"Callback URL", s.CallbackURLs(), ""},
					{"OAuth Scopes", scopeLabels(ExternalClientApp(s, "")), "Move them to Selected OAuth Scopes."},
					selected("Enable Authorization Code and Credentials Flow"),
					selected("Require Proof Key for Code Exchange (PKCE) Extension for Supported Authorization Flows"),
					selected("Require Secret for Web Server Flow"),
					selected("Require Secret for Refresh Token Flow"),
				}, Note: "Make sure that the PKCE checkbox is selected before you save. If the connection makes trouble with PKCE enabled, contact your customer success manager (CSM)."},
				{Do: "Click Save."},
				{Do: "Click Continue."},
			}},
			{"Update OAuth policies", []GuideStep{
				{Do: "Go to Apps > External Client Apps > External Client App Manager."},
				{Do: "Find and select Fullcast."},
				{Do: "Open the Policies tab."},
				{Do: "Click Edit."},
				{Do: "Choose the start page:", Settings: []GuideSetting{{"Start Page", []string{"None"}, ""}}},
				{Do: "Under OAuth Policies:", Settings: policySettings()},
				{Do: "Change no other field or option."},
				{Do: "Click Save."},
			}},
		},
		After:  practice("the app's Settings tab, OAuth Settings, Consumer Key and Secret"),
		Source: "https://support.fullcast.com/connect-an-external-client-app",
	}
}

func connectedAppGuide(s Site) Guide {
	return Guide{
		Title: "Check a connected app",
		Before: []string{
			"A connected app is no longer supported for new connections; create an external client app instead.",
			"An existing connection with a connected app goes on working; move it to an external client app as soon as possible. Once it is broken, by a sandbox refresh or changed credentials for example, it must move.",
			onlyListed,
		},
		Sections: []GuideSection{
			{"Enable OAuth settings", []GuideStep{
				{Do: "In Salesforce, open the Setup menu and choose Setup."},
				{Do: "Go to Apps > External Client Apps > Settings."},
				{Do: "In the Connected Apps section:", Settings: []GuideSetting{{"Allow creation of connected apps", []string{"selected"}, "Switch it on."}}},
				{Do: "Click New Connected App."},
				{Do: "Fill in the fields:", Settings: []GuideSetting{
					{"Connected App Name", []string{"Fullcast Motion Package"}, ""},
					{"API Name", []string{"Fullcast_Motion_Package"}, autoFill},
					{"Contact Email", nil, ownEmail},
					selected("Enable OAuth Settings"),
					{"Callback URL", s.CallbackURLs(), ""},
					{"OAuth Scopes", scopeLabels(ConnectedApp(s, "")), "Move them to Selected OAuth Scopes."},
					{"Require Proof Key for Code Exchange (PKCE) extension for Supported Authorization Flows", []string{"cleared"}, "Clear the checkbox."},
					selected("Require secret for Web Server Flow"),
					selected("Require secret for Refresh Token Flow"),
				}, Note: "Make sure that the PKCE checkbox is cleared before you save."},
				{Do: "Click Save."},
				{Do: "Click Continue."},
			}},
			{"Update OAuth policies", []GuideStep{
				{Do: "Go to Apps > App Manager."},
				{Do: "Find Fullcast Motion Package."},
				{Do: "Open its Action menu and choose View."},
				{Do: "Click Manage."},
				{Do: "In Connected App Details, click Edit Policies."},
				{Do: "Under OAuth Policies:", Settings: policySettings()},
				{Do: "Change no other field or option."},
				{Do: "Click Save."},
			}},
		},
		After:  practice("App Manager, the app's Action menu, View, Manage Consumer Details"),
		Source: "https://support.fullcast.com/create-a-connected-app",
	}
}

func policySettings() []GuideSetting {
	return []GuideSetting{
		{"Permitted Users", []string{string(metadata.AllUsersMaySelfAuthorize)}, ""},
		{"IP Relaxation", []string{string(metadata.EnforceIPRelaxForRefreshTokens)}, ""},
		{"Refresh Token Policy", []string{string(metadata.ValidUntilRevoked)}, ""},
	}
}

func practice(credentials string) []string {
	return []string{
		"Salesforce needs up to 30 minutes until a new or changed app works everywhere. Until then it may say that it does not know the client.",
		"Consumer key and consumer secret stand in " + credentials + ". Salesforce asks for a code that it sends by email before it shows them.",
		"The login host is the org's My Domain: Setup > My Domain > Current My Domain URL, such as acme.my.salesforce.com, or acme--uat.sandbox.my.salesforce.com for a sandbox.",
		"Give key, secret and host to Fullcast, and connect as a user who stays: the connection ends when that user is deactivated.",
	}
}

func scopeLabels(spec metadata.AppSpec) []string {
	var labels []string
	for _, s := range spec.Scopes {
		labels = append(labels, s.Label())
	}
	return labels
}
