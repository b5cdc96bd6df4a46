package adminui_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
)

// A service mounts the pages in front of its own. An admin connects an org on them.
func ExampleNew() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)

	session := func(r *http.Request) (fullcast.AdminUser, error) { // in production: from the service's own session
		return fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightOperate}, nil
	}
	service := http.NewServeMux() // the service's own pages
	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: session})
	check(err)
	pages, err := adminui.New(adminui.Config{API: api, Session: session, Site: fullcast.Production, SignIn: "/sign-in", Next: service})
	check(err)

	browser := org.Browser(pages)
	key, secret, err := org.Credentials("Fullcast") // in production: what the admin has copied from Setup
	check(err)
	resp, err := browser.PostForm("https://app.fullcast.io/salesforce/connect", url.Values{
		"login-host": {org.InstanceURL()}, "consumer-key": {key}, "consumer-secret": {secret},
	})
	check(err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	check(err)
	fmt.Println(resp.Status, resp.Request.URL)
	fmt.Println(strings.Contains(string(page), "The login at Salesforce is complete"), strings.Contains(string(page), "Active"))
	// Output:
	// 200 OK https://app.fullcast.io/app/admin/motion
	// true true
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
