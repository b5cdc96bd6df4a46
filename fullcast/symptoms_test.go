package fullcast_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// patient is what happened to a connection, and the deed whose outcome is judged.
type patient struct {
	*world
	t    *testing.T
	conn *fullcast.Connection
}

func (p *patient) inject(path string, status int, body string, header ...string) {
	p.t.Helper()
	h := http.Header{"Content-Type": {"application/json;charset=UTF-8"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	if err := p.org.Inject(orgtest.Fault{Path: path, Times: -1, Status: status, Header: h, Body: body}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) api(status int, body string, header ...string) {
	p.inject("/services/data/v66.0/query", status, body, header...)
}

func (p *patient) rename(r orgtest.Rename) {
	p.t.Helper()
	r.Name = "acme-corp"
	if err := p.org.Rename(r); err != nil {
		p.t.Fatal(err)
	}
}

const (
	malformedJWT = `[{"message":"INVALID_JWT_FORMAT","errorCode":"INVALID_AUTH_HEADER"}]`
	usedUp       = `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`
	blockPage    = `<!DOCTYPE html><html><body>Blocked by policy 0815</body></html>`
)

// symptom is what happens to a connection, and what is wanted of a deed after it.
type symptom struct {
	name    string
	jwt     bool // the app issues JWT-based access tokens
	generic bool // the admin has connected at login.salesforce.com
	happens func(*patient)
	deed    func(*patient) error // nil: a query over HTTP
	kind    oauthflow.ErrorKind  // empty: the deed works
	remedy  fullcast.Remedy
	actor   fullcast.Actor
	api     int // requests for the API,
	token   int // and for the token endpoint
	says    string
	wants   oauthflow.Status // of the connection afterwards; empty: active
}

// Each row is what Salesforce or the network does, and what a service and the people behind it get for it.
func TestWhatHappensToAConnectionIsToldWithItsKindRemedyAndActorAndCostsAsFewRequests(t *testing.T) {
	for _, r := range slices.Concat(settings, callbacks, []symptom{
		// Ended sessions and refusals.
		{name: "an ended session", happens: func(p *patient) { p.org.ExpireSessions() }, api: 2, token: 1},
		{name: "an ended JWT", jwt: true, happens: func(p *patient) { p.org.ExpireSessions() }, api: 2, token: 1},
		{name: "JWTs that are refused, fresh ones too", jwt: true, happens: func(p *patient) { p.api(401, malformedJWT) },
			kind: oauthflow.KindFreshRefused, remedy: fullcast.AdminClearsJWT, actor: fullcast.ActorAdmin, api: 2, token: 1},
		{name: "JWTs that are refused, as XML", jwt: true, happens: func(p *patient) {
			p.api(401, `<?xml version="1.0" encoding="UTF-8"?><Errors><Error><errorCode>INVALID_AUTH_HEADER</errorCode><message>INVALID_JWT_FORMAT</message></Error></Errors>`, "Content-Type", "application/xml")
		}, kind: oauthflow.KindFreshRefused, remedy: fullcast.AdminClearsJWT, actor: fullcast.ActorAdmin, api: 2, token: 1},
		{name: "a malformed query", happens: func(p *patient) { p.api(400, `[{"message":"unexpected token","errorCode":"MALFORMED_QUERY"}]`) }, deed: overResty,
			kind: oauthflow.KindInvalid, remedy: fullcast.FixCode, actor: fullcast.ActorProgrammer, api: 1},
		{name: "a row that another request holds", happens: func(p *patient) {
			p.api(400, `[{"message":"unable to obtain exclusive access","errorCode":"UNABLE_TO_LOCK_ROW"}]`)
		},
			deed: overResty, kind: oauthflow.KindBusy, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1},
		{name: "the words for a JWT, of an opaque token", happens: func(p *patient) { p.api(401, malformedJWT) }, deed: overResty,
			kind: oauthflow.KindInvalid, remedy: fullcast.FixCode, actor: fullcast.ActorProgrammer, api: 1},
		{name: "a JWT without the API's scope", jwt: true, happens: func(p *patient) {
			p.api(401, `[{"message":"INVALID_SCOPES","errorCode":"INVALID_AUTH_HEADER"}]`)
		}, deed: overResty, kind: oauthflow.KindScope, remedy: fullcast.AdminFixesApp, actor: fullcast.ActorAdmin, api: 1},
		{name: "the API limit, as XML", happens: func(p *patient) {
			p.api(403, `<?xml version="1.0" encoding="UTF-8"?><Errors><Error><errorCode>REQUEST_LIMIT_EXCEEDED</errorCode><message>TotalRequests Limit exceeded.</message></Error></Errors>`, "Content-Type", "application/xml")
		}, deed: overResty, kind: oauthflow.KindLimit, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, wants: oauthflow.StatusSuspended},
		{name: "the API limit, as one object", happens: func(p *patient) { p.api(403, strings.Trim(usedUp, "[]")) }, deed: overResty,
			kind: oauthflow.KindLimit, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, wants: oauthflow.StatusSuspended},
		{name: "the API limit, with a byte order mark", happens: func(p *patient) { p.api(403, "\ufeff"+usedUp) }, deed: overResty,
			kind: oauthflow.KindLimit, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, wants: oauthflow.StatusSuspended},
		{name: "a firewall's page in place of the API", happens: func(p *patient) { p.api(403, blockPage, "Content-Type", "text/html") }, deed: overResty,
			kind: oauthflow.KindUnknownAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1},
		{name: "a firewall's page with the status of an expired org", happens: func(p *patient) {
			p.api(420, `<html><body>Your license has expired</body></html>`, "Content-Type", "text/html")
		}, deed: overResty, kind: oauthflow.KindUnknownAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1},
		{name: "an org without data, which has expired or is not available", happens: func(p *patient) {
			p.api(420, `<html><body>The data you were trying to access could not be found.</body></html>`, "Content-Type", "text/html")
		}, deed: overResty, kind: oauthflow.KindBusy, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1},
		{name: "a maintenance page with status 200 in place of data", happens: func(p *patient) {
			p.api(200, `<html><body>We are down for maintenance</body></html>`, "Content-Type", "text/html")
		}, deed: intoAResult, kind: oauthflow.KindBadAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, says: "a page for people"},
		{name: "a login page in place of the API, after a redirect", happens: func(p *patient) {
			p.api(302, "", "Location", "/secur/login?startURL=x")
			p.inject("/secur/login", 200, `<html><body>Log in</body></html>`, "Content-Type", "text/html")
		}, deed: overResty, kind: oauthflow.KindBadAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, says: "login page"},
		{name: "a firewall's refusal without a word", happens: func(p *patient) { p.api(403, "", "Content-Type", "text/html") }, deed: overResty,
			kind: oauthflow.KindUnknownAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1},
		{name: "a proxy that sends token requests to its login page", happens: func(p *patient) {
			p.org.ExpireSessions()
			p.inject("/services/oauth2/token", 302, "", "Location", "https://proxy.example/login")
		}, kind: oauthflow.KindUnknownAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, token: 1},
		{name: "a firewall's page in place of the token endpoint", happens: func(p *patient) {
			p.org.ExpireSessions()
			p.inject("/services/oauth2/token", 401, blockPage, "Content-Type", "text/html")
		}, kind: oauthflow.KindUnknownAnswer, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, token: 1},
		{name: "a refusal whose body was read", happens: func(p *patient) { p.api(403, usedUp) }, deed: func(p *patient) error {
			resp, err := p.conn.HTTPClient().Get(p.org.InstanceURL() + "/services/data/v66.0/query")
			if err != nil {
				return err
			}
			resp.Body.Close()
			return p.conn.ResponseError(resp)
		}, kind: oauthflow.KindInvalid, remedy: fullcast.FixCode, actor: fullcast.ActorProgrammer, api: 1, wants: oauthflow.StatusSuspended},

		// Hosts.
		{name: "a renamed My Domain", happens: func(p *patient) { p.rename(orgtest.Rename{}) }, api: 2, token: 2},
		{name: "a renamed My Domain, the old name is gone", generic: true, happens: func(p *patient) { p.rename(orgtest.Rename{Gone: true}) }, api: 2, token: 1},
		{name: "a renamed My Domain, the old host refuses by a code", generic: true, happens: func(p *patient) {
			p.rename(orgtest.Rename{Unserved: orgtest.UnservedCode})
		}, api: 2, token: 1},
		{name: "a renamed My Domain, the old host answers with a page", generic: true, happens: func(p *patient) {
			p.rename(orgtest.Rename{Unserved: orgtest.UnservedPage, Status: 410})
		}, api: 2, token: 1},
		{name: "a renamed My Domain, of which the login host knows nothing", happens: func(p *patient) {
			p.rename(orgtest.Rename{Unserved: orgtest.UnservedCode})
		}, deed: overResty, kind: oauthflow.KindInvalid, remedy: fullcast.FixConfiguration, actor: fullcast.ActorAdmin, api: 1, token: 1,
			says: "URL_NOT_RESET", wants: oauthflow.StatusSuspended},
		{name: "a record that does not exist", happens: func(p *patient) {
			p.api(404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
		}, deed: overResty, kind: oauthflow.KindInvalid, remedy: fullcast.FixCode, actor: fullcast.ActorProgrammer, api: 1},
		{name: "a renamed My Domain, and the grant is dead", happens: func(p *patient) { p.rename(orgtest.Rename{RevokeTokens: true}) },
			kind: oauthflow.KindGrantDead, remedy: fullcast.AdminConnectsMyDomain, actor: fullcast.ActorAdmin, api: 1, token: 2,
			says: "My Domain changed to acme-corp.my.salesforce.com", wants: oauthflow.StatusBroken},
		{name: "a renamed My Domain, and a body that cannot be read again", happens: func(p *patient) { p.rename(orgtest.Rename{}) }, deed: func(p *patient) error {
			req, err := http.NewRequest("POST", "https://acme.my.salesforce.com/services/data/v66.0/query", io.NopCloser(strings.NewReader("{}")))
			if err != nil {
				return err
			}
			resp, err := p.conn.HTTPClient().Do(req)
			if err == nil {
				resp.Body.Close()
			}
			return err
		}, kind: oauthflow.KindInvalid, remedy: fullcast.FixCode, actor: fullcast.ActorProgrammer, api: 1, token: 2},
		{name: "a token endpoint that redirects to the org's My Domain", generic: true, happens: func(p *patient) {
			p.org.ExpireSessions()
			if err := p.org.RedirectLoginPool(307); err != nil {
				p.t.Fatal(err)
			}
		}, api: 2, token: 2},
		{name: "a token endpoint that redirects to a site", happens: func(p *patient) {
			p.org.ExpireSessions()
			p.inject("/services/oauth2/token", 302, "", "Location", "https://acme.my.site.com/services/oauth2/token")
		}, kind: oauthflow.KindInvalid, remedy: fullcast.FixConfiguration, actor: fullcast.ActorAdmin, api: 1, token: 1, wants: oauthflow.StatusSuspended},

		// The end of a grant.
		{name: "a month without use", happens: func(p *patient) { time.Sleep(31 * 24 * time.Hour) },
			kind: oauthflow.KindGrantDead, remedy: fullcast.Reauthorize, actor: fullcast.ActorAdmin, api: 1, token: 1,
			says: "30 days without use", wants: oauthflow.StatusBroken},
		{name: "a dead grant, and the right new secret", happens: func(p *patient) {
			_, _, err := p.org.StageCredentials("Fullcast")
			if err := errors.Join(err, p.org.RevokeAll("Fullcast"), p.org.RotateCredentials("Fullcast")); err != nil {
				p.t.Fatal(err)
			}
		}, deed: func(p *patient) error {
			_, err := p.sf.UpdateCredentials(p.t.Context(), main, p.client(p.t, "Fullcast"))
			return err
		}, kind: oauthflow.KindGrantDead, remedy: fullcast.Reauthorize, actor: fullcast.ActorAdmin, token: 2, wants: oauthflow.StatusBroken},
		{name: "a gateway that fails after Salesforce has rotated for the first time", happens: func(p *patient) {
			p.org.ExpireSessions()
			if err := p.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Times: 1, Status: 503, Acts: true}); err != nil {
				p.t.Fatal(err)
			}
		}, deed: func(p *patient) error {
			if err := overHTTP(p); err == nil {
				return errors.New("the first call works")
			}
			time.Sleep(5 * time.Minute)
			err := overHTTP(p)
			for _, e := range p.org.Ledger() {
				if e.Outcome == "reuse" {
					return errors.New("a spent refresh token was sent while Salesforce could be asked")
				}
			}
			return err
		}, kind: oauthflow.KindNotSent, remedy: fullcast.Retry, actor: fullcast.ActorNobody, api: 1, token: 1, wants: oauthflow.StatusInDoubt},
	}) {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{RotateRefreshTokens: true})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				if r.jwt {
					if err := w.org.SetAppField("ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", "isNamedUserJwtEnabled", "true"); err != nil {
						t.Fatal(err)
					}
				}
				if r.generic {
					var err error
					if w.host, err = oauthflow.ParseHost("login.salesforce.com"); err != nil {
						t.Fatal(err)
					}
				}
				p := &patient{w, t, w.connect(t)}
				r.happens(p)
				api, token := w.rec.count("/services/data/v66.0/query"), w.rec.count("/services/oauth2/token")
				deed := r.deed
				if deed == nil {
					deed = overHTTP
				}
				judge(t, p, deed(p), r.kind, r.remedy, r.actor, r.says)
				if a, k := w.rec.count("/services/data/v66.0/query")-api, w.rec.count("/services/oauth2/token")-token; a != r.api || k != r.token {
					t.Errorf("%d requests for the API and %d for tokens, want %d and %d", a, k, r.api, r.token)
				}
				synctest.Wait()
				want := r.wants
				if want == "" {
					want = oauthflow.StatusActive
				}
				if now, err := p.conn.Status(t.Context()); err != nil || now.Status != want {
					t.Errorf("the connection is %q (%v), %v; want %q", now.Status, now.Fault, err, want)
				}
			})
		})
	}
}

// judge compares an outcome with a row.
func judge(t *testing.T, p *patient, err error, kind oauthflow.ErrorKind, remedy fullcast.Remedy, actor fullcast.Actor, says string) {
	t.Helper()
	if kind == "" {
		if err != nil {
			t.Errorf("got %v", err)
		}
		return
	}
	wantError(t, err, kind, remedy)
	var e *fullcast.Error
	if errors.As(err, &e) && e.Actor() != actor {
		t.Errorf("%q is to act, want %q", e.Actor(), actor)
	}
	if err != nil && !strings.Contains(err.Error()+fullcast.RemedyFor(err, metadata.KindExternalClientApp).String(), says) {
		t.Errorf("the text is %q, want %q in it", err, says)
	}
}

func overHTTP(p *patient) error {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	status, err := query(ctx, p.conn)
	if err == nil && status != http.StatusOK {
		return errors.New(http.StatusText(status))
	}
	return err
}

func intoAResult(p *patient) error {
	var into struct{ Records []any }
	_, err := p.conn.Resty().R().SetContext(p.t.Context()).SetResult(&into).Get("/services/data/v66.0/query")
	return err
}

func overResty(p *patient) error {
	_, err := p.conn.Resty().R().SetContext(p.t.Context()).SetQueryParam("q", "SELECT Id FROM Account").Get("/services/data/v66.0/query")
	return err
}
