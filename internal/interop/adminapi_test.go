package interop_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/errors"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
)

// judgedAPI is the admin API over a simulated org, and libopenapi-validator, which judges each request and answer by the document.
type judgedAPI struct {
	t       *testing.T
	api     http.Handler
	judge   validator.Validator
	cookies []*http.Cookie
	right   fullcast.AdminRight
	asked   int
}

func (j *judgedAPI) ask(method, path string, body map[string]string) (answer struct{ Redirect string }) {
	j.t.Helper()
	request := func() *http.Request {
		var text []byte
		if body != nil {
			text, _ = json.Marshal(body) // of strings
		}
		r := httptest.NewRequest(method, "https://app.fullcast.io/api/salesforce"+path, strings.NewReader(string(text)))
		if body != nil {
			r.Header.Set("Content-Type", "application/json")
		}
		for _, c := range append([]*http.Cookie{{Name: "session", Value: "of the service"}}, j.cookies...) {
			r.AddCookie(c)
		}
		return r
	}
	w := httptest.NewRecorder()
	j.api.ServeHTTP(w, request())
	j.asked++
	j.cookies = append(j.cookies, w.Result().Cookies()...)
	refuse := func(of string, all []*errors.ValidationError) {
		for _, e := range all {
			j.t.Errorf("%s of %s %s, %d: %s %s %v", of, method, path, w.Code, e.Message, e.Reason, e.SchemaValidationErrors)
		}
	}
	if ok, all := j.judge.ValidateHttpRequest(request()); !ok && w.Code < 400 {
		refuse("the request", all)
	} else if ok && w.Code == http.StatusBadRequest {
		j.t.Errorf("%s %s: refused, and the document allows it: %s", method, path, w.Body)
	}
	if ok, all := j.judge.ValidateHttpResponse(request(), w.Result()); !ok {
		refuse("the answer", all)
	}
	_ = json.Unmarshal(w.Body.Bytes(), &answer) // most answers have no redirect
	return answer
}

func TestTheAdminAPIAnswersAsItsDocumentIsReadByOthers(t *testing.T) {
	text, err := os.ReadFile("../../docs/admin-api.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	judge, faults := validator.NewValidator(document)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	if ok, all := judge.ValidateDocument(); !ok {
		t.Fatalf("it is no OpenAPI 3.1: %v", all)
	}
	ctx := context.Background()
	org := fullcasttest.NewOrg(t, fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer sf.Close(ctx)
	j := &judgedAPI{t: t, judge: judge, right: fullcast.RightOperate}
	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) {
		return fullcast.AdminUser{Tenant: "acme", Right: j.right}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	j.api = http.StripPrefix("/api/salesforce", api)
	key, secret, err := org.Credentials("Fullcast")
	if err != nil {
		t.Fatal(err)
	}
	const at = "/connections/main"
	entries, none := map[string]string{"loginHost": org.InstanceURL(), "consumerKey": key, "consumerSecret": secret}, map[string]string{}

	j.ask("GET", "/connections", nil)
	j.ask("GET", at, nil)
	j.ask("GET", "/guide?host=acme.my.salesforce.com", nil)
	j.ask("GET", "/guide?kind=ConnectedApp", nil)
	page := org.Login(ctx, j.ask("POST", at+"/login", entries).Redirect)
	j.ask("POST", "/complete", map[string]string{"path": page.Path, "query": page.RawQuery})
	j.ask("GET", "/connections", nil)
	for _, path := range []string{"/check", "/diagnosis", "/migration/finish"} {
		j.ask("POST", at+path, none)
	}
	j.ask("GET", at+"/migration", nil)
	j.ask("POST", at+"/migration", entries)
	j.ask("PUT", at+"/credentials", map[string]string{"consumerSecret": "mistyped"})
	j.ask("PUT", at+"/credentials", map[string]string{"consumerSecret": secret})
	j.ask("POST", at+"/login", map[string]string{"loginHost": "acme.example.com"})
	j.right = fullcast.RightView
	j.ask("DELETE", at, nil)
	j.right = fullcast.RightOperate
	j.ask("DELETE", at, nil)
	if j.asked != 17 || !slices.ContainsFunc(j.cookies, func(c *http.Cookie) bool { return c.Name == "__Host-sfauth-login" }) {
		t.Errorf("%d requests", j.asked)
	}
}
