package orgtest_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAnAuthorizeRequestForWhatIsNotSimulatedIsRefusedInTheCallback(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	for _, c := range []struct{ name, value, code, text string }{
		{"display", "popup", "invalid_request", "not simulated: display=popup"},
		{"display", "page", "", ""},
		{"prompt", "none", "invalid_request", "not simulated: prompt=none"},
		{"prompt", "login consent", "", ""},
		{"prompt", "select_account", "", ""},
		{"immediate", "maybe", "invalid_request", "not simulated: immediate=maybe"},
		{"immediate", "false", "", ""},
		{"max_age", "0", "invalid_request", "not simulated: max_age"},
		{"claims", "{}", "invalid_request", "not simulated: claims"},
		{"request", "x.y.z", "invalid_request", "not simulated: request"},
		{"response_mode", "form_post", "invalid_request", "not simulated: response_mode"},
		{"response_type", "token", "unsupported_response_type", "not simulated: response_type=token"},
		{"response_type", "token id_token", "unsupported_response_type", "not simulated: response_type=token id_token"},
		{"response_type", "id_token code", "unsupported_response_type", "not simulated: response_type=id_token code"},
		{"response_type", "hybrid_token", "unsupported_response_type", "not simulated: response_type=hybrid_token"},
		{"utm_campaign", "x", "", ""},
	} {
		q := w.approve(c.name, c.value)
		if q.Get("error") != c.code || q.Get("error_description") != c.text || (q.Get("code") != "") != (c.code == "") {
			t.Errorf("%s=%s: got %v", c.name, c.value, q)
		}
	}
}

func TestATokenRequestForWhatIsNotSimulatedIsRefused(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	_, refresh := w.connect()
	for _, c := range []struct{ name, value, code, text string }{
		{"grant_type", "password", "unsupported_grant_type", "not simulated: grant_type=password"},
		{"grant_type", "client_credentials", "unsupported_grant_type", "not simulated: grant_type=client_credentials"},
		{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type", "not simulated: grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer"},
		{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange", "unsupported_grant_type", "not simulated: grant_type=urn:ietf:params:oauth:grant-type:token-exchange"},
		{"client_assertion", "x.y.z", "invalid_request", "not simulated: client_assertion"},
		{"assertion", "x.y.z", "invalid_request", "not simulated: assertion"},
		{"format", "html", "invalid_request", "not simulated: format=html"},
	} {
		wantError(t, w.refresh(refresh, c.name, c.value), c.code, c.text)
	}
}

// soapOptions deploys the demo app over SOAP with options as XML.
func (w *wire) soapOptions(options string) reply {
	w.t.Helper()
	return w.soap("66.0", "<deploy><ZipFile>"+base64.StdEncoding.EncodeToString(archive(w.t, "66.0", demoApp()))+
		"</ZipFile><DeployOptions><singlePackage>true</singlePackage>"+options+"</DeployOptions></deploy>")
}

func TestADeployWithOptionsThatAreNotSimulatedIsRefused(t *testing.T) {
	w := empty(t, orgtest.Config{})
	for _, c := range []struct{ json, xml, text string }{
		{`"testLevel":"RunLocalTests"`, "<testLevel>RunLocalTests</testLevel>", "not simulated: testLevel RunLocalTests"},
		{`"runTests":["A","B"]`, "<runTests>A</runTests><runTests>B</runTests>", "not simulated: runTests A, B"},
		{`"purgeOnDelete":true`, "<purgeOnDelete>true</purgeOnDelete>", "not simulated: purgeOnDelete"},
		{`"allowMissingFiles":true`, "<allowMissingFiles>true</allowMissingFiles>", "not simulated: allowMissingFiles"},
		{`"autoUpdatePackage":true`, "<autoUpdatePackage>true</autoUpdatePackage>", "not simulated: autoUpdatePackage"},
		{`"performRetrieve":true`, "<performRetrieve>true</performRetrieve>", "not simulated: performRetrieve"},
	} {
		a := w.postDeploy(archive(t, "66.0", demoApp()), ","+c.json)
		if code, message := refused(t, a); a.status != http.StatusNotImplemented || code != "NOT_SIMULATED" || message != c.text {
			t.Errorf("REST, %s: %d %s", c.json, a.status, a.body)
		}
		if a := w.soapOptions(c.xml); a.status != http.StatusInternalServerError || between(a, "faultstring") != c.text {
			t.Errorf("SOAP, %s: %d %s", c.xml, a.status, a.body)
		}
	}
	if code, message := refused(t, w.postDeploy(archive(t, "66.0", demoApp()), `,"nonsense":true`)); code != "JSON_PARSER_ERROR" || !strings.Contains(message, `"nonsense"`) {
		t.Errorf("an unknown option: %s %s", code, message)
	}
	if a := w.soapOptions("<nonsense>true</nonsense>"); !strings.Contains(between(a, "faultstring"), "nonsense invalid at this location in type DeployOptions") {
		t.Errorf("an unknown option over SOAP: %s", a.body)
	}
	if _, _, err := w.org.Credentials("Demo"); err == nil {
		t.Error("a refused deploy was carried out")
	}
	const all = `,"testLevel":"NoTestRun","runTests":[],"purgeOnDelete":false,"allowMissingFiles":false,"autoUpdatePackage":false,"performRetrieve":false`
	if out := w.deploy(archive(t, "66.0", demoApp()), all); out.Status != "Succeeded" {
		t.Errorf("options that say nothing: %+v", out)
	}
	if a := w.soapOptions("<testLevel>NoTestRun</testLevel><purgeOnDelete>false</purgeOnDelete>"); a.status != http.StatusOK {
		t.Errorf("over SOAP: %d %s", a.status, a.body)
	}
	if a := w.rest("PATCH", "/metadata/deployRequest/"+w.last, `{"deployResult":{"status":"Pausing"}}`); !strings.Contains(a.body, "not simulated: ") {
		t.Errorf("a change of a deploy that cancels nothing: %d %s", a.status, a.body)
	}
}

func TestASOAPCallForWhatIsNotSimulatedIsAFault(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	for call, want := range map[string]string{
		"<describeValueType><type>ConnectedApp</type></describeValueType>":                                                              "describeValueType",
		"<renameMetadata><type>ConnectedApp</type></renameMetadata>":                                                                    "renameMetadata",
		"<retrieve><request><apiVersion>66.0</apiVersion><packageNames>P</packageNames></request></retrieve>":                           "packageNames",
		"<retrieve><request><apiVersion>66.0</apiVersion><specificFiles>x</specificFiles></request></retrieve>":                         "specificFiles",
		"<retrieve><request><apiVersion>66.0</apiVersion><rootTypesWithDependencies>x</rootTypesWithDependencies></request></retrieve>": "rootTypesWithDependencies",
		"<listMetadata><queries><type>ConnectedApp</type><folder>f</folder></queries></listMetadata>":                                   "folder",
	} {
		a := w.soap("66.0", call)
		if a.status != http.StatusInternalServerError || between(a, "faultstring") != "not simulated: "+want {
			t.Errorf("%s: %d %s", want, a.status, a.body)
		}
	}
	if a := w.soap("66.0", "<nonsense/>"); !strings.Contains(a.body, "No operation available for request nonsense") {
		t.Errorf("an operation that nobody has: %s", a.body)
	}
	instance, token := w.org.AdminSession()
	send := func(path, header string) reply {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, instance+path, strings.NewReader(
			`<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" `+metadataXML+`><e:Header><SessionHeader><sessionId>`+token+
				`</sessionId></SessionHeader>`+header+`</e:Header><e:Body><describeMetadata/></e:Body></e:Envelope>`))
		if err != nil {
			t.Fatal(err)
		}
		return w.send(r)
	}
	if a := send("/services/Soap/m/66.0", "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"); between(a, "faultstring") != "not simulated: AllOrNoneHeader" {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if a := send("/services/Soap/m/66.0", "<AllOrNoneHeader><allOrNone>false</allOrNone></AllOrNoneHeader>"); a.status != http.StatusOK {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for _, path := range []string{"/services/Soap/u/66.0", "/services/Soap/c/66.0", "/services/Soap/T/66.0", "/services/Soap/s/66.0"} {
		if a := send(path, ""); a.status != http.StatusInternalServerError || between(a, "faultstring") != "not simulated: "+path {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestARetrieveWithoutItsZipAndAListOfAnotherVersion(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	id := between(w.soap("66.0", `<retrieve><request><apiVersion>66.0</apiVersion></request></retrieve>`), "id")
	for include, want := range map[string]bool{"": true, "<includeZip>true</includeZip>": true, "<includeZip>false</includeZip>": false} {
		a := w.soap("66.0", "<checkRetrieveStatus><asyncProcessId>"+id+"</asyncProcessId>"+include+"</checkRetrieveStatus>")
		if strings.Contains(a.body, "<zipFile>") != want {
			t.Errorf("%q: %s", include, a.body)
		}
	}
	const call = "<listMetadata><queries><type>ExtlClntAppOauthSecuritySettings</type></queries>%s</listMetadata>"
	if a := w.soap("68.0", fmt.Sprintf(call, "<asOfVersion>66.0</asOfVersion>")); !strings.Contains(a.body, "INVALID_TYPE") {
		t.Errorf("a type that 66.0 does not have: %s", a.body)
	}
	if a := w.soap("66.0", fmt.Sprintf(call, "<asOfVersion>99.0</asOfVersion>")); a.status == http.StatusOK {
		t.Errorf("a version that nobody has: %s", a.body)
	}
}

func TestOtherEndpointsRefuseWhatIsNotSimulated(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, refresh := w.connect()
	identity := w.refresh(refresh).field("id")
	key, secret := w.credentials("Demo")
	send := func(method, address, accept string, form url.Values) reply {
		t.Helper()
		r := w.form(address, form)
		if r.Method = method; method == http.MethodGet {
			r = w.form(address+"?"+form.Encode(), nil)
			r.Method = method
		}
		r.Header.Set("Authorization", "Bearer "+access)
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		return w.send(r)
	}
	for _, c := range []struct {
		method, address, accept string
		form                    url.Values
		status                  int
		text                    string
	}{
		{"GET", identity, "", url.Values{"format": {"json"}}, 200, ""},
		{"GET", identity, "*/*", nil, 200, ""},
		{"GET", identity, "", url.Values{"format": {"xml"}}, 501, "not simulated: format=xml"},
		{"GET", identity, "application/xml", nil, 501, "not simulated: format=xml"},
		{"GET", identity, "", url.Values{"version": {"latest"}}, 501, "not simulated: version"},
		{"GET", identity, "", url.Values{"callback": {"f"}}, 501, "not simulated: callback"},
		{"GET", w.host + "/services/oauth2/userinfo", "", url.Values{"format": {"urlencoded"}}, 501, "not simulated: format=urlencoded"},
		{"GET", w.host + "/services/oauth2/userinfo", "application/json", nil, 200, ""},
		{"GET", w.host + "/services/oauth2/revoke", "application/json", url.Values{"token": {"x"}, "callback": {"f"}}, 400, "not simulated: callback"},
		{"POST", w.host + "/services/oauth2/register", "", nil, 400, "not simulated: /services/oauth2/register"},
		{"POST", w.host + "/services/oauth2/singleaccess", "", nil, 400, "not simulated: /services/oauth2/singleaccess"},
		{"GET", w.org.InstanceURL() + "/services/data/v66.0/sobjects", "", nil, 501, "not simulated: GET /sobjects"},
		{"GET", w.org.InstanceURL() + "/services/data/v66.0/sobjects/Account/describe", "", nil, 501, "not simulated: GET /sobjects/Account/describe"},
		{"PATCH", w.org.InstanceURL() + "/services/data/v66.0/sobjects/Account/001TEST00000001YDA", "", nil, 501, "not simulated: PATCH /sobjects/Account/001TEST00000001YDA"},
		{"POST", w.org.InstanceURL() + "/services/data/v66.0/sobjects/Account", "", nil, 501, "not simulated: POST /sobjects/Account"},
		{"POST", w.org.InstanceURL() + "/services/data/v66.0/composite/sobjects", "", nil, 501, "not simulated: POST /composite/sobjects"},
		{"GET", w.org.InstanceURL() + "/services/data/v66.0/tooling/executeAnonymous", "", nil, 501, "not simulated: GET /tooling/executeAnonymous"},
		{"GET", w.org.InstanceURL() + "/services/data/v66.0/limits", "application/xml", nil, 501, "not simulated: Accept: application/xml"},
		{"GET", w.org.InstanceURL() + "/services/data/v66.0/limits/recordCount", "", nil, 501, "not simulated: GET /limits/recordCount"},
		{"GET", w.org.InstanceURL() + "/services/data/v66.0/nonsense", "", nil, 404, "NOT_FOUND"},
		{"POST", w.org.InstanceURL() + "/services/data/v66.0/limits", "", nil, 405, "METHOD_NOT_ALLOWED"},
		{"POST", w.org.InstanceURL() + "/services/data", "", nil, 405, "METHOD_NOT_ALLOWED"},
		{"DELETE", w.org.InstanceURL() + "/services/data/v66.0/query", "", nil, 405, "METHOD_NOT_ALLOWED"},
		{"GET", w.org.InstanceURL() + "/services/async/66.0/job", "", nil, 501, "not simulated: /services/async/66.0/job"},
		{"GET", w.org.InstanceURL() + "/services/apexrest/nonsense", "", nil, 404, "Could not find a match for URL"},
		{"POST", w.host + "/services/oauth2/introspect", "application/jwt", url.Values{"token": {"x"}, "client_id": {key}, "client_secret": {secret}}, 400, "not simulated: Accept: application/jwt"},
	} {
		a := send(c.method, c.address, c.accept, c.form)
		if a.status != c.status || !strings.Contains(a.body, c.text) {
			t.Errorf("%s %s %v: %d %s", c.method, c.address, c.form, a.status, a.body)
		}
	}
}

func TestAConnectedAppThatBindsTokensGetsNone(t *testing.T) {
	for element, want := range map[string][2]string{
		"isIpBindingEnabled": {"invalid_request", "not simulated: IP binding"}, "isPKImTLSEnabled": {"invalid_client", "mutual TLS client certificate is required"},
	} {
		app := strings.Replace(oldApp, "<scopes>", "<"+element+">true</"+element+"><scopes>", 1)
		w := withDemo(t, orgtest.Config{Existing: map[string]string{"connectedApps/Old.connectedApp": app}})
		refresh, err := w.org.UserApproved("Old", "admin@acme.example")
		if err != nil {
			t.Fatal(err)
		}
		key, secret := w.credentials("Old")
		wantError(t, w.post(w.host+"/services/oauth2/token", url.Values{
			"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {key}, "client_secret": {secret},
		}), want[0], want[1])
	}
}

func TestAnAppWithMutualTLSGetsNoTokens(t *testing.T) {
	files := demoApp()
	const name = "extlClntAppGlobalOauthSets/Demo_glbloauth.ecaGlblOauth"
	files[name] = strings.Replace(files[name], "<isPkceRequired>", "<isMtlsEnabled>true</isMtlsEnabled><isPkceRequired>", 1)
	w := withDemo(t, orgtest.Config{Existing: files})
	wantError(t, w.exchange(w.approve().Get("code")), "invalid_client", "mutual TLS client certificate is required")
}
