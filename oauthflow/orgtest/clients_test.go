package orgtest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A client that was given an instance URL with a slash at its end asks for //services/…, with a POST, too, which must be
// answered and not redirected.
func TestAPostToADoubleSlashIsAnsweredAtOnce(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	server := httptest.NewServer(w.org)
	defer server.Close()
	for where, at := range map[string]struct {
		client *http.Client
		login  string
		api    string
	}{
		"in process":     {w.http, w.host, w.org.InstanceURL()},
		"under httptest": {&http.Client{Transport: server.Client().Transport, CheckRedirect: w.http.CheckRedirect}, server.URL, server.URL},
	} {
		t.Run(where, func(t *testing.T) {
			w := &wire{t: t, org: w.org, http: at.client, host: at.login + "/"}
			access, refresh := w.connect()
			if a := w.refresh(refresh); a.status != http.StatusOK {
				t.Errorf("token endpoint: %d %s", a.status, a.body)
			}
			_, admin := w.org.AdminSession()
			if a := w.soapAs(at.api+"/", admin, "66.0", "<describeMetadata/>"); a.status != http.StatusOK {
				t.Errorf("SOAP: %d %s", a.status, a.body)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.api+"//services/data/v66.0/metadata/deployRequest", strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Authorization", "Bearer "+admin)
			if a := w.send(r); a.status != http.StatusBadRequest || !strings.Contains(a.body, "INVALID_ID_FIELD") {
				t.Errorf("REST: %d %s", a.status, a.body)
			}
			if a := w.post(w.host+"/services/oauth2/revoke", url.Values{"token": {access}}); a.status != http.StatusOK {
				t.Errorf("revoke: %d %s", a.status, a.body)
			}
		})
	}
}

// The command line client's REST deploy: the zip first and called package.xml, the options second and called entity_content.
// It asks for the result by an id of 15 or 18 characters.
func TestARESTDeployMayNameAndOrderItsPartsAsItLikes(t *testing.T) {
	w := empty(t, orgtest.Config{})
	instance, token := w.org.AdminSession()
	const boundary = "--------------------------216305347125642573487109"
	var b bytes.Buffer
	fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"package.xml\"\r\nContent-Type: application/zip\r\n\r\n", boundary)
	b.Write(archive(t, "66.0", demoApp()))
	fmt.Fprintf(&b, "\r\n--%s\r\nContent-Disposition: form-data; name=\"entity_content\"\r\nContent-Type: application/json\r\n\r\n"+
		`{"deployOptions":{"rollbackOnError":true,"singlePackage":true}}`+"\r\n--%[1]s--\r\n", boundary)
	at := instance + "/services/data/v66.0/metadata/deployRequest"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at, &b)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	r.Header.Set("Authorization", "Bearer "+token)
	a := w.send(r)
	id := a.field("id")
	if a.status != http.StatusCreated || len(id) != 18 || !strings.HasPrefix(id, "0Af") {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	for _, id := range []string{id, id[:15]} {
		if a := w.get(at+"/"+id+"?includeDetails=true", token); a.status != http.StatusOK || !strings.Contains(a.body, `"status":"Succeeded"`) {
			t.Errorf("result of %d characters: %d %s", len(id), a.status, a.body)
		}
	}
	w.credentials("Demo")
}

func TestUserInfoAnswersAGetThatClaimsToBeJSON(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.host+"/services/oauth2/userinfo", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+access)
	if a := w.send(r); a.status != http.StatusOK || !strings.HasPrefix(a.field("user_id"), "005") || a.field("preferred_username") != "admin@acme.example" {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

// The headless flow's request, as its guide shows it: a form, the user in the Authorization header. Salesforce serves it on
// sites only.
func TestTheHeadlessFlowIsRefusedOnEveryHost(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	key, _ := w.credentials("Demo")
	for _, host := range []string{w.host, w.org.InstanceURL()} {
		r := w.form(host+"/services/oauth2/authorize", url.Values{
			"response_type": {"code_credentials"}, "client_id": {key}, "redirect_uri": {callback}, "scope": {"api refresh_token"},
		})
		r.Header.Set("Auth-Request-Type", "Named-User")
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("admin@acme.example:password")))
		if a := w.send(r); a.status < 400 || strings.Contains(a.header.Get("Location")+a.body, "code=") {
			t.Errorf("%s: %d to %q", host, a.status, a.header.Get("Location"))
		}
	}
}

// The connected app of old lists no openid: who asks for it is refused, and who asks for nothing gets the app's own scopes.
func TestAScopeThatAConnectedAppDoesNotListIsRefused(t *testing.T) {
	const app = `<ConnectedApp ` + metadataXML + `><contactEmail>a@example.com</contactEmail><label>Demo</label><oauthConfig><callbackUrl>` +
		callback + `</callbackUrl><consumerKey>3MVG9LegacyConnectedApp0123456789</consumerKey><scopes>Basic</scopes><scopes>Api</scopes>` +
		`<scopes>Web</scopes><scopes>Full</scopes><scopes>RefreshToken</scopes></oauthConfig></ConnectedApp>`
	w := withDemo(t, orgtest.Config{Existing: map[string]string{"connectedApps/Demo.connectedApp": app}})
	if q := w.approve("scope", "api refresh_token openid"); q.Get("error") != "invalid_scope" || q.Get("code") != "" {
		t.Errorf("openid asked for: %v", q)
	}
	a := w.exchange(w.approve().Get("code"))
	if a.field("scope") != "api full id refresh_token web" || a.field("id_token") != "" {
		t.Errorf("nothing asked for: %s", a.body)
	}
}

func TestATokenOfAnotherAppIsIntrospectedOnlyByWhoMay(t *testing.T) {
	files := demoApp()
	for name, text := range demoApp() {
		files[strings.ReplaceAll(name, "Demo", "Other")] = strings.ReplaceAll(text, "Demo", "Other")
	}
	w := withDemo(t, orgtest.Config{Existing: files})
	access, refresh := w.connect()
	key, secret := w.credentials("Other")
	ask := func(token string) string {
		return w.post(w.host+"/services/oauth2/introspect", url.Values{"token": {token}, "client_id": {key}, "client_secret": {secret}}).body
	}
	for _, token := range []string{access, refresh} {
		if got := ask(token); got != `{"active":false}` {
			t.Errorf("a foreign app is told %s", got)
		}
	}
	must(t, w.org.SetAppField("ExtlClntAppGlobalOauthSettings", "Other_glbloauth", "isIntrospectAllTokens", "true"))
	for _, token := range []string{access, refresh} {
		if got := ask(token); !strings.Contains(got, `"active":true`) {
			t.Errorf("an app that may introspect all tokens is told %s", got)
		}
	}
}

func TestASandboxesIdentityURLIsOnTheTestHostAfterARefreshToo(t *testing.T) {
	w := withDemo(t, orgtest.Config{Sandbox: true})
	before := w.exchange(w.approve().Get("code")).field("id")
	must(t, w.org.RefreshSandbox())
	if out := w.deploy(archive(t, "66.0", demoApp()), ""); out.Status != "Succeeded" {
		t.Fatalf("%+v", out)
	}
	for _, host := range []string{"https://test.salesforce.com", w.org.InstanceURL()} {
		w.host = host
		a := w.exchange(w.approve().Get("code"))
		id := a.field("id")
		if !strings.HasPrefix(id, "https://test.salesforce.com/id/"+w.org.ID()+"/005") || id == before {
			t.Fatalf("by %s: %q", host, id)
		}
		if who := w.get(id, a.field("access_token")); who.status != http.StatusOK || who.field("organization_id") != w.org.ID() {
			t.Errorf("by %s: %d %s", host, who.status, who.body)
		}
	}
}
