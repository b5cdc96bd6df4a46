package fullcast

import (
	"context"
	"net/http/httptest"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
)

// AdminRoutes are the routes of [Connector.AdminAPI], each with its method.
func AdminRoutes(c *Connector) (all []string) {
	for _, r := range (&adminAPI{c: c}).routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// AdminListed is how many connections an answer of at most so many holds, and whether there are more.
func AdminListed(ctx context.Context, c *Connector, tenant string, most int) (names int, more bool) {
	r := adminhttp.Request{Request: httptest.NewRequestWithContext(ctx, "GET", "/connections", nil), User: adminhttp.User{Tenant: tenant}}
	list := (&adminAPI{c: c}).listed(r, most).Body.(adminList)
	return len(list.Connections), list.More
}
