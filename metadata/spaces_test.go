package metadata_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

// noBreak are characters that look like a blank in an editor and are none to XML.
var noBreak = []string{"\u00a0", "\u2007", "\u202f", "\u3000", "\u0085"}

func TestWhatLooksLikeABlankIsPartOfAValue(t *testing.T) {
	for _, space := range noBreak {
		global := func(inner string) (metadata.App, error) {
			return metadata.ParseFile("A.ecaGlblOauth", []byte("<ExtlClntAppGlobalOauthSettings"+ns+"><externalClientApplication>A</externalClientApplication>\n"+inner+"</ExtlClntAppGlobalOauthSettings>"))
		}
		for _, value := range []string{"true", "false", "1", "0"} {
			if _, err := global("<isPkceRequired>" + value + space + "</isPkceRequired>"); err == nil || !strings.Contains(err.Error(), "A.ecaGlblOauth:2: <isPkceRequired> is neither true nor false; it holds a character that looks like a blank and is none") {
				t.Errorf("%s%q: %v", value, space, err)
			}
		}
		if _, err := global("<idTokenConfig><idTokenValidityInMinutes>" + space + "2</idTokenValidityInMinutes></idTokenConfig>"); err == nil || !strings.Contains(err.Error(), "is not a whole number; it holds a character that looks like a blank") {
			t.Errorf("%q2: %v", space, err)
		}
		app, err := global("<callbackUrl>https://a.example/1" + space + "\n https://a.example/2</callbackUrl>")
		if err != nil {
			t.Fatal(err)
		}
		if got := app.Spec().CallbackURLs; !slices.Equal(got, []string{"https://a.example/1" + space, "https://a.example/2"}) {
			t.Errorf("%q: %q", space, got)
		}
		old, err := metadata.ParseFile("A.connectedApp", []byte("<ConnectedApp"+ns+"><label>Name"+space+"</label><oauthConfig><scopes>Api"+space+"</scopes></oauthConfig><oauthPolicy><ipRelaxation>ENFORCE"+space+"</ipRelaxation></oauthPolicy></ConnectedApp>"))
		if err != nil {
			t.Fatal(err)
		}
		if s := old.Spec(); s.Name != "Name"+space || s.Scopes[0] == metadata.ScopeAPI || s.IPRelaxation == metadata.EnforceIPRestrictions {
			t.Errorf("%q: %+v", space, s)
		}
	}
}

func TestXMLsOwnWhiteSpaceIsNone(t *testing.T) {
	app, err := metadata.ParseFile("A.ecaGlblOauth", []byte("<ExtlClntAppGlobalOauthSettings"+ns+"><externalClientApplication>\r\n\tA </externalClientApplication><isPkceRequired>\n\ttrue \r\n</isPkceRequired></ExtlClntAppGlobalOauthSettings>"))
	if err != nil || app.Name != "A" || app.Spec().RequirePKCE != metadata.Selected {
		t.Errorf("%+v, %v", app, err)
	}
}
