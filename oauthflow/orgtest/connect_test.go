package orgtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// rest calls the API as an administrator.
func (w *wire) rest(method, path, body string) reply {
	w.t.Helper()
	instance, token := w.org.AdminSession()
	r, err := http.NewRequestWithContext(w.t.Context(), method, instance+"/services/data/v66.0"+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return w.send(r)
}

func TestCredentialsAreReadableOnlyWithTheOrgsSwitch(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	var usage struct {
		Apps []struct{ DeveloperName, Identifier string }
	}
	if err := json.Unmarshal([]byte(w.rest("GET", "/apps/oauth/usage", "").body), &usage); err != nil || len(usage.Apps) != 1 {
		t.Fatalf("%+v %v", usage, err)
	}
	path := "/apps/oauth/credentials/" + usage.Apps[0].Identifier
	if a := w.rest("GET", path, ""); a.status != http.StatusForbidden || !strings.Contains(a.body, "not currently enabled") {
		t.Errorf("with the switch off: %d %s", a.status, a.body)
	}
	must(t, w.org.SetAppField("ExternalClientAppSettings", "ExternalClientApp", "enableClientSecretInRestApiAccess", "true"))
	var list struct {
		Consumers []struct{ ID, Key string }
	}
	if err := json.Unmarshal([]byte(w.rest("GET", path, "").body), &list); err != nil || len(list.Consumers) != 1 {
		t.Fatalf("%+v %v", list, err)
	}
	key, secret := w.credentials("Demo")
	path += "/" + list.Consumers[0].ID
	if a := w.rest("GET", path+"?part=keyandsecret", ""); a.field("key") != key || a.field("secret") != secret {
		t.Errorf("got %s", a.body)
	}
	if a := w.rest("GET", path, ""); a.field("secret") != "" {
		t.Error("the secret came unasked")
	}

	staged := w.rest("POST", path+"/staged", "{}")
	if staged.status != http.StatusCreated || staged.field("secret") == "" {
		t.Fatalf("staging: %d %s", staged.status, staged.body)
	}
	if a := w.rest("POST", path+"/staged", "{}"); a.status != http.StatusBadRequest {
		t.Errorf("staging twice: %d", a.status)
	}
	if a := w.rest("PATCH", path+"/staged/"+staged.field("id"), `{"command":"rotate"}`); a.status != http.StatusOK {
		t.Errorf("rotating: %d %s", a.status, a.body)
	}
	if k, s := w.credentials("Demo"); k != staged.field("key") || s != staged.field("secret") {
		t.Error("the staged set did not take over")
	}
	second := w.rest("POST", path+"/staged", "{}")
	for _, wrong := range []string{"/staged/" + staged.field("id"), "/elsewhere"} {
		if a := w.rest("DELETE", path+wrong, ""); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", wrong, a.status)
		}
	}
	if a := w.rest("GET", "/apps/oauth/credentials/0xI000000000000", ""); a.status != http.StatusNotFound {
		t.Errorf("another app: %d", a.status)
	}
	if a := w.rest("DELETE", path+"/staged/"+second.field("id"), ""); a.status != http.StatusNoContent {
		t.Errorf("deleting: %d", a.status)
	}
	if a := w.rest("GET", path+"/staged", ""); a.body != `{"stagedCredentials":[]}` {
		t.Errorf("got %s", a.body)
	}
}

func TestADeployWithTheFlagReplacesTheSecret(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	key, secret := w.credentials("Demo")
	files := demoApp()
	path := "extlClntAppGlobalOauthSets/Demo_glbloauth.ecaGlblOauth"
	files[path] = strings.Replace(files[path], "</ExtlClntApp", "<shouldRotateConsumerSecret>true</shouldRotateConsumerSecret></ExtlClntApp", 1)
	if out := w.deploy(archive(t, "66.0", files), `,"ignoreWarnings":true,"checkOnly":true`); out.Status != "Succeeded" {
		t.Fatalf("%+v", out)
	}
	if _, s := w.credentials("Demo"); s != secret {
		t.Fatal("a check replaced the secret")
	}
	w.deploy(archive(t, "66.0", files), `,"ignoreWarnings":true`)
	if k, s := w.credentials("Demo"); k != key || s == secret {
		t.Error("the secret, and only the secret, should be another one")
	}
	read := w.soap("66.0", `<readMetadata><type>ExtlClntAppGlobalOauthSettings</type><fullNames>Demo_glbloauth</fullNames></readMetadata>`)
	if between(read, "shouldRotateConsumerSecret") != "false" {
		t.Error("the flag is an action, not a state")
	}
}
