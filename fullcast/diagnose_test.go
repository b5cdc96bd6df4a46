package fullcast_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func outcomes(d fullcast.Diagnosis) map[string]fullcast.Outcome {
	out := map[string]fullcast.Outcome{}
	for _, l := range d.Lines {
		if out[l.Subject] != fullcast.OutcomeProblem {
			out[l.Subject] = l.Outcome
		}
	}
	return out
}

func TestADiagnosisNamesWhatIsWrongAndNothingElse(t *testing.T) {
	type problem struct {
		name    string
		cause   func(t *testing.T, w *world)
		subject string
		remedy  fullcast.Remedy
	}
	setting := func(typ, name, element, value string) func(*testing.T, *world) {
		return func(t *testing.T, w *world) {
			if err := w.org.SetAppField(typ, name, element, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range []problem{
		{"nothing", func(*testing.T, *world) {}, "", 0},
		{"a setting of the app", setting("ExtlClntAppConfigurablePolicies", "Fullcast_plcy", "startPage", "OAuth"), "App", fullcast.AdminFixesApp},
		{"a revoked grant", func(t *testing.T, w *world) {
			if err := w.org.RevokeAll("Fullcast"); err != nil {
				t.Fatal(err)
			}
		}, "Session", fullcast.Reauthorize},
		{"a host that is down", func(t *testing.T, w *world) {
			if err := w.org.Inject(orgtest.Fault{Path: "/.well-known/", Status: 503}); err != nil {
				t.Fatal(err)
			}
		}, "Network", fullcast.Retry},
	} {
		t.Run(p.name, func(t *testing.T) {
			w := newWorld(t, config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			conn := w.connect(t)
			p.cause(t, w)
			d := conn.Diagnose(t.Context())
			for subject, o := range outcomes(d) {
				if (o == fullcast.OutcomeProblem) != (subject == p.subject) {
					t.Errorf("%s is %q:\n%s", subject, o, d)
				}
			}
			for _, l := range d.Lines {
				if l.Outcome == fullcast.OutcomeProblem && (l.Remedy != p.remedy || l.Text == "") {
					t.Errorf("the remedy is %v, want %v: %s", l.Remedy, p.remedy, l.Text)
				}
			}
			if p.subject == "" && !strings.Contains(d.String(), "API requests are left") {
				t.Errorf("the limits are not told:\n%s", d)
			}
		})
	}
}

func TestADiagnosisJudgesTheOrgsSwitchesForTheKindOfApp(t *testing.T) {
	w, c, token := legacyWorld(t)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	if d := conn.Diagnose(t.Context()); outcomes(d)["Org"] != fullcast.OutcomeOK {
		t.Errorf("before:\n%s", d)
	}
	if err := w.org.SetAppField("OauthOidcSettings", "OauthOidc", "isPkceRequired", "true"); err != nil {
		t.Fatal(err)
	}
	if d := conn.Diagnose(t.Context()); outcomes(d)["Org"] != fullcast.OutcomeProblem || !strings.Contains(d.String(), "PKCE for every app") {
		t.Errorf("with PKCE required of every app:\n%s", d)
	}
}

func TestADiagnosisOfABrokenConnectionAsksNothingMoreOfIt(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	conn := w.connect(t)
	if err := w.org.RevokeAll("Fullcast"); err != nil {
		t.Fatal(err)
	}
	if _, err := query(t.Context(), conn); err == nil {
		t.Fatal("the grant is alive")
	}
	posts := w.rec.count("/services/oauth2/token")
	d := conn.Diagnose(t.Context())
	got := outcomes(d)
	if got["Stored connection"] != fullcast.OutcomeProblem || got["Session"] != fullcast.OutcomeNotVisible || got["App"] != fullcast.OutcomeNotVisible {
		t.Errorf("got\n%s", d)
	}
	if w.rec.count("/services/oauth2/token") != posts {
		t.Error("the refresh token was sent again")
	}
}

func TestADiagnosisEndsThoughNobodyAnswers(t *testing.T) {
	for _, silent := range []string{"/.well-known/openid-configuration", "/services/oauth2/introspect", "/services/oauth2/userinfo",
		"/services/data/v66.0/limits", "/services/Soap/"} {
		t.Run(silent, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				conn := w.connect(t)
				dumb := carrier(func(r *http.Request) (*http.Response, error) {
					if strings.Contains(r.URL.Path, silent) {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					return w.rec.RoundTrip(r)
				})
				sf := w.connector(t, w.store, func(c *fullcast.Config) { c.Transport = dumb })
				conn, err := sf.Open(t.Context(), conn.Key())
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				d := conn.Diagnose(t.Context())
				if took := time.Since(began); took < time.Second || took > 3*time.Minute {
					t.Errorf("it took %v", took)
				}
				if len(d.Lines) < 8 {
					t.Errorf("it is cut short:\n%s", d)
				}
			})
		})
	}
}

type carrier func(*http.Request) (*http.Response, error)

func (c carrier) RoundTrip(r *http.Request) (*http.Response, error) { return c(r) }
