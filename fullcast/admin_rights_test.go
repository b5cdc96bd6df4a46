package fullcast_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

// adminCalls are one request of each route, about the connection {name}, in an order in which none takes away what a later one needs.
var adminCalls = []struct {
	method, path string
	right        fullcast.AdminRight
	body         any
	allowed      int // status for who has the right
	foreign      int // status for another tenant, which has no connection
}{
	{"GET", "/connections", fullcast.RightView, nil, 200, 200},
	{"GET", "/connections/{name}", fullcast.RightView, nil, 200, 404},
	{"GET", "/connections/{name}/migration", fullcast.RightView, nil, 200, 404},
	{"GET", "/guide", fullcast.RightView, nil, 200, 200},
	{"POST", "/connections/{name}/login", fullcast.RightConnect, form{}, 200, 422},  // which would be a new connection, and nothing is entered
	{"POST", "/connections/{name}/migration", fullcast.RightConnect, nil, 200, 404}, // with the org's entries
	{"POST", "/connections/{name}/migration/finish", fullcast.RightConnect, nil, 404, 404},
	{"POST", "/complete", fullcast.RightConnect, form{"path": "/app/admin/motion", "query": "code=x&state=y"}, 409, 409},
	{"POST", "/connections/{name}/check", fullcast.RightOperate, nil, 200, 404},
	{"POST", "/connections/{name}/diagnosis", fullcast.RightOperate, nil, 200, 404},
	{"PUT", "/connections/{name}/credentials", fullcast.RightOperate, nil, 200, 404}, // with the org's entries
	{"DELETE", "/connections/{name}", fullcast.RightOperate, nil, 204, 404},
}

func TestEachRouteIsForWhoHasItsRightAndForTheTenantsOwnConnections(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	rights := []fullcast.AdminRight{"", fullcast.RightView, fullcast.RightConnect, fullcast.RightOperate}
	calls := 0
	for _, c := range adminCalls {
		call, ok := d.doc.call(c.method, c.path)
		if !ok || call.Right != string(c.right) {
			t.Errorf("%s %s is documented for %q", c.method, c.path, call.Right)
		}
		body := c.body
		if c.path == "/connections/{name}/migration" && c.method == "POST" || c.method == "PUT" {
			body = d.entries("Fullcast")
		}
		for _, right := range rights {
			for _, tenant := range []string{"", "acme", "globex"} {
				d.user = fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightOperate}
				if d.ask("GET", "/connections/main", nil).status == 404 {
					d.connect("main")
				}
				d.user = fullcast.AdminUser{Tenant: tenant, Right: right}
				got := d.ask(c.method, strings.ReplaceAll(c.path, "{name}", "main"), body)
				calls++
				want := c.allowed
				switch {
				case tenant == "":
					want = http.StatusUnauthorized
				case slices.Index(rights, right) < slices.Index(rights, c.right):
					want = http.StatusForbidden
				case tenant == "globex":
					want = c.foreign
				}
				if got.status != want {
					t.Errorf("%s %s by %q of %q: %d, want %d: %s", c.method, c.path, right, tenant, got.status, want, got.text)
				}
				if tenant != "acme" && (strings.Contains(got.text, d.entries("Fullcast")["consumerKey"]) || strings.Contains(got.text, d.org.ID())) {
					t.Errorf("%s %s shows %q something of acme's: %s", c.method, c.path, tenant, got.text)
				}
				if strings.Contains(got.text, "secret words") {
					t.Errorf("the session's error is shown: %s", got.text)
				}
			}
		}
	}
	if calls != len(adminCalls)*len(rights)*3 {
		t.Errorf("%d requests", calls)
	}
}

// A handler that has lost its session's value must not see the connections of all tenants.
func TestASessionWithoutATenantIsNone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, func(c *fullcast.AdminConfig) {
		c.Session = func(*http.Request) (fullcast.AdminUser, error) {
			return fullcast.AdminUser{Right: fullcast.RightOperate}, nil
		}
	})
	for _, c := range adminCalls {
		d.ask(c.method, strings.ReplaceAll(c.path, "{name}", "main"), c.body).is(401, "not-signed-in")
	}
}

// The routes are those of the document, no more and no fewer.
func TestTheDocumentNamesEveryRouteAndMethod(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	documented, served := []string{}, fullcast.AdminRoutes(d.sf)
	for path, methods := range d.doc.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(documented)
	slices.Sort(served)
	if !slices.Equal(documented, served) {
		t.Errorf("documented: %q\nserved: %q", documented, served)
	}
	if len(adminCalls) != len(served) {
		t.Errorf("the table of rights has %d of %d routes", len(adminCalls), len(served))
	}
	for path := range d.doc.Paths {
		allow := []string{}
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			_, ok := d.doc.call(method, path)
			if ok {
				allow = append(allow, method)
				continue
			}
			got := d.ask(method, strings.ReplaceAll(path, "{name}", "main"), nil)
			if got.status != 405 || method != "HEAD" && got.at("error.code") != "method" {
				t.Errorf("%s %s: %d %s", method, path, got.status, got.text)
			}
			for _, m := range strings.Split(got.header.Get("Allow"), ", ") {
				if _, ok := d.doc.call(m, path); !ok {
					t.Errorf("%s allows %s", path, m)
				}
			}
		}
		got := d.ask("BREW", strings.ReplaceAll(path, "{name}", "main"), nil)
		slices.Sort(allow)
		if got.header.Get("Allow") != strings.Join(allow, ", ") {
			t.Errorf("%s allows %s, want %s", path, got.header.Get("Allow"), allow)
		}
	}
	for _, path := range []string{"", "/", "/connections/", "/connections/main/", "/connections//login", "/connection", "/connections/a/b", "/guide/x",
		"/connections/main/login/x", "/../connections", "/connections/main/../login", "//connections", "/connections/%2e%2e/x", "/connections/%zz"} {
		if strings.Contains(path, "%zz") {
			continue // no server hands such an address on
		}
		got := d.ask("GET", path, nil)
		if got.status != 404 && got.status != 405 {
			t.Errorf("%s: %d", path, got.status)
		}
	}
}

func TestHeadIsAnsweredAsGetWithoutTheBody(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if got := d.ask("HEAD", "/guide", nil); got.status != 200 || got.text != "" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %q %v", got.status, got.text, got.header)
	}
}
