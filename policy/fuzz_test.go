package policy_test

import (
	"testing"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// FuzzEverythingShown: no file that can be read makes a check, a report, a difference or a plan panic, and an app never
// differs from itself.
func FuzzEverythingShown(f *testing.F) {
	names := map[string]string{
		"eca": "ExternalClientApplication", "ecaOauth": "ExtlClntAppOauthSettings", "ecaGlblOauth": "ExtlClntAppGlobalOauthSettings", "connectedApp": "ConnectedApp",
		"ecaOauthPlcy": "ExtlClntAppOauthConfigurablePolicies", "ecaPlcy": "ExtlClntAppConfigurablePolicies", "ecaOauthSecurity": "ExtlClntAppOauthSecuritySettings", "ecaPush": "ExtlClntAppPushSettings",
	}
	for suffix, root := range names {
		for _, inside := range []string{
			"", "<a><a>1</a></a>", "<label/>", "<callbackUrl>:/@?&amp;=</callbackUrl>", "<oauthConfig><callbackUrl>://@\n?a=b=c#</callbackUrl><scopes/><scopes> </scopes></oauthConfig>",
			"<oauthPolicy><refreshTokenPolicy>specific_lifetime:</refreshTokenPolicy></oauthPolicy>", "<description>=secret=&gt;&lt;secret&gt;x</description>",
			"<description>PRIVATE KEY-----PRIVATE KEY-----</description>", "<description>| user | pwd |\n| a | &amp;amp;lt;pwd&gt;h1dden00%2541 |\n-u a:b\u200bc1d2 ｐｗｄ＝x1y2z3</description>", "<attributes/><ipRanges/><profileName/>", "<commaSeparatedOauthScopes>,,</commaSeparatedOauthScopes>",
		} {
			f.Add(suffix, []byte("<"+root+` xmlns="http://soap.sforce.com/2006/04/metadata">`+inside+"</"+root+">"))
		}
	}
	f.Fuzz(func(t *testing.T, suffix string, data []byte) {
		app, err := metadata.ParseFile("A."+suffix, data)
		if err != nil {
			return
		}
		everythingShown(t, app)
		again, err := metadata.ParseFile("A."+suffix, data)
		if err != nil {
			t.Fatal(err)
		}
		if d := policy.Diff(app, again); len(d) > 0 {
			t.Fatalf("it differs from itself: %v", d)
		}
	})
}
