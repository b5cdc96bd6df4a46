package fullcast_test

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// Every answer that the document promises is given by this walk, and every answer of every test is one that it promises; see desk.
func TestEveryAnswerOfTheDocumentIsGiven(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	each := func(with func(method, path string, body any) reply) {
		for _, c := range adminCalls {
			body := c.body
			if strings.HasSuffix(c.path, "/migration") && c.method == "POST" || c.method == "PUT" {
				body = d.entries("Fullcast")
			}
			with(c.method, strings.ReplaceAll(c.path, "{name}", "main"), body)
		}
	}
	signedIn := d.user
	d.user = fullcast.AdminUser{}
	each(d.ask)
	d.user = fullcast.AdminUser{Tenant: "acme"}
	each(d.ask)
	d.user = signedIn
	each(d.ask) // there is no connection
	d.header = http.Header{"Content-Type": {"text/plain"}}
	each(d.ask)
	d.header = http.Header{}
	for _, body := range []string{"{", `{"unknown":""}`, `{"x":"` + strings.Repeat("x", 17<<10) + `"}`} {
		each(func(method, path string, _ any) reply { return d.ask(method, path, body) })
	}
	d.ask("GET", "/guide?kind=none", nil).is(422, "")

	callback := d.approved(d.ask("POST", "/connections/main/login", d.entries("Fullcast")))
	d.header = http.Header{"Sec-Purpose": {"prefetch"}}
	d.ask("POST", "/complete", callback).is(204, "")
	d.header = http.Header{}
	d.ask("POST", "/complete", callback).is(200, "")
	each(d.ask)

	d.former("main")
	if err := d.org.Block("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	each(func(method, path string, body any) reply { // a connected app that is blocked
		if method == "DELETE" {
			return reply{}
		}
		if strings.HasSuffix(path, "/login") {
			body = form{}
		}
		return d.ask(method, path, body)
	})
	if err := d.org.Unblock("Fullcast_Motion_Package"); err != nil {
		t.Fatal(err)
	}
	d.finishings()

	limited := newDesk(t, func(c *fullcast.AdminConfig) { c.LoginsPerHour = 1 })
	limited.connect("main")
	each(limited.ask)

	if err := d.sf.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	each(d.ask)

	seen := maps.Clone(d.seen)
	maps.Copy(seen, limited.seen)
	for path, methods := range d.doc.Paths {
		for method, call := range methods {
			for status := range call.Responses {
				if status != "default" && !seen[call.OperationID+" "+status] {
					t.Errorf("%s %s never answers %s", method, path, status)
				}
			}
		}
	}
	if len(seen) < 80 {
		t.Errorf("only %d answers: %q", len(seen), slices.Sorted(maps.Keys(seen)))
	}
}

// finishings are a migration whose proof the org refuses, and its end.
func (d *desk) finishings() {
	d.t.Helper()
	begun := d.ask("POST", "/connections/main/migration", d.entries("Fullcast"))
	if err := d.org.Inject(orgtest.Fault{
		Path: "/services/data/v66.0/query", Status: 403, Times: 2, Body: `[{"errorCode":"API_DISABLED_FOR_ORG","message":"off"}]`,
		Header: http.Header{"Content-Type": {"application/json"}},
	}); err != nil {
		d.t.Fatal(err)
	}
	d.ask("POST", "/complete", d.approved(begun)).is(409, "")
	d.ask("POST", "/connections/main/migration/finish", nil).is(409, "")
	d.ask("POST", "/connections/main/migration/finish", nil).is(200, "")
}
