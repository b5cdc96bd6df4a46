package fullcast_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/canary/repeat"
	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// repeating answers the requests that turn selects with themselves, and lets the others through. It learns every secret that
// passes.
type repeating struct {
	next http.RoundTripper

	mu   sync.Mutex
	echo *repeat.Echo
	turn func(*http.Request) bool
}

func (r *repeating) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	echo := r.echo
	if echo != nil && !r.turn(req) {
		echo = nil
	}
	r.mu.Unlock()
	if echo == nil {
		return r.next.RoundTrip(req)
	}
	return echo.RoundTrip(req)
}

// everything collects all that is shown: errors, reports in every form, log lines at debug level, events.
type everything struct {
	mu   sync.Mutex
	text bytes.Buffer
	said int
}

func (e *everything) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.text.Write(p)
}

func (e *everything) show(values ...any) {
	for _, v := range values {
		if err, is := v.(error); v == nil || is && err == nil {
			continue
		}
		e.mu.Lock()
		e.said++
		e.mu.Unlock()
		fmt.Fprintln(e, repeat.Shown(v))
	}
}

func (e *everything) report(r policy.Report, err error) {
	e.show(r, err)
	for _, form := range []policy.Format{policy.Text, policy.Markdown, policy.HTML, policy.JSON, policy.SARIF} {
		if err := policy.Write(e, form, r); err != nil {
			e.show(err)
		}
	}
}

// use does with a connection all that a service does.
func (e *everything) use(ctx context.Context, sf *fullcast.Connector, conn *fullcast.Connection) {
	d := conn.Diagnose(ctx)
	e.show(d, d.String())
	e.report(conn.Check(ctx))
	for _, path := range []string{"/services/data/v66.0/query?q=SELECT", "/services/Soap/u/66.0", "/services/async/66.0/job"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://acme.my.salesforce.com"+path, nil)
		if err != nil {
			e.show(err)
			continue
		}
		if base, err := conn.InstanceURL(ctx); err == nil {
			req, _ = http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
		}
		resp, err := conn.HTTPClient().Do(req)
		e.show(err)
		if err == nil {
			err := conn.ResponseError(resp)
			e.show(err, sf.ForAdmin(err), conn.ForAdmin(err))
			resp.Body.Close()
		}
	}
	_, err := conn.Resty().R().SetContext(ctx).Get("/services/data/v66.0/limits")
	e.show(err, sf.ForAdmin(err))
	if org, err := conn.Org(66); err == nil {
		list, err := org.List(ctx)
		e.show(list, err, sf.ForAdmin(err))
		_, err = org.Retrieve(ctx)
		e.show(err, sf.ForAdmin(err))
	}
	_, err = conn.InstanceURL(ctx)
	e.show(err, sf.ForAdmin(err))
	status, err := conn.Status(ctx)
	e.show(status, err, sf.ForAdmin(err))
	if status.Fault != nil {
		e.show(status.Fault, conn.ForAdmin(status.Fault))
	}
}

// admin asks the admin API for all that it tells of the connection, and shows the answers.
func (e *everything) admin(ctx context.Context, sf *fullcast.Connector, client oauthflow.Client, approve func(redirect string) oauthflow.Callback) {
	api, err := sf.AdminAPI(fullcast.AdminConfig{Session: func(*http.Request) (fullcast.AdminUser, error) {
		return fullcast.AdminUser{Tenant: main.Tenant, Right: fullcast.RightOperate, Binding: oauthflow.NewSecret(session)}, nil
	}})
	e.show(err)
	ask := func(method, path string, body any) (answer struct{ Redirect string }) {
		text, _ := json.Marshal(body) // of strings
		r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		_ = json.Unmarshal(w.Body.Bytes(), &answer) // an answer of another form has no redirect
		e.show(without(w.Body.String(), answer.Redirect))
		return answer
	}
	at := "/connections/" + main.Name
	entries := form{"loginHost": client.Host.String(), "consumerKey": client.ID, "consumerSecret": client.Secret.Reveal()}
	ask("POST", at+"/check", form{})
	ask("POST", at+"/diagnosis", form{})
	ask("PUT", at+"/credentials", entries)
	for _, path := range []string{"/login", "/migration"} {
		if begun := ask("POST", at+path, entries); begun.Redirect != "" {
			cb := approve(begun.Redirect)
			ask("POST", "/complete", form{"path": cb.Path, "query": cb.Query.Encode()})
		}
	}
	ask("POST", at+"/migration/finish", form{})
	for _, path := range []string{at, "/connections", at + "/migration"} {
		ask("GET", path, nil)
	}
}

// turns are the requests that are answered with themselves.
func turns() map[string]func(*http.Request) bool {
	return map[string]func(*http.Request) bool{
		"the org's APIs": func(r *http.Request) bool {
			return strings.HasPrefix(r.URL.Path, "/services/") && !strings.HasPrefix(r.URL.Path, "/services/oauth2/") || strings.HasSuffix(r.URL.Path, "/userinfo")
		},
		"the login host": func(r *http.Request) bool {
			return strings.HasPrefix(r.URL.Path, "/services/oauth2/") || strings.HasPrefix(r.URL.Path, "/.well-known/") || strings.HasPrefix(r.URL.Path, "/id/keys")
		},
		"every host": func(*http.Request) bool { return true },
	}
}

// repeatedTo connects a customer's org, does all that a service does while the requests of a turn are answered by echo, and returns
// what was shown, and the secrets.
func repeatedTo(t *testing.T, echo repeat.Echo, name string) (*everything, []string) {
	t.Helper()
	shown := &everything{}
	w := bubbleWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	worn := &disguise{next: w.rec, real: map[string]string{}}
	rt := &repeating{next: worn}
	w.rec.said, w.out = io.Discard, io.Discard
	w.sf = w.connector(t, w.store, func(c *fullcast.Config) {
		c.Transport, c.Observe = rt, func(e oauthflow.Event) { shown.show(e) }
		c.Logger = slog.New(slog.NewJSONHandler(shown, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	client := w.client(t, "Fullcast")
	client.Secret = oauthflow.NewSecret(worn.of(client.Secret.Reveal()))
	conn, err := w.sf.Complete(t.Context(), w.approved(t, w.begin(t, client)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := query(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if token, err := conn.TokenSource().Token(); err != nil || !slices.Contains(worn.all(), token.AccessToken) {
		t.Fatalf("the access token is not disguised: %v", err)
	}
	now, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	echo = echo.About(repeat.User{Org: now.OrgID, ID: now.UserID, Instance: now.InstanceURL})
	rt.mu.Lock()
	rt.echo, rt.turn = &echo, turns()[name]
	rt.mu.Unlock()
	if name != "the org's APIs" {
		w.org.ExpireSessions()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	shown.use(ctx, w.sf, conn)
	shown.admin(ctx, w.sf, client, func(redirect string) oauthflow.Callback { return w.approved(t, redirect) })
	to, err := w.sf.Begin(ctx, main, fullcast.BeginOptions{Client: client, Binding: session})
	if err == nil {
		_, err = w.sf.Complete(ctx, w.approved(t, to))
	}
	shown.show(err, w.sf.ForAdmin(err))
	shown.show(w.sf.Disconnect(ctx, main))
	shown.show(w.sf.Close(t.Context()))
	return shown, append(worn.all(), repeat.Answered)
}

// What the test below proves of a success, it proves only where the success is read.
func TestTheResultsThatRepeatARequestAreReadWhereTheirWordsAreHarmless(t *testing.T) {
	const harmless = "Harmless_Words"
	for name := range turns() {
		synctest.Test(t, func(t *testing.T) {
			shown, _ := repeatedTo(t, repeat.Result().Saying(harmless), name)
			if !strings.Contains(shown.text.String(), harmless) {
				t.Errorf("with %s repeating, no word of an answer is shown", name)
			}
		})
	}
}

func TestNothingThatIsShownOfAConnectionRepeatsWhatWasSentToItsOrg(t *testing.T) {
	number := 0
	innocent := map[string]bool{} // lines that were looked at: secrets are new in every world, so that a line that comes again holds none
	for echo := range repeat.All() {
		// What is read of an answer is looked at part by part in the packages that read it.
		if echo.Writing != "it is" || echo.Part != "the whole request" && echo.Part != "the secrets" {
			continue
		}
		if number++; !needs.OneIn(5, number) {
			continue
		}
		t.Run(echo.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for name := range turns() {
					shown, secrets := repeatedTo(t, echo, name)
					if shown.said < 20 {
						t.Errorf("only %d things were shown", shown.said)
					}
					finder := search.New(secrets)
					for line := range strings.Lines(shown.text.String()) {
						if innocent[line] {
							continue
						}
						innocent[line] = true
						if what := finder.Find(line); what != "" {
							t.Errorf("with %s repeating, %s is shown: %.600s", name, what, line)
						}
					}
				}
			})
		})
	}
}
