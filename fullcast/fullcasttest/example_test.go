package fullcasttest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

var acme = oauthflow.Key{Tenant: "acme", Name: "main"}

// countUsers is a service's own code, which the tests are about.
func countUsers(ctx context.Context, sf *fullcast.Connector) (int, error) {
	conn, err := sf.Open(ctx, acme)
	if err != nil {
		return 0, err
	}
	var answer struct{ TotalSize int }
	_, err = conn.Resty().R().SetContext(ctx).SetResult(&answer).SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v" + fullcast.APIVersion.String() + "/query")
	return answer.TotalSize, err
}

// A test of what a service does with a connection.
func ExampleNewOrg() {
	t, ctx := log.Default(), context.Background() // in a test: its *testing.T, and t.Context()

	org := fullcasttest.NewOrg(t, fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer sf.Close(ctx)
	org.Connect(ctx, sf, acme)

	org.ExpireSessions() // the next call refreshes
	fmt.Println(countUsers(ctx, sf))
	if err := org.Block("Fullcast"); err != nil {
		t.Fatalf("%v", err)
	}
	_, err = countUsers(ctx, sf)
	var e *fullcast.Error
	fmt.Println(errors.As(err, &e) && e.Actor() == fullcast.ActorAdmin)
	// Output:
	// 1 <nil>
	// true
}

// An org with another My Domain and other users.
func ExampleConfig() {
	org := fullcasttest.NewOrg(log.Default(), fullcast.PreProduction, fullcasttest.Config(func(c *orgtest.Config) {
		c.MyDomain = "globex"
		c.Users = []orgtest.User{{Username: "integration@globex.example"}}
	}))
	fmt.Println(org.Client().Host)
	// Output: globex.my.salesforce.com
}

// A connection that older software has made is adopted, and can then be migrated.
func ExampleConnectedApp() {
	t, ctx := log.Default(), context.Background()
	org := fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.ConnectedApp())
	sf, err := fullcast.NewConnector(org.Config())
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer sf.Close(ctx)
	client, refreshToken := org.FormerConnection()
	conn, err := sf.Adopt(ctx, acme, client, refreshToken)
	if err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Println(conn.Kind())
	fmt.Println(countUsers(ctx, sf))
	// Output:
	// ConnectedApp
	// 1 <nil>
}

// A test of a service's pages: the browser follows the connect page to Salesforce, and ends on the page after the callback.
func ExampleOrg_Browser() {
	t, ctx := log.Default(), context.Background()
	org := fullcasttest.NewOrg(t, fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer sf.Close(ctx)

	// The service's own code.
	callbacks, err := sf.CallbackMiddleware(fullcast.CallbackConfig{Session: func(r *http.Request) (tenant, binding string, err error) {
		cookie, err := r.Cookie("__Host-session")
		if err != nil {
			return "", "", err
		}
		return "acme", cookie.Value, nil
	}})
	if err != nil {
		t.Fatalf("%v", err)
	}
	service := http.NewServeMux()
	service.HandleFunc("/salesforce/connect", func(w http.ResponseWriter, r *http.Request) {
		const session = "a random value of the session"
		http.SetCookie(w, &http.Cookie{Name: "__Host-session", Value: session, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
		redirect, err := sf.Begin(r.Context(), acme, fullcast.BeginOptions{Client: org.Client(), Binding: session})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, redirect, http.StatusSeeOther)
	})
	service.Handle("/app/", callbacks(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "connected") })))

	resp, err := org.Browser(service).Get("https://app.fullcast.io/salesforce/connect")
	if err != nil {
		t.Fatalf("%v", err)
	}
	resp.Body.Close()
	fmt.Println(resp.StatusCode, resp.Request.URL)
	fmt.Println(countUsers(ctx, sf))
	// Output:
	// 200 https://app.fullcast.io/app/admin/motion
	// 1 <nil>
}

// A unit test with httpmock: no org and no login. The connection is adopted, its session ends, and then its grant.
func ExampleResponders() {
	t, ctx := log.Default(), context.Background()
	mock := httpmock.NewMockTransport()
	org := fullcasttest.Responders(t, mock)
	org.API("GET", "/services/data/v"+fullcast.APIVersion.String()+"/query", httpmock.NewJsonResponderOrPanic(200, map[string]int{"totalSize": 3}))

	sf, err := fullcast.NewConnector(org.Config())
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer sf.Close(ctx)
	if _, err := sf.Adopt(ctx, acme, org.Client(), org.RefreshToken()); err != nil {
		t.Fatalf("%v", err)
	}
	fmt.Println(countUsers(ctx, sf))

	org.Set(fullcasttest.EndedSession)
	fmt.Println(countUsers(ctx, sf))

	org.Set(fullcasttest.EndedSession, fullcasttest.Refusal)
	_, err = countUsers(ctx, sf)
	var e *fullcast.Error
	if errors.As(err, &e) {
		fmt.Println(e.Actor(), "-", e.Remedy)
	}
	fmt.Println(mock.GetCallCountInfo()["POST https://acme.my.salesforce.com/services/oauth2/token"], "token requests")
	// Output:
	// 3 <nil>
	// 3 <nil>
	// admin - Connect the org again, as an admin of the org.
	// 3 token requests
}
