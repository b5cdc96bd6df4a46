package metadata_test

import (
	"archive/zip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/metadata"
)

// soapHandler answers each operation with the next of its bodies; the last one stays.
func soapHandler(t *testing.T, answers map[string][]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for op, list := range answers {
			if strings.Contains(string(body), "<"+op+">") {
				fmt.Fprint(w, soapAnswer(op, list[0]))
				if len(list) > 1 {
					answers[op] = list[1:]
				}
				return
			}
		}
		t.Errorf("not expected: %s", body)
	}
}

func TestRetrieveReturnsWhatTheOrgCouldGive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := zipOf(t, func(w *zip.Writer) {
			store(w, "package.xml", "<Package"+ns+"/>")
			store(w, "connectedApps/Mine.connectedApp", "<ConnectedApp"+ns+"><label>Mine</label></ConnectedApp>")
		})
		b64 := base64.StdEncoding.EncodeToString(data)
		org := open(t, soapHandler(t, map[string][]string{
			"retrieve": {"<result><done>false</done><id>09S1</id></result>"},
			"checkRetrieveStatus": {
				"<result><done>false</done><status>InProgress</status></result>",
				"<result><done>true</done><status>Succeeded</status><success>true</success>" +
					"<messages><fileName>unpackaged/package.xml</fileName><problem>Load of metadata from db failed for Theirs</problem></messages>" +
					"<zipFile>" + b64[:70] + "\n" + b64[70:] + "</zipFile></result>",
			},
		}), nil)
		apps, err := org.Retrieve(t.Context())
		if len(apps) != 1 || apps[0].Name != "Mine" {
			t.Errorf("apps %+v", apps)
		}
		var e *metadata.Error
		if !errors.As(err, &e) || e.Op != "retrieve" || !strings.Contains(err.Error(), "Theirs") {
			t.Errorf("error %v", err)
		}
	})
}

func TestAFailedRetrieveHasSalesforcesCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org := open(t, soapHandler(t, map[string][]string{
			"retrieve":            {"<result><done>false</done><id>09S1</id></result>"},
			"checkRetrieveStatus": {"<result><done>true</done><success>false</success><errorStatusCode>UNKNOWN_EXCEPTION</errorStatusCode><errorMessage>it broke</errorMessage></result>"},
		}), nil)
		_, err := org.Retrieve(t.Context())
		var e *metadata.Error
		if !errors.As(err, &e) || e.Code != "UNKNOWN_EXCEPTION" || !strings.Contains(err.Error(), "it broke") {
			t.Errorf("error %v", err)
		}
	})
}

func TestASOAPDeploymentReportsItsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org := open(t, soapHandler(t, map[string][]string{
			"deploy": {"<result><done>false</done><id>0Af000000000001</id><state>Queued</state></result>"},
			"checkDeployStatus": {
				"<result><done>false</done><id>0Af000000000001</id><status>Pending</status><success>false</success></result>",
				`<result><details><componentFailures><componentType>ConnectedApp</componentType><fileName>connectedApps/A.connectedApp</fileName><fullName>A</fullName>` +
					`<lineNumber>3</lineNumber><problem>You cannot provide a Consumer Key</problem><problemType>Error</problemType><success>false</success></componentFailures></details>` +
					`<done>true</done><id>0Af000000000001</id><numberComponentErrors>1</numberComponentErrors><status>Failed</status><success>false</success></result>`,
			},
		}), nil)
		result, err := org.Deploy(t.Context(), packageOf(t, connectedSpec()), metadata.DeployOptions{SOAP: true})
		var c *metadata.ComponentError
		if !errors.As(err, &c) || c.Line != 3 || c.Advice == "" || result.Status != "Failed" || result.Components.Errors != 1 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}

func TestSettingsThatTheUserMayNotSeeStayNil(t *testing.T) {
	fault := strings.ReplaceAll(expired, "INVALID_SESSION_ID", "INSUFFICIENT_ACCESS")
	org := open(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "<type>OauthOidcSettings</type><fullNames>OauthOidc</fullNames>") {
			fmt.Fprint(w, soapAnswer("readMetadata", "<result><records><fullName>OauthOidc</fullName><isPkceRequired>true</isPkceRequired></records></result>"))
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, fault)
	}, nil)
	s, err := org.Settings(t.Context())
	if err != nil || s.ExternalClientApp != nil || s.ConnectedApp != nil || s.OAuthOIDC == nil || !*s.OAuthOIDC.IsPKCERequired {
		t.Errorf("%+v, %v", s, err)
	}
}
