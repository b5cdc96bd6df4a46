package fullcast_test

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// verdicts says what each kind of refusal makes of a connection, and who has to do what, by the kind of its app. Where
// only one remedy stands it holds for both.
var verdicts = map[oauthflow.ErrorKind]struct {
	status        oauthflow.Status
	external, old fullcast.Remedy
	asked         bool // Salesforce is asked again with the same grant
}{
	oauthflow.KindGrantDead:     {oauthflow.StatusBroken, fullcast.Reauthorize, fullcast.Migrate, false},
	oauthflow.KindClient:        {oauthflow.StatusBroken, fullcast.FixConfiguration, fullcast.Migrate, true},
	oauthflow.KindAppMissing:    {oauthflow.StatusBroken, fullcast.RecreateApp, fullcast.Migrate, true},
	oauthflow.KindOrgGone:       {oauthflow.StatusBroken, fullcast.AdminConnectsOtherOrg, fullcast.Migrate, false},
	oauthflow.KindOrgChanged:    {oauthflow.StatusBroken, fullcast.RecreateApp, fullcast.Migrate, false},
	oauthflow.KindUserChanged:   {oauthflow.StatusBroken, fullcast.Reauthorize, fullcast.Migrate, false},
	oauthflow.KindIPRestricted:  {oauthflow.StatusSuspended, fullcast.AdminAllowsAddresses, fullcast.AdminAllowsAddresses, true},
	oauthflow.KindUserPolicy:    {oauthflow.StatusSuspended, fullcast.AdminFixesPolicy, fullcast.AdminFixesPolicy, true},
	oauthflow.KindAppPolicy:     {oauthflow.StatusSuspended, fullcast.AdminFixesPolicy, fullcast.AdminFixesPolicy, true},
	oauthflow.KindFreshRefused:  {oauthflow.StatusSuspended, fullcast.AdminFixesSessions, fullcast.AdminFixesSessions, true},
	oauthflow.KindNoRefresh:     {oauthflow.StatusSuspended, fullcast.AdminFixesApp, fullcast.AdminFixesApp, true},
	oauthflow.KindLimit:         {oauthflow.StatusSuspended, fullcast.Retry, fullcast.Retry, true},
	oauthflow.KindSession:       {oauthflow.StatusSuspended, fullcast.Retry, fullcast.Retry, true},
	oauthflow.KindScope:         {oauthflow.StatusSuspended, fullcast.AdminFixesApp, fullcast.AdminFixesApp, true},
	oauthflow.KindRedirect:      {oauthflow.StatusSuspended, fullcast.AdminFixesApp, fullcast.AdminFixesApp, true},
	oauthflow.KindPKCE:          {oauthflow.StatusSuspended, fullcast.ContactCSM, fullcast.ContactCSM, true},
	oauthflow.KindInvalid:       {oauthflow.StatusSuspended, fullcast.FixCode, fullcast.FixCode, true},
	oauthflow.KindDenied:        {oauthflow.StatusSuspended, fullcast.Reauthorize, fullcast.Reauthorize, true},
	oauthflow.KindIDToken:       {oauthflow.StatusSuspended, fullcast.Reauthorize, fullcast.Reauthorize, true},
	oauthflow.KindInDoubt:       {oauthflow.StatusInDoubt, fullcast.Retry, fullcast.Retry, true},
	oauthflow.KindBadAnswer:     {oauthflow.StatusInDoubt, fullcast.Retry, fullcast.Retry, true},
	oauthflow.KindNotSent:       {oauthflow.StatusActive, fullcast.Retry, fullcast.Retry, true},
	oauthflow.KindBusy:          {oauthflow.StatusActive, fullcast.Retry, fullcast.Retry, true}, // 429 and 503, as in maintenance
	oauthflow.KindUnknownAnswer: {oauthflow.StatusActive, fullcast.Retry, fullcast.Retry, true},
	oauthflow.KindStore:         {oauthflow.StatusActive, fullcast.FixService, fullcast.FixService, true},
	oauthflow.KindState:         {oauthflow.StatusActive, fullcast.Reauthorize, fullcast.Reauthorize, true},
	oauthflow.KindNotConnected:  {oauthflow.StatusActive, fullcast.Reauthorize, fullcast.Reauthorize, true},
	oauthflow.KindForeign:       {oauthflow.StatusActive, fullcast.FixService, fullcast.FixService, true},
	oauthflow.KindElsewhere:     {oauthflow.StatusActive, fullcast.FixService, fullcast.FixService, true},
}

func TestEveryKindHasItsStatusAndRemedyForEachKindOfApp(t *testing.T) {
	for _, k := range kinds(t) {
		want, ok := verdicts[k]
		if !ok {
			t.Errorf("nobody has decided about %q", k)
			continue
		}
		e := &oauthflow.Error{Op: "refresh", Host: "acme.my.salesforce.com", Kind: k}
		if k.Status() != want.status {
			t.Errorf("%s: %q, want %q", k, k.Status(), want.status)
		}
		if k.Terminal() == want.asked {
			t.Errorf("%s: asked again %v, want %v", k, !k.Terminal(), want.asked)
		}
		for app, remedy := range map[metadata.Kind]fullcast.Remedy{
			metadata.KindExternalClientApp: want.external, metadata.KindConnectedApp: want.old,
		} {
			if got := fullcast.RemedyOf(oauthflow.Connection{Kind: app, Fault: e}); got != remedy {
				t.Errorf("%s on an app of kind %s: %q, want %q", k, app, got, remedy)
			}
		}
	}
	if r := fullcast.RemedyOf(oauthflow.Connection{Status: oauthflow.StatusActive}); r != 0 {
		t.Errorf("a connection without a fault: %q", r)
	}
}

// refused are answers of the token endpoint, each with what it makes of a connection that is stored.
var refused = []struct {
	kind   oauthflow.ErrorKind
	status int
	body   string
	remedy fullcast.Remedy // 0: the kind's
}{
	{oauthflow.KindGrantDead, 400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`, 0},
	{oauthflow.KindClient, 400, `{"error":"invalid_client","error_description":"invalid client credentials"}`, 0},
	{oauthflow.KindAppMissing, 400, `{"error":"app_not_found","error_description":"External client app is not installed in this org"}`, 0},
	{oauthflow.KindOrgGone, 400, `{"error":"inactive_org","error_description":"inactive organization"}`, 0},
	{oauthflow.KindIPRestricted, 400, `{"error":"invalid_grant","error_description":"ip restricted"}`, 0},
	{oauthflow.KindUserPolicy, 400, `{"error":"invalid_grant","error_description":"inactive user"}`, fullcast.AdminActivatesUser},
	{oauthflow.KindUserPolicy, 400, `{"error":"invalid_app_access","error_description":"this app is blocked by admin"}`, fullcast.AdminUnblocksApp},
	{oauthflow.KindLimit, 403, `{"error":"login_rate_exceeded","error_description":"login rate exceeded"}`, 0},
	{oauthflow.KindBusy, 503, `<html>maintenance</html>`, 0},
}

func TestAConnectionsStatusFollowsWhatSalesforceAnswersForBothKindsOfApp(t *testing.T) {
	for _, app := range []metadata.Kind{metadata.KindExternalClientApp, metadata.KindConnectedApp} {
		for _, r := range refused {
			t.Run(string(app)+" "+r.body, func(t *testing.T) {
				var w *world
				if app == metadata.KindConnectedApp {
					var c oauthflow.Client
					var token oauthflow.Secret
					w, c, token = legacyWorld(t)
					if _, err := w.sf.Adopt(t.Context(), main, c, token); err != nil {
						t.Fatal(err)
					}
				} else {
					w = newWorld(t, config{})
					w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
					w.connect(t)
				}
				conn, err := w.sf.Open(t.Context(), main)
				if err != nil {
					t.Fatal(err)
				}
				w.org.ExpireSessions()
				if err := w.org.Inject(orgtest.Fault{
					Path: "/services/oauth2/token", Status: r.status, Body: r.body, Header: http.Header{"Content-Type": {"application/json"}},
				}); err != nil {
					t.Fatal(err)
				}
				if _, err := query(t.Context(), conn); err == nil {
					t.Fatal("the refresh was not refused")
				}
				want := verdicts[r.kind]
				remedy := want.external
				if app == metadata.KindConnectedApp {
					remedy = want.old
				}
				if r.remedy != 0 {
					remedy = r.remedy
				}
				now, err := conn.Status(t.Context())
				if err != nil || now.Status != want.status {
					t.Errorf("it is %q, %v; want %q", now.Status, err, want.status)
				}
				if want.status != oauthflow.StatusActive && fullcast.RemedyOf(now) != remedy {
					t.Errorf("the remedy is %q, want %q", fullcast.RemedyOf(now), remedy)
				}
				_, err = w.sf.Reconnect(t.Context(), main, fullcast.BeginOptions{Binding: session})
				if legacy := app == metadata.KindConnectedApp; errors.Is(err, fullcast.ErrMigrationRequired) != legacy {
					t.Errorf("Reconnect: %v", err)
				}
			})
		}
	}
}

// A suspended connection works again by the admin's switch alone: nobody calls anything of the SDK but what a service
// calls anyway.
func TestASuspendedConnectionHealsByItself(t *testing.T) {
	user := func(change func(*orgtest.User)) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			u := orgtest.User{Username: "admin@acme.example", FirstName: "Ada", LastName: "Admin"}
			change(&u)
			return o.SetUser(u)
		}
	}
	usual := user(func(*orgtest.User) {})
	policy := func(element, value string) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			return o.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", element, value)
		}
	}
	enabled := func(value string) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			return o.SetAppField("ExtlClntAppConfigurablePolicies", "Fullcast_plcy", "isEnabled", value)
		}
	}
	refuse := func(status int, body string) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			return o.Inject(orgtest.Fault{Path: "/services/oauth2/token", Times: 1, Status: status, Body: body})
		}
	}
	nothing := func(*orgtest.Org) error { return nil }
	for name, sw := range map[string]struct{ off, on func(*orgtest.Org) error }{
		"the user is frozen": {user(func(u *orgtest.User) { u.Frozen = true }), usual},
		"the address is restricted": {func(o *orgtest.Org) error {
			return errors.Join(user(func(u *orgtest.User) { u.LoginRanges = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} })(o),
				policy("ipRelaxationPolicyType", "Enforce")(o))
		}, usual},
		"the app is disabled":   {enabled("false"), enabled("true")},
		"the limit was reached": {refuse(403, `{"error":"login_rate_exceeded","error_description":"login rate exceeded"}`), nothing},
		// The simulator ends a blocked app's tokens; whether Salesforce does is not known.
		"the app is blocked and keeps its tokens": {refuse(400, `{"error":"OAUTH_APP_BLOCKED","error_description":"this app is blocked by admin"}`), nothing},
		"the user is deactivated":                 {user(func(u *orgtest.User) { u.Inactive = true }), usual},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				conn := w.connect(t)
				w.org.ExpireSessions()
				if err := sw.off(w.org); err != nil {
					t.Fatal(err)
				}
				if _, err := query(t.Context(), conn); err == nil {
					t.Fatal("it was not refused")
				}
				now, err := conn.Status(t.Context())
				if err != nil || now.Status != oauthflow.StatusSuspended || fullcast.RemedyOf(now) == 0 {
					t.Fatalf("it is %q with remedy %q, %v; want suspended", now.Status, fullcast.RemedyOf(now), err)
				}
				if err := sw.on(w.org); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Hour)
				if status, err := query(t.Context(), conn); status != 200 || err != nil {
					t.Errorf("afterwards a query answers %d, %v", status, err)
				}
				if now, err = conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusActive || now.Fault != nil {
					t.Errorf("afterwards it is %q, %v", now.Status, err)
				}
			})
		})
	}
}

// The sandbox is refreshed: another org id, the app gone. What the remedy says is done, and leads back.
func TestAConnectionToASandboxThatWasRefreshedComesBackUnderItsKey(t *testing.T) {
	w := newWorld(t, config{Sandbox: true})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	was, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.org.RefreshSandbox(); err != nil {
		t.Fatal(err)
	}
	_, err = query(t.Context(), conn)
	wantError(t, err, oauthflow.KindAppMissing, fullcast.RecreateApp)
	if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusBroken || fullcast.RemedyOf(now) != fullcast.RecreateApp {
		t.Fatalf("it is %q with remedy %q, %v", now.Status, fullcast.RemedyOf(now), err)
	}

	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")) // as the remedy says
	login := func(accept string) (*fullcast.Connection, error) {
		return w.login(t, w.sf, (*fullcast.Connector).Begin, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), ExpectOrg: accept})
	}
	_, err = login("")
	wantError(t, err, oauthflow.KindOrgChanged, fullcast.AdminSignsIn)
	var who *oauthflow.StrangerError
	if !errors.As(err, &who) || who.OrgID != w.org.ID() {
		t.Fatalf("%v does not name the org that is to be accepted", err)
	}
	if now, err := conn.Status(t.Context()); err != nil || now.OrgID != was.OrgID {
		t.Errorf("nobody has accepted the new org, and the connection is to %s, %v", now.OrgID, err)
	}

	if conn, err = login(who.OrgID); err != nil {
		t.Fatal(err)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil || conn.Key() != main {
		t.Errorf("a query over %v answers %d, %v", conn.Key(), status, err)
	}
	if now, err := conn.Status(t.Context()); err != nil || now.OrgID != w.org.ID() || now.Status != oauthflow.StatusActive {
		t.Errorf("it is %q to %s, %v", now.Status, now.OrgID, err)
	}
}

// Salesforce may take half an hour until it knows a new app everywhere.
func TestAMissingAppThatIsNewIsWaitedForBeforeItCountsAsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		c := w.client(t, "Fullcast")
		c.Created = time.Now()
		conn, err := w.sf.Complete(t.Context(), w.approved(t, w.begin(t, c)))
		if err != nil {
			t.Fatal(err)
		}
		w.org.ExpireSessions()
		if err := w.org.DeleteApp("Fullcast"); err != nil {
			t.Fatal(err)
		}
		for _, at := range []struct {
			wait            time.Duration
			want            oauthflow.Status
			remedy          fullcast.Remedy
			says            string
			suspended, ends int // events so far
		}{
			{0, oauthflow.StatusSuspended, fullcast.Retry, "The app is new", 1, 0},
			{20 * time.Minute, oauthflow.StatusSuspended, fullcast.Retry, "The app is new", 1, 0},
			{20 * time.Minute, oauthflow.StatusBroken, fullcast.RecreateApp, "is not in the org", 1, 1},
			{time.Hour, oauthflow.StatusBroken, fullcast.RecreateApp, "is not in the org", 1, 1},
		} {
			time.Sleep(at.wait)
			_, err := query(t.Context(), conn)
			wantError(t, err, oauthflow.KindAppMissing, at.remedy)
			var e *oauthflow.Error
			if !errors.As(err, &e) || !strings.Contains(e.Sentence(), at.says) {
				t.Errorf("after another %v the sentence is not about %q: %v", at.wait, at.says, err)
			}
			now, err := conn.Status(t.Context())
			if err != nil || now.Status != at.want {
				t.Fatalf("after another %v it is %q, %v; want %q", at.wait, now.Status, err, at.want)
			}
			if got := fullcast.RemedyOf(now); got != at.remedy || !strings.Contains(now.Fault.Sentence(), at.says) {
				t.Errorf("after another %v the stored fault says %q, remedy %q", at.wait, now.Fault.Sentence(), got)
			}
			synctest.Wait()
			if w.told[oauthflow.EventSuspended] != at.suspended || w.told[oauthflow.EventBroken] != at.ends {
				t.Errorf("after another %v: told %v", at.wait, w.told)
			}
		}
	})
}

// A login host in maintenance is waited for; it says nothing of the connection.
func TestMaintenanceOfTheLoginHostLeavesTheConnectionActive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		conn := w.connect(t)
		w.org.ExpireSessions()
		if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Times: 1, Status: 503}); err != nil {
			t.Fatal(err)
		}
		_, err := query(t.Context(), conn)
		wantError(t, err, oauthflow.KindBusy, fullcast.Retry)
		if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusActive || now.Fault != nil {
			t.Errorf("it is %q, %v; want active", now.Status, err)
		}
		time.Sleep(time.Hour)
		if status, err := query(t.Context(), conn); status != 200 || err != nil {
			t.Errorf("afterwards a query answers %d, %v", status, err)
		}
	})
}

// What the org refuses all API calls for is shown with the remedy that the call's error has, and ends with the first call
// that works.
func TestAnOrgThatRefusesItsAPISuspendsTheConnectionUntilACallWorks(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		kind   oauthflow.ErrorKind
		remedy fullcast.Remedy
		says   string
	}{
		"the API is off":    {403, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"off"}]`, oauthflow.KindUserPolicy, fullcast.AdminEnablesAPI, "may not use the API"},
		"the limit is used": {403, `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`, oauthflow.KindLimit, fullcast.Retry, "24 hours"},
		"maintenance":       {503, `<html>maintenance</html>`, oauthflow.KindBusy, fullcast.Retry, "not available"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				conn := w.connect(t)
				if err := w.org.Inject(orgtest.Fault{Path: "/services/data/", Times: 1, Status: tt.status, Body: tt.body}); err != nil {
					t.Fatal(err)
				}
				resp, err := conn.HTTPClient().Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
				if err != nil {
					t.Fatal(err)
				}
				err = conn.ResponseError(resp)
				resp.Body.Close()
				wantError(t, err, tt.kind, tt.remedy)
				synctest.Wait()
				now, err := conn.Status(t.Context())
				if err != nil || now.Status != oauthflow.StatusSuspended || fullcast.RemedyOf(now) != tt.remedy {
					t.Fatalf("it is %q with remedy %q, %v; want suspended, %q", now.Status, fullcast.RemedyOf(now), err, tt.remedy)
				}
				if text := conn.ForAdmin(now.Fault); !strings.Contains(now.Fault.Sentence(), tt.says) || !strings.Contains(text, tt.says) {
					t.Errorf("%q and %q are not about %q", now.Fault.Sentence(), text, tt.says)
				}
				if text := conn.Diagnose(t.Context()).String(); !strings.Contains(text, tt.says) {
					t.Errorf("the diagnosis is not about %q: %s", tt.says, text)
				}
				time.Sleep(time.Minute)
				if status, err := query(t.Context(), conn); status != 200 || err != nil {
					t.Errorf("afterwards a query answers %d, %v", status, err)
				}
				synctest.Wait()
				if now, err = conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusActive || now.Fault != nil {
					t.Errorf("afterwards it is %q, %v", now.Status, err)
				}
				if w.told[oauthflow.EventSuspended] != 1 || w.told[oauthflow.EventRepaired] != 1 {
					t.Errorf("told %v", w.told)
				}
			})
		})
	}
}

// "Block" under OAuth Usage ends the tokens: unblocked, the app has to be authorized again.
func TestABlockedAppSuspendsAndSaysToConnectAgainWhenItIsUnblocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		conn := w.connect(t)
		w.org.ExpireSessions()
		if err := w.org.Block("Fullcast"); err != nil {
			t.Fatal(err)
		}
		if _, err := query(t.Context(), conn); err == nil {
			t.Fatal("it was not refused")
		}
		now, err := conn.Status(t.Context())
		if err != nil || now.Status != oauthflow.StatusSuspended || fullcast.RemedyOf(now) != fullcast.AdminUnblocksApp {
			t.Errorf("it is %q with remedy %q, %v; want suspended", now.Status, fullcast.RemedyOf(now), err)
		}
		if err := w.org.Unblock("Fullcast"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		_, err = query(t.Context(), conn)
		wantError(t, err, oauthflow.KindGrantDead, fullcast.Reauthorize)
		if now, err = conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusBroken {
			t.Errorf("unblocked it is %q, %v", now.Status, err)
		}
	})
}
