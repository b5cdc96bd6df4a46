package fullcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// Diagnosis is what [Connection.Diagnose] found, in the order in which it looked.
type Diagnosis struct {
	Key   oauthflow.Key
	Lines []DiagnosisLine
}

// DiagnosisLine is one thing that was looked at.
type DiagnosisLine struct {
	Subject string // what was looked at, such as "Login host"
	Outcome Outcome
	Text    string // what was seen, in a sentence
	Remedy  Remedy // what to do about a problem

	// ForAdmin is a text to send to the org's admin about a problem; see [Remedy.ForAdmin].
	ForAdmin string

	clicks string // of a setting that is to be corrected; they say more than the remedy's sentence
}

// Outcome says how one look ended. What was not seen is never ok.
type Outcome string

// Outcomes.
const (
	OutcomeOK         Outcome = "ok"
	OutcomeProblem    Outcome = "problem"
	OutcomeNotVisible Outcome = "not visible"
)

// String is the diagnosis as text, a line for each look: what was seen, and what to do about a problem.
func (d Diagnosis) String() string {
	var b strings.Builder
	for _, l := range d.Lines {
		fmt.Fprintf(&b, "%-11s  %s: %s", l.Outcome, l.Subject, l.Text)
		if l.Remedy != 0 {
			b.WriteString(" " + cmp.Or(l.clicks, l.Remedy.String()))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Diagnose looks at everything that a connection rests on: login host, network, what is stored, credentials, refresh
// token, session, identity, the app's settings, the org's switches, API limits. It never makes anything worse: it spends
// no refresh token, writes nothing, and asks a broken connection for nothing but what Salesforce thinks of its tokens. So
// it sees only a part where the session has ended: any call of the connection renews that, and then it sees the rest.
//
// It has no error of its own: what cannot be looked at is a line that says so. It ends within three minutes, whatever ctx
// says and a host that does not answer.
func (c *Connection) Diagnose(ctx context.Context) Diagnosis {
	ctx, cancel := context.WithTimeout(ctx, diagnosisTime)
	defer cancel()
	x := &examination{c: c.atRest(), ctx: ctx, d: Diagnosis{Key: c.Key()}}
	if _, err := x.c.Status(ctx); errors.Is(err, oauthflow.ErrClosed) {
		x.say("Stored connection", OutcomeNotVisible, "This process has closed its Connector, and asks nobody.", 0)
		return x.d
	}
	x.host()
	stored, ok := x.stored()
	if !ok {
		return x.d
	}
	x.scopes(stored)
	x.token()
	if stored.Status == oauthflow.StatusBroken || stored.Status == oauthflow.StatusDisconnecting {
		for _, s := range append([]string{"Session", "Identity"}, behindSession...) {
			x.say(s, OutcomeNotVisible, "Without a working connection this cannot be seen.", 0)
		}
		return x.d
	}
	if x.session(stored) {
		x.user(stored)
		x.app(stored)
		x.limits()
	}
	return x.d
}

const (
	diagnosisTime = 3 * time.Minute
	lookTime      = 20 * time.Second // for a host, or one resource
)

type examination struct {
	c   *Connection
	ctx context.Context // of this one call
	d   Diagnosis

	inactive bool // Salesforce does not call the refresh token active
}

func (x *examination) say(subject string, o Outcome, text string, r Remedy) {
	x.d.Lines = append(x.d.Lines, DiagnosisLine{
		Subject: subject, Outcome: o, Text: scrub.Printable(text), Remedy: r, ForAdmin: r.ForAdmin(x.c.connector.egress) + r.after("request"),
	})
}

// found tells of a finding, whose own clicks say more than the remedy's.
func (x *examination) found(subject string, f policy.Finding, r Remedy) {
	x.d.Lines = append(x.d.Lines, DiagnosisLine{
		Subject: subject, Outcome: OutcomeProblem, Text: scrub.Printable(f.Message + "."), Remedy: r,
		clicks:   scrub.Printable(f.Fix + "."),
		ForAdmin: scrub.Printable("Please correct this in Salesforce Setup: " + f.Message + ". " + f.Fix + "."),
	})
}

func (x *examination) fail(subject string, err error) {
	var e *Error
	if !errors.As(x.c.wrap("diagnose", err), &e) {
		return
	}
	text := e.Err.Error() + "."
	var cause *oauthflow.Error
	if errors.As(err, &cause) {
		text = explain(cause, e.Remedy)
	}
	x.say(subject, OutcomeProblem, text, e.Remedy)
}

// host looks at the login host: its name, DNS, TLS, and whether Salesforce answers there.
func (x *examination) host() {
	seen := x.c.seen.Load()
	h := seen.Host
	if to := seen.TokenHost; !to.IsZero() {
		x.say("Login host", OutcomeOK, "Note: "+h.String()+" redirects token requests to "+to.String()+", which is asked in its place.", 0)
		h = to
	} else if a := h.Advisory(); a != "" {
		x.say("Login host", OutcomeOK, "Note: "+a+".", 0)
	} else {
		x.say("Login host", OutcomeOK, h.String()+" is the org's My Domain.", 0)
	}
	ctx, cancel := context.WithTimeout(x.ctx, lookTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+h.String()+"/.well-known/openid-configuration", nil)
	if err != nil {
		return
	}
	resp, err := x.c.connector.login.RoundTrip(req)
	if err != nil {
		remedy := Retry
		switch {
		case errors.Is(err, oauthflow.ErrOwnNetwork):
			remedy = FixService
		case noSuchHost(err):
			remedy = FixConfiguration
		}
		x.say("Network", OutcomeProblem, h.String()+" cannot be reached: "+networkCause(err)+".", remedy)
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= http.StatusInternalServerError {
		x.say("Network", OutcomeProblem, fmt.Sprintf("%s answers with HTTP %d.", h, resp.StatusCode), Retry)
		return
	}
	x.say("Network", OutcomeOK, h.String()+" answers over TLS.", 0)
}

const maxAnswer = 1 << 20

func (x *examination) stored() (oauthflow.Connection, bool) {
	now, err := x.c.Status(x.ctx)
	switch {
	case err != nil:
		x.fail("Stored connection", err)
		return now, false
	case now.Status == oauthflow.StatusActive:
		x.say("Stored connection", OutcomeOK, "It is active.", 0)
	case now.Fault != nil:
		x.fail("Stored connection", now.Fault)
	default:
		x.say("Stored connection", OutcomeProblem, "It is "+string(now.Status)+".", Retry)
	}
	return now, true
}

// behindSession are what only a session shows, in the order in which they are looked at.
var behindSession = []string{"User", "Permission sets", "Package", "Approvals", "App", "Org", "API limits"}

// token has Salesforce judge consumer key, secret and refresh token at once, which spends nothing.
func (x *examination) token() {
	is, err := x.c.connector.manager.Introspect(x.ctx, x.c.Key())
	var e *oauthflow.Error
	switch {
	case err == nil && is.Active:
		x.say("Consumer key and secret", OutcomeOK, "Salesforce accepts them.", 0)
		x.say("Refresh token", OutcomeOK, "Salesforce calls it active.", 0)
	case err == nil:
		x.say("Consumer key and secret", OutcomeOK, "Salesforce accepts them.", 0)
		x.inactive = true
		x.say("Refresh token", OutcomeNotVisible, "Salesforce does not call it active, which alone proves nothing.", 0)
	case errors.As(err, &e) && (e.Kind == oauthflow.KindClient || e.Kind == oauthflow.KindAppMissing):
		x.fail("Consumer key and secret", err)
		x.say("Refresh token", OutcomeNotVisible, "It can be judged with the right key and secret only.", 0)
	default:
		x.say("Consumer key and secret", OutcomeNotVisible, "Salesforce does not say.", 0)
		x.say("Refresh token", OutcomeNotVisible, "Salesforce does not say.", 0)
	}
}

// session makes a call as the user, and compares who that is.
func (x *examination) session(stored oauthflow.Connection) bool {
	var user struct {
		Active *bool  `json:"active"`
		OrgID  string `json:"organization_id"`
		UserID string `json:"user_id"`
	}
	err := x.get("/services/oauth2/userinfo", &user)
	var e *oauthflow.Error
	if err != nil {
		switch ended := errors.As(err, &e) && e.Kind == oauthflow.KindSession; {
		case ended && x.inactive:
			dead := &oauthflow.Error{Op: "refresh", Kind: oauthflow.KindGrantDead}
			x.say("Session", OutcomeProblem, "Salesforce has ended it, and does not call the refresh token active: "+likelyEnd(stored),
				remedyFor(dead, x.c.Kind()))
		case errors.Is(err, errRepeated):
			x.say("Session", OutcomeNotVisible, "The org's answer repeats the access token, and is not read.", 0)
		case errors.Is(err, errRedirected):
			x.say("Session", OutcomeNotVisible, "The org's host redirects, as after a change of My Domain. The next call finds the new host; a diagnosis changes nothing.", 0)
		case ended:
			x.say("Session", OutcomeNotVisible, "It has ended, as sessions do. The next call renews it; a diagnosis renews nothing.", 0)
		default:
			x.fail("Session", err)
		}
		for _, s := range append([]string{"Identity"}, behindSession...) {
			x.say(s, OutcomeNotVisible, "Without a session this cannot be seen.", 0)
		}
		return false
	}
	x.say("Session", OutcomeOK, "Salesforce accepts it.", 0)
	if at, err := x.c.InstanceURL(x.ctx); err == nil && instanced.MatchString(at) {
		x.say("Instance", OutcomeOK, "Note: "+at+" is the address of an instance, and Salesforce ends those by Spring '27; once the org has a My Domain, a refresh takes its host up.", 0)
	}
	switch {
	case user.OrgID == "" || user.UserID == "":
		x.say("Identity", OutcomeNotVisible, "Salesforce does not say who the user is.", 0)
	case user.OrgID[:min(15, len(user.OrgID))] != stored.OrgID[:min(15, len(stored.OrgID))],
		user.UserID[:min(15, len(user.UserID))] != stored.UserID[:min(15, len(stored.UserID))]:
		x.say("Identity", OutcomeProblem, "It is another user, or of another org, than the one who connected.", Reauthorize)
	case user.Active == nil:
		x.say("Identity", OutcomeOK, "The user is the one who connected; whether active, Salesforce does not say.", 0)
	case !*user.Active:
		x.say("Identity", OutcomeProblem, "The user is not active.", AdminActivatesUser)
	default:
		x.say("Identity", OutcomeOK, "The user is the one who connected, and active.", 0)
	}
	return true
}

// instanced matches the origin of an instance of Salesforce's, which is not an org's own.
//
// Source: Salesforce Help, "Instanced URLs"; sandboxes from Winter '27, production from Spring '27, by another page Summer '26.
var instanced = regexp.MustCompile(`^https://[a-z]+[0-9]+s?\.salesforce\.com$`)

// likelyEnd says why a refresh token that is not active most likely is not.
func likelyEnd(stored oauthflow.Connection) string {
	unused := time.Since(stored.RefreshedAt)
	switch policy := stored.IdlePeriod; {
	case stored.RefreshedAt.IsZero():
	case policy > 0 && unused >= policy:
		return fmt.Sprintf("it was not used for %s, and the app's Refresh Token Policy ends a refresh token after %s without use.", inWords(unused), inWords(policy))
	case unused >= metadata.IdleLimit:
		return fmt.Sprintf("it was not used for %s, and where the org's idle limit is on, Salesforce ends a refresh token after 30 days without use.", inWords(unused))
	}
	return "the connection was most likely revoked."
}

// inWords writes whole days, or whole hours of less than two days.
func inWords(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}
