package byhand_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/examples/byhand"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// fault is something that goes wrong, as a script over a connection that works.
type fault struct {
	name   string
	extra  bool                               // not in the README
	login  func(*fullcasttest.Org) byhand.App // default the org's My Domain
	change func(*orgtest.Config)              // of an org as it is made by default: refresh tokens rotate
	happen func(w *scene) *process            // what happens, to its end; the process that is left
}

func myDomain(org *fullcasttest.Org) byhand.App {
	c := org.Client()
	return byhand.App{Host: c.Host.String(), ID: c.ID, Secret: c.Secret.Reveal()}
}

func genericHost(org *fullcasttest.Org) byhand.App {
	a := myDomain(org)
	a.Host = org.LoginHost()
	return a
}

const policies, oauthPolicy, globalOAuth = "ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "ExtlClntAppGlobalOauthSettings"

// worked is a process that has worked so long.
func (w *scene) worked(d time.Duration) *process {
	p := w.start()
	p.work(d)
	return p
}

// The faults, in the order of the table.
var faults = []fault{
	{name: "Two processes find the session ended at once", happen: func(w *scene) *process {
		w.org.ExpireSessions()
		first, second := w.start(), w.start()
		defer second.end()
		var both sync.WaitGroup // have sent the ended access token, before one of them refreshes
		both.Add(2)
		for _, p := range []*process{first, second} {
			var once sync.Once
			p.hold = func(req *http.Request) {
				if !isToken(req) {
					once.Do(both.Done)
					both.Wait()
				}
			}
		}
		var calls sync.WaitGroup
		calls.Go(first.call)
		calls.Go(second.call)
		calls.Wait()
		first.hold, second.hold = nil, nil
		first.work(time.Hour)
		return first
	}},
	{name: "The process dies when Salesforce has answered a refresh", happen: func(w *scene) *process {
		w.org.ExpireSessions()
		first := w.start()
		first.lose = isToken
		first.call()
		first.end()
		second := w.start()
		second.work(2 * time.Hour)
		return second
	}},
	{name: "A gateway answers 503 when Salesforce has refreshed", happen: func(w *scene) *process {
		must(w.t, w.org.Inject(orgtest.Fault{GrantType: "refresh_token", Status: http.StatusServiceUnavailable, Acts: true}))
		w.org.ExpireSessions()
		return w.worked(2 * time.Hour)
	}},
	{name: "A JWT ends", login: func(org *fullcasttest.Org) byhand.App {
		if err := org.SetAppField(globalOAuth, "Fullcast_glbloauth", "isNamedUserJwtEnabled", "true"); err != nil {
			panic(err)
		}
		return myDomain(org)
	}, happen: func(w *scene) *process {
		w.org.ExpireSessions()
		return w.worked(2 * time.Hour)
	}},
	{name: "The My Domain is renamed, and redirects", happen: func(w *scene) *process {
		must(w.t, w.org.RenameMyDomain("acme-corp"))
		return w.worked(2 * time.Hour)
	}},
	{name: "The same, and the connection was made at login.salesforce.com", extra: true, login: genericHost, happen: func(w *scene) *process {
		must(w.t, w.org.RenameMyDomain("acme-corp"))
		return w.worked(2 * time.Hour)
	}},
	{name: "login.salesforce.com redirects token requests, with 302", login: genericHost, happen: func(w *scene) *process {
		must(w.t, w.org.RedirectLoginPool(http.StatusFound))
		w.org.ExpireSessions()
		return w.worked(2 * time.Hour)
	}},
	{name: "login.salesforce.com redirects token requests, with 307", extra: true, login: genericHost, happen: func(w *scene) *process {
		must(w.t, w.org.RedirectLoginPool(http.StatusTemporaryRedirect))
		w.org.ExpireSessions()
		return w.worked(2 * time.Hour)
	}},
	{name: "Nobody uses the connection for 31 days", happen: func(w *scene) *process {
		for range 31 { // the process of a service that is up for ten minutes a day, to keep the test short
			p := w.start()
			time.Sleep(10 * time.Minute)
			p.end()
			time.Sleep(24*time.Hour - 10*time.Minute)
		}
		w.org.ExpireSessions()
		return w.worked(2 * time.Hour)
	}},
	{name: "The consumer secret is changed, and entered an hour later", happen: func(w *scene) *process {
		w.changeSecret()
		w.org.ExpireSessions()
		p := w.worked(time.Hour)
		must(w.t, p.SetApp(w.t.Context(), tenant, myDomain(w.org)))
		p.work(time.Hour)
		return p
	}},
	{name: "The app is blocked for an hour", happen: func(w *scene) *process {
		must(w.t, w.org.Block("Fullcast"))
		p := w.worked(time.Hour)
		must(w.t, w.org.Unblock("Fullcast"))
		p.work(time.Hour)
		return p
	}},
	{name: "Permitted Users is changed for an hour", happen: func(w *scene) *process {
		must(w.t, w.org.SetAppField(policies, oauthPolicy, "permittedUsersPolicyType", "AdminApprovedPreAuthorized"))
		w.org.ExpireSessions()
		p := w.worked(time.Hour)
		must(w.t, w.org.SetAppField(policies, oauthPolicy, "permittedUsersPolicyType", "AllSelfAuthorized"))
		p.work(time.Hour)
		return p
	}},
	{name: "The user is frozen for an hour", extra: true, happen: func(w *scene) *process {
		must(w.t, w.org.SetUser(orgtest.User{Username: "admin@acme.example", Frozen: true}))
		p := w.worked(time.Hour)
		must(w.t, w.org.SetUser(orgtest.User{Username: "admin@acme.example"}))
		p.work(time.Hour)
		return p
	}},
}

func run(t *testing.T, f fault, s side) (r result) {
	if f.login == nil {
		f.login = myDomain
	}
	if f.change == nil {
		f.change = func(*orgtest.Config) {}
	}
	synctest.Test(t, func(t *testing.T) {
		w := newScene(t, s, f.change, f.login)
		w.requests.Store(0)
		p := f.happen(w)
		r.lost = w.lost(p)
		r.requests, r.failed, r.told = int(w.requests.Load()), w.failed, w.told
		p.end()
	})
	return r
}

type result struct {
	requests, failed int
	lost             bool
	told             string
}
