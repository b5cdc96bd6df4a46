package metadata_test

import (
	"archive/zip"
	"bytes"
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

func TestARetrieveAsksForEveryTypeAndATypeThatTheOrgLacksIsNoFault(t *testing.T) {
	types := []string{"ExternalClientApplication", "ExtlClntAppOauthSettings", "ExtlClntAppGlobalOauthSettings", "ExtlClntAppOauthConfigurablePolicies",
		"ExtlClntAppConfigurablePolicies", "ExtlClntAppCanvasSettings", "ExtlClntAppMobileSettings", "ExtlClntAppMobileConfigurablePolicies",
		"ExtlClntAppNotificationSettings", "ExtlClntAppPushSettings", "ExtlClntAppPushConfigurablePolicies", "ExtlClntAppSamlConfigurablePolicies", "ConnectedApp"}
	for _, test := range []struct{ problem, want string }{
		{"Entity type: 'ExtlClntAppCanvasSettings' is unknown", ""},
		{"Entity type 'ExtlClntAppPushSettings' is not available in this api version", ""},
		{"Entity type: 'ExternalClientApplication' is unknown", "ExternalClientApplication"},
		{"Entity of type 'ExtlClntAppPushSettings' named 'P' cannot be found", "named 'P'"},
	} {
		synctest.Test(t, func(t *testing.T) {
			data := zipOf(t, func(w *zip.Writer) {
				store(w, "package.xml", "<Package"+ns+"/>")
				store(w, "externalClientApps/Acme.eca", "<ExternalClientApplication"+ns+"/>")
				store(w, "extlClntAppSamlConfigurablePolicies/S.ecaSamlPlcy", "<ExtlClntAppSamlConfigurablePolicies"+ns+"><externalClientApplication>Acme</externalClientApplication></ExtlClntAppSamlConfigurablePolicies>")
			})
			answers := soapHandler(t, map[string][]string{
				"retrieve": {"<result><done>false</done><id>09S1</id></result>"},
				"checkRetrieveStatus": {"<result><done>true</done><status>Succeeded</status><success>true</success><messages><fileName>package.xml</fileName><problem>" +
					test.problem + "</problem></messages><zipFile>" + base64.StdEncoding.EncodeToString(data) + "</zipFile></result>"},
			})
			org := open(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				for _, typ := range types {
					if strings.Contains(string(body), "<retrieveRequest>") && !strings.Contains(string(body), "<members>*</members><name>"+typ+"</name>") {
						t.Errorf("%s is not asked for", typ)
					}
				}
				answers(w, r)
			}, nil)
			apps, err := org.Retrieve(t.Context())
			if len(apps) != 1 || len(apps[0].Other) != 1 || apps[0].Other[0].Type != "ExtlClntAppSamlConfigurablePolicies" {
				t.Errorf("apps %+v", apps)
			}
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("%s: error %v", test.problem, err)
			}
		})
	}
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

func TestTheComponentsWithoutAGoTypeAreReadWhereTheOrgHasSuchTypes(t *testing.T) {
	fault := func(code, text string) string {
		return strings.ReplaceAll(strings.ReplaceAll(expired, "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session", text), "INVALID_SESSION_ID", code)
	}
	refusal := fault("INVALID_TYPE", "INVALID_TYPE: Cannot use: ExtlClntAppCanvasSettings in this organization")
	org := open(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		if n := strings.Count(text, "<queries>"); n > 1 {
			t.Errorf("%d types in a call that one of them may spoil", n)
		}
		switch {
		case strings.Contains(text, "<type>ExtlClntAppCanvasSettings</type>"):
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, refusal)
		case strings.Contains(text, "<listMetadata>") && strings.Contains(text, "<type>ExtlClntAppPushSettings</type>"):
			fmt.Fprint(w, soapAnswer("listMetadata", "<result><fullName>Theirs</fullName><type>ExtlClntAppPushSettings</type></result><result><fullName>Mine</fullName><type>ExtlClntAppPushSettings</type></result>"))
		case strings.Contains(text, "<listMetadata>"):
			fmt.Fprint(w, soapAnswer("listMetadata", ""))
		default:
			fmt.Fprint(w, soapAnswer("readMetadata", "<result><records><fullName>Theirs</fullName><externalClientApplication>Other</externalClientApplication></records>"+
				"<records><fullName>Mine</fullName><externalClientApplication>Acme</externalClientApplication><label>push</label></records></result>"))
		}
	}, nil)
	got, err := org.ReadOther(t.Context(), "Acme")
	if err != nil || len(got) != 1 || got[0].Type != "ExtlClntAppPushSettings" || got[0].FullName != "Mine" || got[0].ExternalClientApplication != "Acme" {
		t.Errorf("%+v, %v", got, err)
	}
	files, err := metadata.App{Kind: metadata.KindExternalClientApp, Name: "Acme", Other: got}.Files()
	if err != nil || len(files) != 1 || !strings.Contains(string(files[0].Data), "<label>push</label>") {
		t.Errorf("%s, %v", files, err)
	}
	refusal = fault("INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS: no")
	var e *metadata.Error
	if _, err := org.ReadOther(t.Context(), "Acme"); !errors.As(err, &e) || e.Code != "INSUFFICIENT_ACCESS" || e.Op != "read" {
		t.Errorf("another refusal: %v", err)
	}
}
