package fullcast

import (
	"net/http"
	"slices"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/oauthflow"
)

// adminAPI is what the routes of [Connector.AdminAPI] do.
type adminAPI struct {
	c       *Connector
	names   []string
	regions []oauthflow.Region
	failed  func(*http.Request, error)
}

// Fields of a request's body.
const (
	inHost       = "loginHost"
	inKey        = "consumerKey"
	inSecret     = "consumerSecret"
	inPage       = "page"
	inLoginHint  = "loginHint"
	inPrompt     = "prompt"
	inExpectOrg  = "expectOrg"
	inExpectUser = "expectUser"
)

var loginFields = []string{inHost, inKey, inSecret, inPage, inLoginHint, inPrompt, inExpectOrg, inExpectUser}

// routes is the table that the documentation of [Connector.AdminAPI] and docs/admin-api.json repeat.
func (a *adminAPI) routes() []adminhttp.Route {
	const one = "/connections/{name}"
	return []adminhttp.Route{
		{Method: http.MethodGet, Path: "/connections", Right: adminhttp.View, Do: a.list},
		{Method: http.MethodGet, Path: one, Right: adminhttp.View, Do: a.stored(a.show)},
		{Method: http.MethodDelete, Path: one, Right: adminhttp.Operate, Do: a.stored(a.disconnect)},
		{Method: http.MethodPost, Path: one + "/login", Right: adminhttp.Connect, Login: true, Fields: loginFields, Do: a.login},
		{Method: http.MethodPut, Path: one + "/credentials", Right: adminhttp.Operate, Login: true,
			Fields: []string{inHost, inKey, inSecret}, Do: a.stored(a.updateCredentials)},
		{Method: http.MethodPost, Path: one + "/check", Right: adminhttp.Operate, Do: a.stored(a.check)},
		{Method: http.MethodPost, Path: one + "/diagnosis", Right: adminhttp.Operate, Do: a.stored(a.diagnose)},
		{Method: http.MethodGet, Path: one + "/migration", Right: adminhttp.View, Do: a.stored(a.planMigration)},
		{Method: http.MethodPost, Path: one + "/migration", Right: adminhttp.Connect, Login: true, Fields: loginFields, Do: a.stored(a.beginMigration)},
		{Method: http.MethodPost, Path: one + "/migration/finish", Right: adminhttp.Connect, Do: a.stored(a.finishMigration)},
		{Method: http.MethodPost, Path: "/complete", Right: adminhttp.Connect, Fields: []string{"path", "query"}, Do: a.complete},
		{Method: http.MethodGet, Path: "/guide", Right: adminhttp.View, Do: a.guide},
	}
}

// stored is a route of a connection that exists. The tenant is always the user's.
func (a *adminAPI) stored(do func(adminhttp.Request, oauthflow.Connection) adminhttp.Answer) func(adminhttp.Request) adminhttp.Answer {
	return func(r adminhttp.Request) adminhttp.Answer {
		k := keyOf(r)
		var now oauthflow.Connection
		err := error(&oauthflow.Error{Op: "load", Kind: oauthflow.KindNotConnected})
		if !isMigration(k) {
			now, err = a.c.Load(r.Context(), k)
		}
		if unusable(err) { // no connection can have such a name
			err = &oauthflow.Error{Op: "load", Kind: oauthflow.KindNotConnected}
		}
		if err != nil {
			return a.refuse(r, wrap("load", k, "", err))
		}
		return do(r, now)
	}
}

func keyOf(r adminhttp.Request) oauthflow.Key {
	return oauthflow.Key{Tenant: r.User.Tenant, Name: r.Name}
}

// mayMake reports whether a connection of that name may be made.
func (a *adminAPI) mayMake(name string) bool {
	return isConnectionName(name) && (len(a.names) == 0 || slices.Contains(a.names, name))
}

// refuse answers with an error.
func (a *adminAPI) refuse(r adminhttp.Request, err error) adminhttp.Answer {
	a.tell(r, err)
	return a.problem(err).Answer()
}

// tell tells the service of an error, of which the answer does not say all.
func (a *adminAPI) tell(r adminhttp.Request, err error) {
	if a.failed != nil {
		a.failed(r.Request, err)
	}
}
