package metadata_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/metadata"
)

// session is one that a scan of the output finds wherever it is printed.
const session = "00DTEST00000001!AQ7live.0123456789abcdefghijklmnop"

// inProcess serves requests without a socket, so that time may be virtual. It prints each URL, as output is looked through
// for secrets.
type inProcess struct {
	http.Handler
	said io.Writer
}

func (s inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	fmt.Fprintln(s.said, r.Method, r.URL)
	if r.URL.Scheme+"://"+r.URL.Host != "https://acme.my.salesforce.com" {
		return nil, fmt.Errorf("the test serves no host %s", r.URL.Host)
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

func open(t *testing.T, h http.HandlerFunc, sessions func(context.Context, string) (string, error)) *metadata.Org {
	t.Helper()
	if sessions == nil {
		sessions = func(context.Context, string) (string, error) { return session, nil }
	}
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: inProcess{h, t.Output()}},
		InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
		Session:     sessions,
		Version:     66,
	})
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func TestNewOrgNamesEveryBadField(t *testing.T) {
	_, err := metadata.NewOrg(metadata.OrgConfig{Version: 12})
	for _, field := range []string{"HTTPClient", "InstanceURL", "Session", "Version"} {
		if err == nil || !strings.Contains(err.Error(), "OrgConfig."+field) {
			t.Errorf("error does not name %s: %v", field, err)
		}
	}
}

// soapAnswer wraps a response as Salesforce does.
func soapAnswer(op, inner string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"` +
		` xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><` +
		op + `Response>` + inner + `</` + op + `Response></soapenv:Body></soapenv:Envelope>`
}

const expired = `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://soap.sforce.com/2006/04/metadata"><soapenv:Body><soapenv:Fault><faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`

func TestReadFindsComponentsByTheAppTheyName(t *testing.T) {
	listed := map[string]string{
		"ExtlClntAppOauthSettings":             "Acme_oauth",
		"ExtlClntAppGlobalOauthSettings":       "Renamed_by_hand",
		"ExtlClntAppOauthConfigurablePolicies": "Acme_oauth_defaultPolicy Acme_Two_oauthPlcy",
		"ExtlClntAppConfigurablePolicies":      "Acme_Two_plcy",
	}
	records := map[string]string{
		"Acme":                     `<contactEmail>a@example.com</contactEmail><isProtected>false</isProtected><label>Acme &amp; Co</label><orgScopedExternalApp xsi:nil="true"/>`,
		"Acme_oauth":               `<commaSeparatedOauthScopes>Api</commaSeparatedOauthScopes><externalClientApplication>Acme</externalClientApplication><trustedIpRanges><endIpAddress>2.2.2.2</endIpAddress><startIpAddress>1.1.1.1</startIpAddress></trustedIpRanges>`,
		"Renamed_by_hand":          `<callbackUrl>https://a.example/1` + "\n" + `https://a.example/2</callbackUrl><externalClientApplication>Acme</externalClientApplication><isBrandNew>true</isBrandNew>`,
		"Acme_oauth_defaultPolicy": `<externalClientApplication>Acme</externalClientApplication><ipRelaxationPolicyType>Enforce</ipRelaxationPolicyType>`,
		"Acme_Two_oauthPlcy":       `<externalClientApplication>Acme_Two</externalClientApplication>`,
		"Acme_Two_plcy":            `<externalClientApplication>Acme_Two</externalClientApplication><isEnabled>true</isEnabled>`,
	}
	org := open(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		text := string(body)
		if r.URL.Path != "/services/Soap/m/66.0" || r.Header.Get("Content-Type") != "text/xml; charset=UTF-8" || r.Header.Get("SOAPAction") != `""` ||
			!strings.Contains(text, "<sessionId>"+session+"</sessionId>") {
			t.Errorf("%s %v %s", r.URL, r.Header, text)
		}
		var out strings.Builder
		op := "readMetadata"
		if strings.Contains(text, "<listMetadata>") {
			op = "listMetadata"
			if n := strings.Count(text, "<queries>"); n > 3 {
				t.Errorf("%d queries in one call, Salesforce takes 3", n)
			}
			for typ, names := range listed {
				if strings.Contains(text, "<type>"+typ+"</type>") {
					for _, name := range strings.Fields(names) {
						out.WriteString("<result><fullName>" + name + "</fullName><type>" + typ + "</type></result>")
					}
				}
			}
		} else {
			out.WriteString("<result>")
			for name, inner := range records {
				if strings.Contains(text, "<fullNames>"+name+"</fullNames>") {
					out.WriteString("<records xsi:type=\"X\"><fullName>" + name + "</fullName>" + inner + "</records>")
				}
			}
			if strings.Contains(text, "<fullNames>Gone</fullNames>") {
				out.WriteString(`<records xsi:nil="true"/>`)
			}
			out.WriteString("</result>")
		}
		fmt.Fprint(w, soapAnswer(op, out.String()))
	}, nil)
	app, err := org.Read(t.Context(), metadata.KindExternalClientApp, "Acme")
	if err != nil {
		t.Fatal(err)
	}
	if app.Policies != nil || app.GlobalOAuthSettings.FullName != "Renamed_by_hand" || app.OAuthPolicies.FullName != "Acme_oauth_defaultPolicy" {
		t.Errorf("components %+v", app)
	}
	if got := app.External.Label; got != "Acme & Co" {
		t.Errorf("label %q", got)
	}
	if got := app.GlobalOAuthSettings.Unknown(); !reflect.DeepEqual(got, []string{"isBrandNew"}) {
		t.Errorf("unknown %q", got)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<ExtlClntAppOauthSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <commaSeparatedOauthScopes>Api</commaSeparatedOauthScopes>
    <externalClientApplication>Acme</externalClientApplication>
    <trustedIpRanges>
        <endIpAddress>2.2.2.2</endIpAddress>
        <startIpAddress>1.1.1.1</startIpAddress>
    </trustedIpRanges>
</ExtlClntAppOauthSettings>
`
	if got := files(t, app)["extlClntAppOauthSettings/Acme_oauth.ecaOauth"]; got != want {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
	var e *metadata.Error
	_, err = org.Read(t.Context(), metadata.KindConnectedApp, "Gone")
	if !errors.Is(err, metadata.ErrNotFound) || !errors.As(err, &e) || e.Op != "read" || e.Name != "ConnectedApp Gone" {
		t.Errorf("a missing app: %v", err)
	}
}

func TestSOAPErrorsAreTyped(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	jwt := func(context.Context, string) (string, error) { return jwtNo(1), nil }
	fault := strings.ReplaceAll(strings.ReplaceAll(expired, "INVALID_SESSION_ID", "INSUFFICIENT_ACCESS"), "Illegal", "&lt;i&gt;\n"+strings.Repeat("x", 9000))
	lacking := strings.ReplaceAll(strings.ReplaceAll(expired, "INVALID_SESSION_ID: Invalid", "INVALID_TYPE: Cannot use: ConnectedApp in this organization. Invalid"), "INVALID_SESSION_ID", "INVALID_TYPE")
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		session func(context.Context, string) (string, error)
		is      error
		text    string
	}{
		{"a JWT that is refused", answer(500, expired), jwt, metadata.ErrJWTSession, "the session has ended"},
		{"a fault has its code, advice and one bounded line", answer(500, fault), nil, nil, "Modify Metadata Through Metadata API Functions"},
		{"a type that the org's edition lacks", answer(500, lacking), nil, nil, "edition or licences"},
		{"an answer above the limit", answer(200, strings.Repeat(" ", 9<<20)), nil, metadata.ErrTooLarge, ""},
		{"HTML in place of SOAP", answer(503, "<html><p>down"), nil, nil, "HTTP status 503"},
		{"an answer to something else", answer(200, soapAnswer("login", "")), nil, nil, "not that of readMetadata"},
		{"a redirect is not followed", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
		}, nil, nil, "307"},
	} {
		_, err := open(t, test.handler, test.session).Read(t.Context(), metadata.KindConnectedApp, "A")
		var e *metadata.Error
		if !errors.As(err, &e) || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if s := err.Error(); len(s) > 700 || strings.Contains(s, "\n") || strings.Contains(s, "00DTEST") {
			t.Errorf("%s: the error's text is %q", test.name, s)
		}
	}
}

// deployHandler answers a deployment's first call, then the states one by one.
func deployHandler(t *testing.T, states ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		const path = "/services/data/v66.0/metadata/deployRequest"
		switch {
		case r.Method == http.MethodPost && r.URL.Path == path:
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"id":"0Af000000000001","deployResult":{"status":"Pending"}}`)
		case r.Method == http.MethodGet && r.URL.Path == path+"/0Af000000000001" && r.URL.Query().Get("includeDetails") == "true":
			if len(states) == 0 {
				t.Error("asked again after the end")
				return
			}
			state := states[0]
			states = states[1:]
			if state == "503" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, `{"id":"0Af000000000001","deployResult":`+state+`}`)
		default:
			t.Errorf("%s %s", r.Method, r.URL)
		}
	}
}

func packageOf(t *testing.T, s metadata.AppSpec) *metadata.Package {
	t.Helper()
	pkg, err := s.New().Package(66)
	if err != nil {
		t.Fatal(err)
	}
	return pkg
}

func TestDeploySendsTheZipAndItsOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pkg := packageOf(t, externalSpec())
		states := deployHandler(t, `{"done":true,"success":true,"status":"Succeeded"}`)
		org := open(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
				if err != nil {
					t.Error(err)
				}
				form := multipart.NewReader(r.Body, params["boundary"])
				first, err := form.NextPart()
				if err != nil || first.FormName() != "json" || first.FileName() != "" || first.Header.Get("Content-Type") != "application/json" {
					t.Errorf("first part %v, error %v", first, err)
				}
				var got map[string]map[string]any
				if err := json.NewDecoder(first).Decode(&got); err != nil {
					t.Error(err)
				}
				want := map[string]any{"checkOnly": true, "ignoreWarnings": false, "rollbackOnError": true, "singlePackage": true,
					"testLevel": "RunSpecifiedTests", "runTests": []any{"AcmeTest"}}
				if !reflect.DeepEqual(got["deployOptions"], want) {
					t.Errorf("options %v, want %v", got, want)
				}
				second, err := form.NextPart()
				if err != nil || second.FormName() != "file" || second.FileName() != "deploy.zip" || second.Header.Get("Content-Type") != "application/zip" {
					t.Errorf("second part %v, error %v", second, err)
				}
				data, _ := io.ReadAll(second)
				if zipped, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err != nil || len(zipped.File) != len(pkg.Files) {
					t.Errorf("the zip: %v", err)
				}
				if r.GetBody == nil {
					t.Error("a transport cannot send the body again after a refresh")
				}
			}
			states(w, r)
		}, nil)
		r, err := org.Deploy(t.Context(), pkg, metadata.DeployOptions{CheckOnly: true, TestLevel: metadata.RunSpecifiedTests, RunTests: []string{"AcmeTest"}})
		if err != nil || !r.Success || r.ID != "0Af000000000001" {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestDeployAsksAtGrowingIntervalsAndReportsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []string
		for i := range 20 {
			states = append(states, fmt.Sprintf(`{"done":"false","status":"InProgress","numberComponentsTotal":20,"numberComponentsDeployed":"%d"}`, i))
		}
		states[3], states[4] = "503", "503"
		states = append(states, `{"done":"true","success":"true","status":"Succeeded","numberComponentsTotal":20,"numberComponentsDeployed":20,
			"details":{"componentSuccesses":{"componentType":"ExternalClientApplication","fullName":"Acme","created":"true","success":"true"}}}`)
		var seen []int
		var at []time.Duration
		start := time.Now()
		r, err := open(t, deployHandler(t, states...), nil).Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{
			Progress: func(r metadata.DeployResult) {
				seen, at = append(seen, r.Components.Finished), append(at, time.Since(start))
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []metadata.ComponentChange{{Type: "ExternalClientApplication", FullName: "Acme", Created: true}}; !reflect.DeepEqual(r.Changes, want) {
			t.Errorf("changes %+v", r.Changes)
		}
		if len(seen) != 19 || seen[18] != 20 {
			t.Errorf("progress %v", seen)
		}
		if at[0] != 100*time.Millisecond || at[18]-at[17] != 10*time.Second {
			t.Errorf("asked at %v", at)
		}
	})
}

func TestAFailedDeploymentNamesEachFailureAndWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := open(t, deployHandler(t, `{"done":true,"success":false,"status":"Failed","errorStatusCode":null,"details":{"componentFailures":[
			{"componentType":"ExtlClntAppConfigurablePolicies","fullName":"Acme_plcy","fileName":"extlClntAppPolicies/Acme_plcy.ecaPlcy","lineNumber":"4","columnNumber":12,
			 "problem":"duplicate value found: ExternalClientApplicationId duplicates value on Acme_defaultPolicy","problemType":"Error"},
			{"componentType":"","fullName":"package.xml","fileName":"package.xml","problem":"No such thing","problemType":"Error"},
			{"componentType":"ExternalClientApplication","fullName":"Acme","fileName":"x","problem":"Careful","problemType":"Warning","success":true}]}}`), nil).
			Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{})
		var e *metadata.Error
		var c *metadata.ComponentError
		if !errors.As(err, &e) || e.Op != "deploy" || e.Name != "0Af000000000001" || !errors.As(err, &c) {
			t.Fatalf("error %v", err)
		}
		if c.Line != 4 || c.Column != 12 || c.FullName != "Acme_plcy" || !strings.Contains(c.Advice, "merge") {
			t.Errorf("first failure %+v", c)
		}
		const want = "metadata: deploy 0Af000000000001: extlClntAppPolicies/Acme_plcy.ecaPlcy:4:12: duplicate value found: "
		if got := err.Error(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "; package.xml: No such thing") || strings.Contains(got, "Careful") {
			t.Errorf("text %q", got)
		}
	})
}

func TestADeploymentOutlivesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		state := `{"done":false,"status":"InProgress"}`
		r, err := open(t, deployHandler(t, state, state, state, state, state, state), nil).Deploy(ctx, packageOf(t, externalSpec()), metadata.DeployOptions{})
		if !errors.Is(err, context.DeadlineExceeded) || r.ID != "0Af000000000001" || r.Status != "InProgress" {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestDeployReportsWhatTheOrgRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org := open(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"API is not enabled for this Organization or Partner"}]`)
		}, nil)
		_, err := org.Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{})
		var e *metadata.Error
		if !errors.As(err, &e) || e.Code != "API_DISABLED_FOR_ORG" || !strings.Contains(err.Error(), "edition") {
			t.Errorf("error %v", err)
		}
		down := open(t, deployHandler(t, "503", "503", "503", "503", "503"), nil)
		if _, err := down.Deploy(t.Context(), packageOf(t, externalSpec()), metadata.DeployOptions{}); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("an org that stays down: %v", err)
		}
	})
}

func TestCancelAndQuickDeploySendTheirRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []string
		states := deployHandler(t, `{"done":true,"success":true,"status":"Succeeded"}`)
		org := open(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				body, _ := io.ReadAll(r.Body)
				sent = append(sent, r.Method+" "+r.URL.Path+" "+r.Header.Get("Content-Type")+" "+string(body))
			}
			if r.Method == http.MethodPatch {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			states(w, r)
		}, nil)
		if err := org.Cancel(t.Context(), "0Af000000000001"); err != nil {
			t.Error(err)
		}
		if _, err := org.QuickDeploy(t.Context(), "0Af000000000002AAA", nil); err != nil {
			t.Error(err)
		}
		const path = "/services/data/v66.0/metadata/deployRequest"
		want := []string{
			"PATCH " + path + `/0Af000000000001 application/json {"deployResult":{"status":"Canceling"}}`,
			"POST " + path + ` application/json {"validatedDeployRequestId":"0Af000000000002AAA"}`,
		}
		if !reflect.DeepEqual(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
	})
}

func TestAnUpsertSendsTheElementsInTheOrderOfTheSchemaWhateverTheFileHas(t *testing.T) {
	app := parseText(t, "Acme.connectedApp", "<ConnectedApp"+ns+"><oauthConfig><scopes>Web</scopes><scopes>Api</scopes><callbackUrl>https://a.example/</callbackUrl></oauthConfig>"+
		"<label>Acme</label><contactEmail>a@example.com</contactEmail></ConnectedApp>")
	sent := ""
	org := open(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = string(body)
		fmt.Fprint(w, soapAnswer("upsertMetadata", "<result><created>true</created><fullName>Acme</fullName><success>true</success></result>"))
	}, nil)
	if _, err := org.Upsert(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	const want = `<metadata xsi:type="ConnectedApp"><fullName>Acme</fullName><contactEmail>a@example.com</contactEmail><label>Acme</label><oauthConfig>` +
		`<callbackUrl>https://a.example/</callbackUrl><scopes>Web</scopes><scopes>Api</scopes></oauthConfig></metadata>`
	if got := strings.NewReplacer("\n", "", "> ", ">").Replace(strings.Join(strings.Fields(sent), " ")); !strings.Contains(strings.ReplaceAll(got, "> <", "><"), want) {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
}
