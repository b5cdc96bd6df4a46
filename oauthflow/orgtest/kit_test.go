package orgtest_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const (
	metadataXML = `xmlns="http://soap.sforce.com/2006/04/metadata"`
	callback    = "https://app.example.com/done"
	// verifier is as long as Salesforce's own clients make it: 128 random bytes, 171 characters.
	verifier = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" +
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb-_cc"
)

// demoApp is an external client app as a deploy brings it: file path to XML.
func demoApp() map[string]string {
	return map[string]string{
		"externalClientApps/Demo.eca": `<ExternalClientApplication ` + metadataXML + `><contactEmail>a@example.com</contactEmail>` +
			`<distributionState>Local</distributionState><label>Demo</label></ExternalClientApplication>`,
		"extlClntAppOauthSettings/Demo_oauth.ecaOauth": `<ExtlClntAppOauthSettings ` + metadataXML + `>` +
			`<commaSeparatedOauthScopes>OpenID, Basic, Api, Web, Full, RefreshToken</commaSeparatedOauthScopes>` +
			`<externalClientApplication>Demo</externalClientApplication></ExtlClntAppOauthSettings>`,
		"extlClntAppGlobalOauthSets/Demo_glbloauth.ecaGlblOauth": `<ExtlClntAppGlobalOauthSettings ` + metadataXML + `>` +
			"<callbackUrl>" + callback + "\nhttps://app.example.com/other</callbackUrl>" +
			`<externalClientApplication>Demo</externalClientApplication><isConsumerSecretOptional>false</isConsumerSecretOptional>` +
			`<isPkceRequired>true</isPkceRequired><isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken></ExtlClntAppGlobalOauthSettings>`,
		"extlClntAppOauthPolicies/Demo_oauthPlcy.ecaOauthPlcy": `<ExtlClntAppOauthConfigurablePolicies ` + metadataXML + `>` +
			`<externalClientApplication>Demo</externalClientApplication><ipRelaxationPolicyType>Enforce_RelaxRefresh</ipRelaxationPolicyType>` +
			`<permittedUsersPolicyType>AllSelfAuthorized</permittedUsersPolicyType><refreshTokenPolicyType>Infinite</refreshTokenPolicyType></ExtlClntAppOauthConfigurablePolicies>`,
		"extlClntAppPolicies/Demo_plcy.ecaPlcy": `<ExtlClntAppConfigurablePolicies ` + metadataXML + `>` +
			`<externalClientApplication>Demo</externalClientApplication><isEnabled>true</isEnabled><startPage>None</startPage></ExtlClntAppConfigurablePolicies>`,
	}
}

// wire talks to an org with plain net/http.
type wire struct {
	t    *testing.T
	org  *orgtest.Org
	http *http.Client
	host string // of the OAuth endpoints
	last string // id of the last deploy
}

// withDemo makes an org that has the demo app already.
func withDemo(t *testing.T, cfg orgtest.Config) *wire {
	t.Helper()
	if cfg.Existing == nil {
		cfg.Existing = demoApp()
	}
	org, err := orgtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &wire{t: t, org: org, http: &http.Client{
		Transport:     org.RoundTripper(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, host: "https://" + org.LoginHost()}
}

// reply is an answer with its body read.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) field(name string) string {
	var m map[string]any
	if json.Unmarshal([]byte(r.body), &m) != nil {
		return ""
	}
	s, _ := m[name].(string)
	return s
}

func (w *wire) do(r *http.Request) (reply, error) {
	res, err := w.http.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(body)}, err
}

func (w *wire) send(r *http.Request) reply {
	w.t.Helper()
	a, err := w.do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *wire) post(address string, form url.Values) reply {
	w.t.Helper()
	return w.send(w.form(address, form))
}

func (w *wire) form(address string, form url.Values) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (w *wire) get(address, token string) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return w.send(r)
}

// api calls the API and returns the status.
func (w *wire) api(token string) int {
	w.t.Helper()
	return w.get(w.org.InstanceURL()+"/services/data/v66.0/limits", token).status
}

func (w *wire) credentials(app string) (key, secret string) {
	w.t.Helper()
	key, secret, err := w.org.Credentials(app)
	if err != nil {
		w.t.Fatal(err)
	}
	return key, secret
}

// authorizeURL is a good authorize request; changes are pairs, an empty value removes the parameter.
func (w *wire) authorizeURL(changes ...string) string {
	w.t.Helper()
	key, _ := w.credentials("Demo")
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {key}, "redirect_uri": {callback}, "state": {"s1"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])},
	}
	return w.host + "/services/oauth2/authorize?" + with(q, changes).Encode()
}

func with(q url.Values, changes []string) url.Values {
	for i := 0; i < len(changes); i += 2 {
		if changes[i+1] == "" {
			q.Del(changes[i])
		} else {
			q.Set(changes[i], changes[i+1])
		}
	}
	return q
}

// approve lets the user allow the app and returns the query of the callback.
func (w *wire) approve(changes ...string) url.Values {
	w.t.Helper()
	landed, err := w.org.Approve(w.t.Context(), w.authorizeURL(changes...))
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(landed)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Query()
}

// exchange swaps a code for tokens.
func (w *wire) exchange(code string, changes ...string) reply {
	w.t.Helper()
	key, secret := w.credentials("Demo")
	return w.post(w.host+"/services/oauth2/token", with(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "client_id": {key}, "client_secret": {secret},
		"redirect_uri": {callback}, "code_verifier": {verifier},
	}, changes))
}

// connect runs the whole flow.
func (w *wire) connect() (access, refresh string) {
	w.t.Helper()
	a := w.exchange(w.approve().Get("code"))
	if a.status != http.StatusOK {
		w.t.Fatalf("exchange: %d %s", a.status, a.body)
	}
	return a.field("access_token"), a.field("refresh_token")
}

func (w *wire) refreshForm(token string, changes ...string) *http.Request {
	w.t.Helper()
	key, secret := w.credentials("Demo")
	return w.form(w.host+"/services/oauth2/token", with(url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {key}, "client_secret": {secret},
	}, changes))
}

func (w *wire) refresh(token string, changes ...string) reply {
	w.t.Helper()
	return w.send(w.refreshForm(token, changes...))
}

// wantError fails unless an answer is that OAuth error.
func wantError(t *testing.T, a reply, code, description string) {
	t.Helper()
	if a.status != http.StatusBadRequest || a.field("error") != code || a.field("error_description") != description {
		t.Errorf("got %d %s, want 400 %s %q", a.status, a.body, code, description)
	}
}

// archive zips files with a package.xml that names them all.
func archive(t *testing.T, version string, files map[string]string) []byte {
	t.Helper()
	types := map[string]string{
		"eca": "ExternalClientApplication", "ecaOauth": "ExtlClntAppOauthSettings", "ecaGlblOauth": "ExtlClntAppGlobalOauthSettings",
		"ecaOauthPlcy": "ExtlClntAppOauthConfigurablePolicies", "ecaPlcy": "ExtlClntAppConfigurablePolicies", "connectedApp": "ConnectedApp",
	}
	manifest := `<Package ` + metadataXML + `>`
	for name := range files {
		base := name[strings.LastIndex(name, "/")+1:]
		full, suffix, _ := strings.Cut(base, ".")
		manifest += "<types><members>" + full + "</members><name>" + types[suffix] + "</name></types>"
	}
	return pack(t, files, manifest+"<version>"+version+"</version></Package>")
}

func pack(t *testing.T, files map[string]string, manifest string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	write := func(name, text string) {
		f, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write("package.xml", manifest)
	for name, text := range files {
		write(name, text)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// outcome is a finished deploy.
type outcome struct {
	Status       string
	Done         bool
	ErrorMessage string
	Details      struct {
		ComponentFailures, ComponentSuccesses []message
	}
}

// message is what a deploy says of one component.
type message struct {
	ComponentType, FullName, FileName, Problem, ProblemType string
	Created, Changed, Deleted, Success                      bool
	LineNumber                                              int
}

// deploy sends a zip as an administrator does and waits for the end.
func (w *wire) deploy(zip []byte, options string) outcome {
	w.t.Helper()
	a := w.postDeploy(zip, options)
	if a.status != http.StatusCreated {
		w.t.Fatalf("deploy: %d %s", a.status, a.body)
	}
	w.last = a.field("id")
	instance, token := w.org.AdminSession()
	a = w.get(instance+"/services/data/v66.0/metadata/deployRequest/"+w.last+"?includeDetails=true", token)
	var out struct{ DeployResult outcome }
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		w.t.Fatal(err)
	}
	return out.DeployResult
}

// postDeploy sends a zip with options, which begin with a comma.
func (w *wire) postDeploy(zip []byte, options string) reply {
	w.t.Helper()
	instance, token := w.org.AdminSession()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	part := func(header textproto.MIMEHeader, data []byte) {
		p, err := m.CreatePart(header)
		if err == nil {
			_, err = p.Write(data)
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	part(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="json"`}, "Content-Type": {"application/json"}},
		[]byte(`{"deployOptions":{"singlePackage":true,"rollbackOnError":true`+options+`}}`))
	part(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="deploy.zip"`}, "Content-Type": {"application/zip"}}, zip)
	m.Close()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, instance+"/services/data/v66.0/metadata/deployRequest", &b)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Authorization", "Bearer "+token)
	return w.send(r)
}

// soap sends one Metadata API call with an administrator's session and returns the body of the answer.
func (w *wire) soap(version, call string) reply {
	w.t.Helper()
	instance, token := w.org.AdminSession()
	return w.soapAs(instance, token, version, call)
}

func (w *wire) soapAs(instance, token, version, call string) reply {
	w.t.Helper()
	envelope := `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` + metadataXML +
		`><e:Header><SessionHeader><sessionId>` + token + `</sessionId></SessionHeader></e:Header><e:Body>` + call + `</e:Body></e:Envelope>`
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, instance+"/services/Soap/m/"+version, strings.NewReader(envelope))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/xml; charset=UTF-8")
	r.Header.Set("SOAPAction", `""`)
	return w.send(r)
}
