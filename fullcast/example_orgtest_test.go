package fullcast_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// A service's own pages, tested without an org and without a network.
func ExampleConnector_CallbackMiddleware() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	config := org.Config()
	sf, service := newService(config)

	// The admin's browser: the service's connect page, login and consent at Salesforce, and the callback page of the service.
	pages := http.NewServeMux()
	pages.Handle("/", service)
	pages.HandleFunc("/connect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, connectPage(ctx, sf, org.Client()), http.StatusSeeOther)
	})
	page, err := org.Browser(pages).Get(string(config.Site) + "/connect")
	check(err)
	page.Body.Close()
	fmt.Println(page.Request.URL.Path)

	// What goes wrong one day.
	conn, err := sf.Open(ctx, oauthflow.Key{Tenant: "acme", Name: "main"})
	check(err)
	org.ExpireSessions() // the next call refreshes, and succeeds
	limits := "/services/data/v" + fullcast.APIVersion.String() + "/limits"
	check(org.Inject(orgtest.Fault{Path: limits, Status: 503}))
	resp, err := conn.HTTPClient().Get(org.InstanceURL() + limits)
	check(err)
	fmt.Println(resp.Status)
	// Output:
	// /app/admin/motion
	// 503 Service Unavailable
}

// newService is a service's own code: a connector and its pages.
func newService(config fullcast.Config) (*fullcast.Connector, http.Handler) {
	sf, err := fullcast.NewConnector(config)
	check(err)
	callbacks, err := sf.CallbackMiddleware(fullcast.CallbackConfig{
		Session: func(*http.Request) (tenant, binding string, err error) { return "acme", sessionCookie, nil },
	})
	check(err)
	return sf, callbacks(http.NotFoundHandler())
}

// connectPage is a service's own code: it takes what the admin has entered and returns where the browser is sent.
func connectPage(ctx context.Context, sf *fullcast.Connector, entered oauthflow.Client) string {
	redirect, err := sf.Begin(ctx, oauthflow.Key{Tenant: "acme", Name: "main"}, fullcast.BeginOptions{Client: entered, Binding: sessionCookie})
	check(err)
	return redirect
}
