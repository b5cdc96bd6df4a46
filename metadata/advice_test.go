package metadata_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/metadata"
)

// TestEveryKnownRefusalOfADeploymentComesWithASentence takes the texts as orgs word them.
//
// Source: reports of public projects; the texts are Salesforce's and in no document.
func TestEveryKnownRefusalOfADeploymentComesWithASentence(t *testing.T) {
	for problem, advice := range map[string]string{
		"duplicate value found: ExternalClientApplicationId duplicates value on Acme_defaultPolicy":                                      "merge instead of creating",
		"DUPLICATE_VALUE: ExtlClntAppOauthSettingsId duplicates value on Acme_oauth_defaultPolicy":                                       "merge instead of creating",
		"We couldn't find permission sets called 0PS000000000001":                                                                        "API names of permission sets",
		"'AdminApproved' is not a valid value for the enum 'PermittedUsersPolicyType'":                                                   "AdminApprovedPreAuthorized",
		"'Packageable' is not a valid value for the enum 'ExtlClntAppDistState'":                                                         "no such word",
		"Element {http://soap.sforce.com/2006/04/metadata}isDPopEnabled invalid at this location in type ExtlClntAppGlobalOauthSettings": "does not have this element",
		"You cannot provide a Consumer Key":                                                                                              "remove <consumerKey>",
		"The consumer key is already taken.":                                                                                             "remove <consumerKey>",
		"Cannot create a new component with the namespace: acme":                                                                         "install the package",
		"An object 'Acme' of type ExternalClientApplication was named in package.xml, but was not found in zipped directory":             "whose file is missing",
		"INVALID_CROSS_REFERENCE_KEY: invalid cross reference id":                                                                        "exactly the app's API name",
		"The external client app configured in your global OAuth Settings doesn't have a valid OAuth settings configuration.":            "together with its global OAuth settings",
		"You can't create a connected app. To enable connected app creation, contact Salesforce Customer Support.":                       "create an external client app",
		"The OAuth link in the settings file is not valid":                                                                               "remove <oauthLink>",
		"Something that nobody has seen yet":                                                                                             "",
	} {
		t.Run(problem, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				failure, err := json.Marshal(map[string]any{"componentType": "ExternalClientApplication", "fullName": "Acme", "problemType": "Error",
					"fileName": "externalClientApps/Acme.eca", "lineNumber": 3, "columnNumber": "5", "problem": problem})
				if err != nil {
					t.Fatal(err)
				}
				org := open(t, deployHandler(t, `{"done":true,"success":false,"status":"Failed","details":{"componentFailures":`+string(failure)+`}}`), nil)
				_, err = org.Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{})
				var c *metadata.ComponentError
				if !errors.As(err, &c) {
					t.Fatalf("error %v", err)
				}
				if c.File != "externalClientApps/Acme.eca" || c.Line != 3 || c.Column != 5 || c.Problem != problem {
					t.Errorf("got %+v", c)
				}
				if (c.Advice == "") != (advice == "") || !strings.Contains(c.Advice, advice) || !strings.Contains(c.Error(), c.Advice) {
					t.Errorf("advice %q, want %q in it", c.Advice, advice)
				}
			})
		})
	}
}
