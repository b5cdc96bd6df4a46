package fullcast_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A service's own pages, tested without an org and without a network.
func ExampleConnector_CallbackMiddleware() {
	ctx := context.Background()
	org := simulatedOrg()
	consumerKey, consumerSecret, err := org.Credentials("Fullcast")
	check(err)

	// The service, with the org in place of the network.
	sf, service := newService(org.RoundTripper())
	redirect := connectPage(ctx, sf, org.InstanceURL(), consumerKey, consumerSecret)

	// The admin logs in and allows access; the browser comes back to the service.
	landed, err := org.Approve(ctx, redirect)
	check(err)
	answer := httptest.NewRecorder()
	service.ServeHTTP(answer, httptest.NewRequest("GET", landed, nil))
	fmt.Println(answer.Code, answer.Header().Get("Location"))

	// What goes wrong one day.
	conn, err := sf.Open(ctx, oauthflow.Key{Tenant: "acme", Name: "main"})
	check(err)
	org.ExpireSessions() // the next call refreshes, and succeeds
	check(org.Inject(orgtest.Fault{Path: "/services/data/v66.0/limits", Status: 503}))
	resp, err := conn.HTTPClient().Get(org.InstanceURL() + "/services/data/v66.0/limits")
	check(err)
	fmt.Println(resp.Status)
	// Output:
	// 303 /app/admin/motion
	// 503 Service Unavailable
}

// newService is a service's own code: a connector and its pages.
func newService(transport http.RoundTripper) (*fullcast.Connector, http.Handler) {
	keys, err := oauthflow.NewKeys(oauthflow.GenerateSealingKey("2026-11"))
	check(err)
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: oauthflow.NewMemoryStore(), Keys: keys, Transport: transport,
	})
	check(err)
	callbacks, err := sf.CallbackMiddleware(fullcast.CallbackConfig{
		Session: func(*http.Request) (tenant, binding string, err error) { return "acme", sessionCookie, nil },
	})
	check(err)
	return sf, callbacks(http.NotFoundHandler())
}

// connectPage is a service's own code: it takes what the admin has entered and returns where the browser is sent.
func connectPage(ctx context.Context, sf *fullcast.Connector, loginHost, consumerKey, consumerSecret string) string {
	host, err := oauthflow.ParseHost(loginHost)
	check(err)
	redirect, err := sf.Begin(ctx, oauthflow.Key{Tenant: "acme", Name: "main"}, fullcast.BeginOptions{
		Client:  oauthflow.Client{Host: host, ID: consumerKey, Secret: oauthflow.NewSecret(consumerSecret)},
		Binding: sessionCookie,
	})
	check(err)
	return redirect
}
