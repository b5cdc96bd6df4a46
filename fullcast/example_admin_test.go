package fullcast_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
)

// A service mounts the admin API behind its own session. A page of it begins a login, and its callback page completes it.
func ExampleConnector_AdminAPI() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)

	api, err := sf.AdminAPI(fullcast.AdminConfig{
		Session: func(r *http.Request) (fullcast.AdminUser, error) { // in production: from the service's own session
			return fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightOperate}, nil
		},
		Names: []string{"main"},
	})
	check(err)
	pages := http.NewServeMux()
	pages.Handle("/api/salesforce/", http.StripPrefix("/api/salesforce", api))

	var cookies []*http.Cookie
	ask := func(method, path string, body map[string]string) (answer struct { // what fetch does in the browser
		Redirect, Choice, Status string
		Connected                bool
		Connection               struct{ Status string }
		Error                    struct {
			Code   string
			Remedy struct{ ID, Who string }
		}
	}) {
		text, err := json.Marshal(body)
		check(err)
		r := httptest.NewRequest(method, "https://app.fullcast.io/api/salesforce"+path, strings.NewReader(string(text)))
		r.Header.Set("Content-Type", "application/json")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		cookies = append(cookies, w.Result().Cookies()...)
		check(json.Unmarshal(w.Body.Bytes(), &answer))
		return answer
	}

	none := ask("GET", "/connections/main", nil)
	fmt.Println(none.Error.Code+":", none.Error.Remedy.ID, "by", none.Error.Remedy.Who)

	key, secret, err := org.Credentials("Fullcast") // in production: what the admin has entered
	check(err)
	login := ask("POST", "/connections/main/login", map[string]string{
		"loginHost": org.InstanceURL(), "consumerKey": key, "consumerSecret": secret,
	})
	page := org.Login(ctx, login.Redirect) // the admin's browser: it follows the redirect, logs in and allows access
	done := ask("POST", "/complete", map[string]string{"path": page.Path, "query": page.RawQuery})
	fmt.Println(login.Choice+":", done.Connected, done.Connection.Status)
	fmt.Println(ask("GET", "/connections/main", nil).Status)
	// Output:
	// not-connected: connect-again by admin
	// begin: true active
	// active
}

// A program that serves the callback pages on the API's host completes logins with the binding that the API has left there.
func ExampleConnector_AdminBinding() {
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(context.Background())
	callbacks, err := sf.CallbackMiddleware(fullcast.CallbackConfig{
		Session: func(r *http.Request) (tenant, binding string, err error) {
			return "acme", sf.AdminBinding(r), nil // in production: the tenant of the service's own session
		},
		Done: func(_ http.ResponseWriter, _ *http.Request, conn *fullcast.Connection, err error) {
			fmt.Println(conn.Key(), err)
		},
	})
	check(err)
	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) {
		return fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightConnect}, nil
	}})
	check(err)
	pages := http.NewServeMux()
	pages.Handle("/api/salesforce/", http.StripPrefix("/api/salesforce", api))
	pages.HandleFunc("GET /app/admin/motion", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "The page.") })

	browser := org.Browser(callbacks(pages))
	key, secret, err := org.Credentials("Fullcast")
	check(err)
	entries := fmt.Sprintf(`{"loginHost": %q, "consumerKey": %q, "consumerSecret": %q}`, org.InstanceURL(), key, secret)
	resp, err := browser.Post("https://app.fullcast.io/api/salesforce/connections/main/login", "application/json", strings.NewReader(entries))
	check(err)
	defer resp.Body.Close()
	var login struct{ Redirect string }
	check(json.NewDecoder(resp.Body).Decode(&login))
	back, err := browser.Get(login.Redirect) // location.assign(login.redirect)
	check(err)
	defer back.Body.Close()
	fmt.Println(back.Request.URL)
	// Output:
	// acme/main <nil>
	// https://app.fullcast.io/app/admin/motion
}
