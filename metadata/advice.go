package metadata

import "strings"

// advice says what to do about an error that Salesforce words in its own way. A row matches by code or by a part of
// the text, which says more than a code.
//
// Source: Metadata API Developer Guide for the permissions; reports of public projects for the texts.
var advice = []struct{ code, text, then string }{
	{"INVALID_SESSION_ID", "", "the access token has expired or was revoked"},
	{"", "not currently enabled", switchOff},
	{"", "feature is not enabled", switchOff},
	{"", "not enabled for this user", switchOff},
	{"API_DISABLED_FOR_ORG", "", "the org's edition has no API access"},
	{"INSUFFICIENT_ACCESS", "", `the user needs "Modify Metadata Through Metadata API Functions" and the permissions for external client apps`},
	{"", "Cannot use: ", "the org's edition or licences do not have the feature that this metadata type belongs to"},
	{"INVALID_TYPE", "", "the org does not know this metadata type at this API version; use a later one"},
	{"", "ExternalClientApplicationId duplicates value on", "the app already has such a component under the name given there; read the app and merge instead of creating it"},
	{"", "ExtlClntAppOauthSettingsId duplicates value on", "the app already has OAuth policies under the name given there; read the app and merge instead of creating it"},
	{"", "couldn't find permission sets called", "commaSeparatedPermissionSet takes API names of permission sets that the org has, not IDs or labels"},
	{"", "for the enum 'PermittedUsersPolicyType'", "the words are AllSelfAuthorized and AdminApprovedPreAuthorized"},
	{"", "is not a valid value for the enum", "the API version has no such word; use one of the enumeration's, or a later version"},
	{"", "invalid at this location in type", "the API version does not have this element; use a later version, or take the element out"},
	{"", "You cannot provide a Consumer Key", "remove <consumerKey>; Salesforce sets it"},
	{"", "consumer key is already taken", "remove <consumerKey>; keys are unique over all of Salesforce"},
	{"", "create a new component with the namespace", "a component of a managed package cannot be created by deployment; install the package"},
	{"", "was not found in zipped directory", "package.xml names a component whose file is missing"},
	{"INVALID_CROSS_REFERENCE_KEY", "", "<externalClientApplication> must be exactly the app's API name, and the app must be in the org or in the package"},
	{"", "INVALID_CROSS_REFERENCE_KEY", "<externalClientApplication> must be exactly the app's API name, and the app must be in the org or in the package"},
	{"", "doesn't have a valid OAuth settings configuration", "deploy the app's OAuth settings together with its global OAuth settings"},
	{"", "can't create a connected app", "creating connected apps is off in the org; create an external client app, or ask Salesforce Customer Support"},
	{"", "OAuth link", "remove <oauthLink>; Salesforce sets it"},
}

const switchOff = "the org must turn on ExternalClientAppSettings.enableClientSecretInRestApiAccess, and the user needs " +
	"the permissions External Client App Developer and View Client Secret"

// advise returns what to do about an error, or "".
func advise(code, text string) string {
	for _, a := range advice {
		if a.text != "" && strings.Contains(strings.ToLower(text), strings.ToLower(a.text)) {
			return a.then
		}
	}
	for _, a := range advice {
		if a.code != "" && a.code == code {
			return a.then
		}
	}
	return ""
}

// withAdvice appends the advice to what the org said.
func withAdvice(text, then string) string {
	if then == "" {
		return text
	}
	return strings.TrimSuffix(text, ".") + ": " + then
}
