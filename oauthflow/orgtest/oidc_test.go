package orgtest_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestGoOIDCAcceptsTheIDTokenOfEitherHost(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	ctx := oidc.ClientContext(t.Context(), w.http)
	for _, issuer := range []string{"https://login.salesforce.com", w.org.InstanceURL()} {
		t.Run(issuer, func(t *testing.T) {
			w.host = issuer
			provider, err := oidc.NewProvider(ctx, issuer)
			if err != nil {
				t.Fatal(err)
			}
			a := w.exchange(w.approve("nonce", "n1").Get("code"))
			key, _ := w.credentials("Demo")
			token, err := provider.Verifier(&oidc.Config{ClientID: key}).Verify(ctx, a.field("id_token"))
			if err != nil {
				t.Fatal(err)
			}
			if token.Nonce != "n1" || token.Subject != a.field("id") {
				t.Errorf("nonce %q, subject %q, want n1 and the identity URL %q", token.Nonce, token.Subject, a.field("id"))
			}
			if err := token.VerifyAccessToken(a.field("access_token")); err != nil {
				t.Error(err)
			}
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: a.field("access_token")}))
			if err != nil || info.Email != "admin@acme.example" || info.Subject != token.Subject {
				t.Errorf("userinfo %+v, %v", info, err)
			}
			if _, err := provider.Verifier(&oidc.Config{ClientID: "another"}).Verify(ctx, a.field("id_token")); err == nil {
				t.Error("another client accepts the id_token")
			}
		})
	}
}

func TestDiscoveryLooksAsSalesforcesDoes(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	for _, c := range []struct{ host, has, lacks string }{
		{"https://login.salesforce.com", "register_endpoint", "end_session_endpoint"},
		{w.org.InstanceURL(), "end_session_endpoint", "register_endpoint"},
	} {
		var doc map[string]any
		a := w.get(c.host+"/.well-known/openid-configuration", "")
		if err := json.Unmarshal([]byte(a.body), &doc); err != nil {
			t.Fatal(err)
		}
		if doc["issuer"] != c.host || doc["jwks_uri"] != c.host+"/id/keys" || doc[c.has] == nil || doc[c.lacks] != nil {
			t.Errorf("%s: %s", c.host, a.body)
		}
		for _, absent := range []string{"code_challenge_methods_supported", "grant_types_supported"} {
			if doc[absent] != nil {
				t.Errorf("%s has %s, which real ones do not", c.host, absent)
			}
		}
	}
}

func TestTwoKeysArePublished(t *testing.T) {
	var set struct{ Keys []map[string]string }
	a := withDemo(t, orgtest.Config{}).get("https://login.salesforce.com/id/keys", "")
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) != 2 || set.Keys[0]["kid"] == set.Keys[1]["kid"] {
		t.Errorf("got %s", a.body)
	}
}

func TestARotatedSigningKeyIsFoundByFetchingTheKeysAgain(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	ctx := oidc.ClientContext(t.Context(), w.http)
	provider, err := oidc.NewProvider(ctx, w.host)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := w.credentials("Demo")
	verifier := provider.Verifier(&oidc.Config{ClientID: key})
	first := w.exchange(w.approve().Get("code")).field("id_token")
	if _, err := verifier.Verify(ctx, first); err != nil {
		t.Fatal(err)
	}
	w.org.RotateSigningKey()
	w.org.RotateSigningKey() // now it is a key the first set did not have
	if _, err := verifier.Verify(ctx, w.exchange(w.approve().Get("code")).field("id_token")); err != nil {
		t.Error(err)
	}
	for range 100 { // go-oidc hands keys out a moment before it keeps them
		if _, err = verifier.Verify(ctx, first); err != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("a token of a key that is not published any more is accepted")
}

func TestNoIDTokenWithoutTheOpenidScope(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	a := w.exchange(w.approve("scope", "api refresh_token").Get("code"))
	if a.field("id_token") != "" || a.field("scope") != "api id refresh_token" {
		t.Errorf("got %s", a.body)
	}
	a = w.exchange(w.approve("scope", "api openid").Get("code"))
	if a.field("id_token") == "" || a.field("refresh_token") != "" {
		t.Errorf("without refresh_token there is none to give: %s", a.body)
	}
}

func TestTheIdentityURLTellsWhoTheUserIs(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	a := w.exchange(w.approve().Get("code"))
	who := w.get(a.field("id"), a.field("access_token"))
	var doc struct {
		Username       string            `json:"username"`
		OrganizationID string            `json:"organization_id"`
		URLs           map[string]string `json:"urls"`
	}
	if err := json.Unmarshal([]byte(who.body), &doc); err != nil || who.status != http.StatusOK {
		t.Fatalf("%d %s %v", who.status, who.body, err)
	}
	if doc.Username != "admin@acme.example" || doc.OrganizationID != w.org.ID() ||
		doc.URLs["rest"] != "https://acme.my.salesforce.com/services/data/v{version}/" {
		t.Errorf("got %+v", doc)
	}
	// jsforce sends the token in the query
	if got := w.get(a.field("id")+"?format=json&oauth_token="+a.field("access_token"), ""); got.status != http.StatusOK {
		t.Errorf("with oauth_token: %d %s", got.status, got.body)
	}
	w.org.ExpireSessions()
	for _, address := range []string{a.field("id"), "https://login.salesforce.com/services/oauth2/userinfo"} {
		if got := w.get(address, a.field("access_token")); got.status != http.StatusForbidden || got.body != "Bad_OAuth_Token" {
			t.Errorf("%s with a dead token: %d %q", address, got.status, got.body)
		}
	}
}

func TestTheDataAPIAnswersWhatClientsAskFirst(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	at := w.org.InstanceURL()
	var versions []map[string]string
	if err := json.Unmarshal([]byte(w.get(at+"/services/data", "").body), &versions); err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for _, v := range versions {
		numbers = append(numbers, v["version"])
	}
	if !slices.Contains(numbers, "66.0") {
		t.Errorf("versions %v", numbers)
	}
	for _, c := range []struct {
		name, path string
		status     int
		want       string
	}{
		{"accounts", "/services/data/v66.0/query?q=SELECT+Id,+Name+FROM+Account+LIMIT+1", 200, `"Name":"Acme"`},
		{"the query path with a slash", "/services/data/v63.0/query/?q=SELECT+Id+FROM+Account", 200, `"totalSize":2`},
		{"the organization", "/services/data/v66.0/query?q=SELECT+Name,+InstanceName,+IsSandbox,+TrialExpirationDate,+NamespacePrefix,+OrganizationType+FROM+Organization", 200, `"IsSandbox":false`},
		{"a condition", "/services/data/v66.0/query?q=SELECT+Name+FROM+Account+WHERE+Name+%3D+%27Globex%27", 200, `"totalSize":1`},
		{"an object the org does not have", "/services/data/v51.0/query?q=SELECT%20Id%20FROM%20ScratchOrgInfo%20limit%201", 400, "INVALID_TYPE"},
		{"a field the object does not have", "/services/data/v66.0/query?q=SELECT+Nonsense+FROM+Account", 400, "INVALID_FIELD"},
		{"what is not SOQL", "/services/data/v66.0/query?q=DELETE+everything", 400, "MALFORMED_QUERY"},
		{"the resources of a version", "/services/data/v66.0", 200, `"identity":"https://login.salesforce.com/id/`},
		{"a version that is not there yet", "/services/data/v99.0/limits", 404, "NOT_FOUND"},
		{"source tracking", "/services/data/v66.0/tooling/sobjects/SourceMember/describe", 404, "NOT_FOUND"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.get(at+c.path, access)
			if a.status != c.status || !strings.Contains(a.body, c.want) {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
	user := w.get(at+"/services/data/v66.0/query?q=SELECT+Id+FROM+User", access).body
	id := user[strings.Index(user, `"Id":"`)+6:][:18]
	for _, id := range []string{id, strings.ToUpper(id), strings.ToLower(id), id[:15]} { // 18 characters come in any case
		if a := w.get(at+"/services/data/v51.0/sobjects/User/"+id, access); !strings.Contains(a.body, `"Username":"admin@acme.example"`) {
			t.Errorf("got %s", a.body)
		}
	}

}
