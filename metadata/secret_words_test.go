package metadata_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// plainSecrets are secrets that could be words, names or numbers.
var plainSecrets = []string{"qwzvbnmp", "Qwzvbnmp", "QWZVBNMP", "QWZ_VBNMP", "qwz", "qwz vbn mnp", "12345", "kwürzel", "changeme", "qqqqqqq", "qwz://vbn", "qwz...", "$QWZVB", "default", "1password"}

// inProse are the places where a value that is a word cannot be told from other text, and those of a copy, which is known by its
// length as well.
var inProse = []string{"a comment in words", "the element and a copy in a comment", "the element and a copy in an unknown one"}

// What stands under the name of a secret is one, whatever it looks like.
func TestASecretThatCouldBeAWordIsPackagedFromNoPlaceThatNamesIt(t *testing.T) {
	for _, place := range secretPlaces {
		if slices.Contains(inProse, place.name) {
			continue
		}
		t.Run(place.name, func(t *testing.T) {
			for i, name := range secretNames {
				for j, value := range plainSecrets {
					if !needs.OneIn(5, i+j) {
						continue
					}
					app := fileWith(t, place.file, fmt.Sprintf(place.text, name, value))
					wantNowhere(t, app, name, value)
				}
			}
		})
	}
}

// A name that is quoted is one of JSON, and what stands in quotes after it is its value.
func TestAQuotedValueOfAQuotedNameIsRefusedInATextOfTheApp(t *testing.T) {
	for _, text := range []string{`{"consumerSecret": "qwzvbnmp"}`, `{"a":1,"password":"qwz"}`, `{'client_secret' : 'Qwz vbn'}`} {
		if _, err := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<description>"+text+"</description>")).Package(68); err == nil {
			t.Errorf("%s is packaged", text)
		}
	}
	for _, text := range []string{`{"consumerSecret": "${SECRET}"}`, `{"password":"required"}`, `{"secretName":"acme"}`, `{"client_secret":""}`, `{"token":null}`} {
		if _, err := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<description>"+text+"</description>")).Package(68); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnElementThatSaysThatThereIsASecretIsPackaged(t *testing.T) {
	for _, value := range []string{"true", "No", "", "${CLIENT_SECRET}", "{clientSecret}", "&lt;secret&gt;", "***", "none", "required", "%SECRET%"} {
		app := fileWith(t, "A.connectedApp", fmt.Sprintf(withoutText, "<new><clientSecret>"+value+"</clientSecret></new>"))
		pkg, err := app.Package(68)
		if want, ferr := only(app.Files()); err != nil || ferr != nil || !bytes.Equal(pkg.Files[1].Data, want) {
			t.Errorf("%q is left out: %v", value, err)
		}
	}
}
