package fullcast_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/policy"
)

const day = 24 * time.Hour

// click sets elements of the app's OAuth policies in Setup, in order: pairs of name and value.
func (w *world) click(t *testing.T, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if err := w.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
}

// notUsedFor are the clicks that choose "not used for".
func notUsedFor(n, unit string) []string {
	return []string{"refreshTokenPolicyType", "", "refreshTokenValidityPeriod", n, "refreshTokenValidityUnit", unit, "refreshTokenPolicyType", "SpecificInactivity"}
}

func (w *world) refreshes() (at []time.Time) {
	for _, e := range w.org.Ledger() {
		if e.Event == "refresh" && e.Outcome == "ok" {
			at = append(at, e.Time)
		}
	}
	return at
}

// A check is what an idle period of the app's own becomes known by.
func TestAfterACheckTheKeepAliveRefreshesBeforeTheAppsOwnIdlePeriodEnds(t *testing.T) {
	number := 0
	for name, c := range map[string]struct {
		clicks      []string
		later       []string // before a second check
		finding     bool     // by the last check
		least, most time.Duration
	}{
		"7 days":                      {notUsedFor("7", "Days"), nil, true, 4 * day, 6 * day},
		"48 hours":                    {notUsedFor("48", "Hours"), nil, true, 24 * time.Hour, 40 * time.Hour},
		"30 days":                     {notUsedFor("30", "Days"), nil, false, 15 * day, 25 * day},
		"2 months":                    {notUsedFor("2", "Months"), nil, false, 15 * day, 25 * day},
		"7 days, then 30":             {notUsedFor("7", "Days"), notUsedFor("30", "Days"), false, 15 * day, 25 * day},
		"7 days, then 14":             {notUsedFor("7", "Days"), notUsedFor("14", "Days"), true, 8 * day, 12 * day},
		"7 days, then a lifetime":     {notUsedFor("7", "Days"), []string{"refreshTokenPolicyType", ""}, true, 15 * day, 25 * day},
		"as the instructions have it": {nil, nil, false, 15 * day, 25 * day},
	} {
		if number++; !needs.OneIn(4, number) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, orgtest.Config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				conn := w.connect(t)
				w.click(t, c.clicks...)
				report, err := conn.Check(t.Context())
				if err == nil && c.later != nil {
					w.click(t, c.later...)
					report, err = conn.Check(t.Context())
				}
				if err != nil {
					t.Fatal(err)
				}
				found := slices.ContainsFunc(report.Findings, func(f policy.Finding) bool { return f.Rule == "baseline-refresh-token-policy" })
				if found != c.finding {
					t.Errorf("found %t, want %t:\n%s", found, c.finding, report)
				}
				last := time.Now()
				keptAlive(t, w.sf, 3*c.most)
				at := w.refreshes()
				if len(at) < 2 {
					t.Fatalf("%d refreshes", len(at))
				}
				for _, when := range at {
					if idle := when.Sub(last); idle < c.least || idle > c.most {
						t.Errorf("a refresh after %v, want %v to %v", idle, c.least, c.most)
					}
					last = when
				}
				if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusActive {
					t.Errorf("at the end it is %q, %v", now.Status, err)
				}
			})
		})
	}
}

// due is when the keep-alive looks at the connection next.
func (w *world) due(t *testing.T) time.Duration {
	t.Helper()
	r, err := w.store.Load(t.Context(), "connection/"+main.Tenant+"/"+main.Name)
	if err != nil {
		t.Fatal(err)
	}
	return time.Until(r.Due)
}

func TestTheIdlePeriodOfALegacyConnectionsAppIsObeyedToo(t *testing.T) {
	for text, most := range map[string]time.Duration{
		"specific_inactivity:7:DAYS": 6 * day, "specific_inactivity:100:HOURS": 80 * time.Hour, "specific_inactivity:1:MONTHS": 25 * day, "infinite": 25 * day,
		"specific_lifetime:7:DAYS": 25 * day,
	} {
		t.Run(text, func(t *testing.T) {
			app := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New()
			app.Connected.OAuthPolicy.RefreshTokenPolicy = text
			w := newWorld(t, orgtest.Config{Existing: existing(t, app)})
			conn := w.adopted(t, "Fullcast_Motion_Package")
			if _, err := conn.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if due := w.due(t); due > most || due < most/2 {
				t.Errorf("due in %v, want %v to %v", due, most/2, most)
			}
		})
	}
}

// The instructions' app need not be the connection's: another may have its name.
func TestTheIdlePeriodOfAnotherAppIsNotTaken(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
	w.deploy(t, spec)
	spec.APIName = "Another"
	w.deploy(t, spec)
	conn := w.connectTo(t, "Another")
	w.click(t, notUsedFor("7", "Days")...) // of the app named Fullcast
	before := w.due(t)
	if _, err := conn.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if due := w.due(t); due < before-time.Minute {
		t.Errorf("due in %v instead of %v", due, before)
	}
}

func keptAlive(t *testing.T, sf *fullcast.Connector, d time.Duration) {
	t.Helper()
	ended := make(chan error)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	go func() { ended <- sf.KeepAlive(ctx) }()
	<-ended
}

// Whether an org's app meets the instructions does not depend on what Salesforce made of "valid until revoked".
func TestACheckOverTheConnectionTakesWhatSalesforceMakesOfValidUntilRevokedAndSaysWhatItRead(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  orgtest.Config
		read string
	}{
		"the limit is on, the metadata as before": {orgtest.Config{}, "was read as on"},
		"the limit is on, the metadata rewritten": {orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRewritten}, "was read as on"},
		"the limit is on, the metadata refused":   {orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRefused}, "was read as on"},
		"the limit is off":                        {orgtest.Config{Release: orgtest.Summer26}, "was read as off"},
		"the limit is not visible":                {orgtest.Config{Release: orgtest.Spring26}, "is not visible"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, c.cfg)
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			conn := w.connect(t)
			report, err := conn.Check(t.Context())
			if err != nil || len(report.Findings) > 0 || !strings.Contains(report.Note, c.read) {
				t.Errorf("%v\n%s", err, report)
			}
			lines := conn.Diagnose(t.Context()).String()
			if !strings.Contains(lines, "App: Its settings are as the instructions say.") || !strings.Contains(lines, c.read) || strings.Contains(lines, "problem") {
				t.Errorf("diagnosis:\n%s", lines)
			}
		})
	}
}

func TestAppsAreReadWithTheNewestAPIVersionThatTheOrgServesUpTo68(t *testing.T) {
	list := func(status int, body string) orgtest.Fault {
		return orgtest.Fault{Path: "/services/data/", Skip: 0, Times: -1, Status: status, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
	}
	for name, c := range map[string]struct {
		release orgtest.Release
		fault   *orgtest.Fault
		want    string // version; empty: the check fails
	}{
		"Winter '27":                          {orgtest.Winter27, nil, "68.0"},
		"Summer '26":                          {orgtest.Summer26, nil, "67.0"},
		"Spring '26":                          {orgtest.Spring26, nil, "66.0"},
		"older than what is needed":           {orgtest.Winter26, nil, ""},
		"a list with a byte order mark":       {orgtest.Winter27, new(list(200, "\ufeff"+`[{"version":"66.0"},{"version":"67.0"}]`)), "67.0"},
		"a later release":                     {orgtest.Winter27, new(list(200, `[{"version":"66.0"},{"version":"68.0"},{"version":"71.0"}]`)), "68.0"},
		"one that left 68":                    {orgtest.Winter27, new(list(200, `[{"version":"70.0"},{"version":"71.0"}]`)), "66.0"},
		"no list":                             {orgtest.Winter27, new(list(404, `[{"errorCode":"NOT_FOUND"}]`)), "66.0"},
		"an unavailable list":                 {orgtest.Winter27, new(list(503, "")), "66.0"},
		"a redirect":                          {orgtest.Winter27, new(list(302, "")), "66.0"},
		"a page":                              {orgtest.Winter27, new(list(200, "<html>")), "66.0"},
		"an empty list":                       {orgtest.Winter27, new(list(200, "[]")), "66.0"},
		"a list of something else":            {orgtest.Winter27, new(list(200, `[{"version":"newest"},{"label":"x"},{"version":"-1.0"}]`)), "66.0"},
		"a connection that breaks off":        {orgtest.Winter27, &orgtest.Fault{Path: "/services/data/", Times: -1, Drop: orgtest.DropBefore}, "66.0"},
		"a version that it lists and refuses": {orgtest.Spring26, new(list(200, `[{"version":"66.0"},{"version":"68.0"}]`)), "66.0"},
		"a type that it does not have": {orgtest.Winter27, &orgtest.Fault{
			Path: "/services/Soap/m/68.0", Times: -1, Status: 500, Header: http.Header{"Content-Type": {"text/xml"}},
			Body: `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>sf:INVALID_TYPE</faultcode>` +
				`<faultstring>INVALID_TYPE: Unknown type:ExtlClntAppOauthSecuritySettings</faultstring></e:Fault></e:Body></e:Envelope>`,
		}, "67.0"},
	} {
		t.Run(name, func(t *testing.T) {
			files := existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())
			w := newWorld(t, orgtest.Config{Release: c.release, Existing: files})
			conn := w.connect(t)
			if c.fault != nil {
				if err := w.org.Inject(*c.fault); err != nil {
					t.Fatal(err)
				}
			}
			report, err := conn.Check(t.Context())
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), "serves API versions up to 65.0") || !strings.Contains(err.Error(), "66.0 or later") {
					t.Errorf("%v\n%s", err, report)
				}
				if text := conn.Diagnose(t.Context()).String(); !strings.Contains(text, "serves API versions up to 65.0") {
					t.Errorf("diagnosis:\n%s", text)
				}
				return
			}
			if err != nil || len(report.Findings) > 0 {
				t.Fatalf("%v\n%s", err, report)
			}
			if w.rec.count("/services/Soap/m/"+c.want+" readMetadata") == 0 {
				t.Errorf("not read with %s:\n%s", c.want, strings.Join(w.rec.sent, "\n"))
			}
			if n := w.rec.count("GET " + w.host.String() + "/services/data"); n != 1 {
				t.Errorf("%d requests for versions, want 1", n)
			}
		})
	}
}

// PKCE that Salesforce does not let anybody clear is no problem of a connected app: the SDK's logins send S256.
func TestPKCEOnALegacyConnectionsAppIsANoteOfCheckAndDiagnose(t *testing.T) {
	app := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New()
	app.Connected.OAuthConfig.IsPKCERequired = new(true)
	w := newWorld(t, orgtest.Config{Existing: existing(t, app)})
	conn := w.adopted(t, "Fullcast_Motion_Package")
	report, err := conn.Check(t.Context())
	if err != nil || report.Worst() != policy.SeverityNote || len(report.Findings) != 1 {
		t.Fatalf("%v\n%s", err, report)
	}
	text := conn.Diagnose(t.Context()).String()
	if strings.Contains(text, "problem") || !strings.Contains(text, "always sends a proof key") || !strings.Contains(text, "App: Its settings are as the instructions say.") {
		t.Errorf("diagnosis:\n%s", text)
	}
}

func TestTheGuidesSayWhatToChooseWhereSetupDoesNotListAnOptionOrLetABoxBeCleared(t *testing.T) {
	for app, kind := range guideKinds {
		for _, site := range guideSites {
			guide := fullcast.SetupGuide(site, kind)
			html, err := guide.HTML()
			if err != nil {
				t.Fatal(err)
			}
			for form, text := range map[string]string{"Markdown": guide.Markdown(), "HTML": strings.ReplaceAll(string(html), "&#34;", `"`)} {
				_, policies, _ := strings.Cut(text, "Update OAuth policies")
				_, policies, _ = strings.Cut(policies, "Refresh Token Policy")
				policies, _, _ = strings.Cut(policies, "Change no other field")
				if !strings.Contains(policies, "Refresh token is valid until revoked") || !strings.Contains(policies, `choose "Expire refresh token if not used for" and enter 30 Days`) {
					t.Errorf("%s, %s: the step says\n%s", app, form, policies)
				}
				if stays := strings.Contains(text, "Where Setup does not let you clear it, it may stay selected"); stays != (kind == metadata.KindConnectedApp) {
					t.Errorf("%s, %s: PKCE may stay selected: %t", app, form, stays)
				}
			}
		}
	}
}

func TestAnAdminIsToldThatAConnectionEndedForWantOfUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, orgtest.Config{SessionTimeout: time.Hour})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		conn := w.connect(t)
		time.Sleep(34 * day)
		if text := conn.Diagnose(t.Context()).String(); !strings.Contains(text, "it was not used for 34 days, and where the org's idle limit is on") || strings.Contains(text, "revoked") {
			t.Errorf("a diagnosis before anybody called:\n%s", text)
		}
		_, err := query(t.Context(), conn)
		wantError(t, err, oauthflow.KindGrantDead, fullcast.Reauthorize)
		now, serr := conn.Status(t.Context())
		if serr != nil {
			t.Fatal(serr)
		}
		const want = "was not used for 34 days; where the org's idle limit is on, Salesforce ends a refresh token after 30 days without use"
		for what, text := range map[string]string{
			"the error": err.Error(), "for the admin": conn.ForAdmin(err), "of the status": conn.ForAdmin(now.Fault), "the diagnosis": conn.Diagnose(t.Context()).String(),
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s", what, text)
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.told[oauthflow.EventReplay] != 0 {
			t.Error("a replay is suspected")
		}
	})
}

func TestADiagnosisNamesTheAppsOwnIdlePeriod(t *testing.T) {
	for unused, want := range map[time.Duration]string{
		9 * day: "it was not used for 9 days, and the app's Refresh Token Policy ends a refresh token after 7 days without use",
		6 * day: "most likely revoked",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := bubbleWorld(t, orgtest.Config{SessionTimeout: time.Hour})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			conn := w.connect(t)
			w.click(t, notUsedFor("7", "Days")...)
			if _, err := conn.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if now, err := conn.Status(t.Context()); err != nil || now.IdlePeriod != 7*day {
				t.Errorf("the status tells %v, %v", now.IdlePeriod, err)
			}
			time.Sleep(unused)
			if unused < 7*day {
				if err := w.org.RevokeAll("Fullcast"); err != nil {
					t.Fatal(err)
				}
			}
			if text := conn.Diagnose(t.Context()).String(); !strings.Contains(text, want) {
				t.Errorf("after %v:\n%s\nwant %q", unused, text, want)
			}
		})
	}
}
