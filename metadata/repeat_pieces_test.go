package metadata_test

import (
	"archive/zip"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/metadata"
)

// inPieces writes the session so that a reader of XML puts it together again, and nobody finds it in the bytes.
var inPieces = map[string]func(session string) string{
	"comments":                func(s string) string { return strings.Join(pieces(s), "<!-- -->") },
	"processing instructions": func(s string) string { return strings.Join(pieces(s), "<?x y?>") },
	"sections of CDATA":       func(s string) string { return "<![CDATA[" + strings.Join(pieces(s), "]]><![CDATA[") + "]]>" },
}

func pieces(s string) (all []string) {
	for ; len(s) > 10; s = s[10:] {
		all = append(all, s[:10])
	}
	return append(all, s)
}

// answering is an org that answers SOAP operations with results.
func answering(t *testing.T, results map[string]string) *metadata.Org {
	t.Helper()
	rt := roundTripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		w := httptest.NewRecorder()
		for op, result := range results {
			if strings.Contains(string(body), "<"+op+">") {
				fmt.Fprint(w, soapAnswer(op, result))
			}
		}
		return w.Result(), nil
	})
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: &http.Client{Transport: rt}, Version: 66,
		InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
		Session:     func(context.Context, string) (string, error) { return repeated, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func TestAnOrgThatRepeatsTheSessionInPiecesOfXMLShowsNone(t *testing.T) {
	finder := search.New([]string{repeated})
	for how, write := range inPieces {
		said := write(repeated)
		org := answering(t, map[string]string{
			"readMetadata": "<result><records><fullName>" + said + "</fullName><label>" + said + "</label><oauthConfig><isAdminApproved>perhaps</isAdminApproved></oauthConfig></records></result>",
			"listMetadata": "<result><fullName>" + said + "</fullName><type>ConnectedApp</type><id>" + said + "</id></result>",
		})
		app, err := org.Read(t.Context(), metadata.KindConnectedApp, "Fullcast")
		listed, err2 := org.List(t.Context())
		for call, shown := range map[string]string{"Read": fmt.Sprintf("%+v %v", app.Connected, err), "List": fmt.Sprintf("%+v %v", listed, err2)} {
			if what := finder.Find(shown); what != "" {
				t.Errorf("%s, in %s: shows %s: %s", call, how, what, shown)
			}
		}
		if err == nil || err2 == nil {
			t.Errorf("in %s: no error", how)
		}
	}
}

func TestAnOrgThatRepeatsTheSessionInHexOrAnotherCaseShowsNone(t *testing.T) {
	for how, write := range map[string]func(string) string{
		"hex":             func(s string) string { return fmt.Sprintf("%x", s) },
		"hex, upper case": func(s string) string { return fmt.Sprintf("%X", s) },
		"lower case":      strings.ToLower,
		"upper case":      strings.ToUpper,
	} {
		said := write(repeated)
		org := answering(t, map[string]string{
			"readMetadata": "<result><records><fullName>Fullcast</fullName><label>Fullcast</label><oauthConfig><callbackUrl>https://a.example/" + said + "</callbackUrl></oauthConfig></records></result>",
			"listMetadata": "<result><fullName>" + said + "</fullName><type>ConnectedApp</type><id>1</id></result>",
		})
		app, err := org.Read(t.Context(), metadata.KindConnectedApp, "Fullcast")
		if err == nil || strings.Contains(err.Error(), said) {
			t.Errorf("in %s: Read returns %+v, %v", how, app.Connected, err)
		}
		if listed, err := org.List(t.Context()); err == nil || strings.Contains(err.Error(), said) {
			t.Errorf("in %s: List returns %+v, %v", how, listed, err)
		}
	}
}

func TestAnOrgThatRepeatsTheSessionInAZipShowsNone(t *testing.T) {
	finder := search.New([]string{repeated})
	entries := map[string][2]string{
		"the name of a file":        {"connectedApps/" + repeated + ".connectedApp", "<ConnectedApp" + ns + "/>"},
		"the name of a broken file": {"connectedApps/" + repeated + ".connectedApp", "<ConnectedApp"},
		"a name that leads out":     {"../" + repeated, ""},
		"a label":                   {"connectedApps/Mine.connectedApp", "<ConnectedApp" + ns + "><label>" + repeated + "</label></ConnectedApp>"},
		"an unknown element":        {"connectedApps/Mine.connectedApp", "<ConnectedApp" + ns + "><new>" + repeated + "</new></ConnectedApp>"},
		"a component of no type":    {"push/Mine.ecaPush", "<ExtlClntAppPushSettings" + ns + "><new>" + repeated + "</new></ExtlClntAppPushSettings>"},
	}
	for how, write := range inPieces {
		entries["a label in "+how] = [2]string{"connectedApps/Mine.connectedApp", "<ConnectedApp" + ns + "><label>" + write(repeated) + "</label></ConnectedApp>"}
	}
	for where, entry := range entries {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				data := zipOf(t, func(w *zip.Writer) { store(w, entry[0], entry[1]) })
				org := answering(t, map[string]string{
					"retrieve": "<result><done>false</done><id>09S1</id></result>",
					"checkRetrieveStatus": "<result><done>true</done><status>Succeeded</status><success>true</success><zipFile>" +
						base64.StdEncoding.EncodeToString(data) + "</zipFile></result>",
				})
				apps, err := org.Retrieve(t.Context())
				shown := fmt.Sprintf("%v %+v", err, apps)
				for _, app := range apps {
					shown += fmt.Sprintf(" %+v", app.Connected)
					if files, err := app.Files(); err == nil {
						shown += fmt.Sprintf(" %s", files)
					}
				}
				if what := finder.Find(shown); what != "" || err == nil {
					t.Errorf("shows %q: %s", what, shown)
				}
			})
		})
	}
}
