package faults

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// inBubble is a scene in virtual time: one process, no sockets, records in memory.
func inBubble(t *testing.T, cfg orgtest.Config, over func(http.RoundTripper) http.RoundTripper) (*scene, *oauthflow.Manager) {
	t.Helper()
	ranOn(t, virtual)
	cfg.Existing, cfg.RotateRefreshTokens = installedApp(), true
	org, err := orgtest.New(cfg)
	must(t, err)
	s := &scene{t: t, org: org, sealing: tokenstore.GenerateSealingKey("k1")}
	m := s.manager(tokenstore.NewMemory(), func(c *oauthflow.ManagerConfig) { c.Flow = s.flow(over(org.RoundTripper())) })
	k := key(0)
	_, err = m.Complete(t.Context(), s.login(m, k))
	must(t, err)
	s.conns = []oauthflow.Key{k}
	return s, m
}

func asItIs(rt http.RoundTripper) http.RoundTripper { return rt }

// adminSwitch is what an admin can turn off and on.
type adminSwitch struct {
	name    string
	off, on func(*orgtest.Org) error
}

func adminSwitches() []adminSwitch {
	user := func(change func(*orgtest.User)) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			u := orgtest.User{Username: userName}
			change(&u)
			return o.SetUser(u)
		}
	}
	usual := user(func(*orgtest.User) {})
	enabled := func(value string) func(*orgtest.Org) error {
		return func(o *orgtest.Org) error {
			return o.SetAppField("ExtlClntAppConfigurablePolicies", appName+"_plcy", "isEnabled", value)
		}
	}
	return []adminSwitch{
		{"user inactive", user(func(u *orgtest.User) { u.Inactive = true }), usual},
		{"user frozen", user(func(u *orgtest.User) { u.Frozen = true }), usual},
		{"app disabled", enabled("false"), enabled("true")},
		{"address outside the login ranges", func(o *orgtest.Org) error {
			return errors.Join(user(func(u *orgtest.User) { u.LoginRanges = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")} })(o),
				o.SetAppField("ExtlClntAppOauthConfigurablePolicies", appName+"_oauthPlcy", "ipRelaxationPolicyType", "Enforce"))
		}, usual},
	}
}

func TestF36AnAdminsSwitchSuspendsAndHealsInVirtualTime(t *testing.T) {
	switches := adminSwitches()
	r := drill(t, 36, fmt.Sprint(len(switches), " switches of an admin off for 3 hours, two processes, then on again"),
		"suspended and typed for both, at most a request in 2 min, 0 replays; heals by itself within a day, and at once when asked after the pause between two tries")
	healed, most, longest := 0, 0, time.Duration(0)
	for _, sw := range switches {
		for _, asked := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				b := newBubble(t, 2, nil, tokenstore.NewMemory(), orgtest.Config{})
				s, m, other := b.s, b.managers[0], b.managers[1]
				k := s.conns[0]
				tok, err := m.Source(k).Token()
				must(t, err)
				s.org.ExpireSessions()
				must(t, sw.off(s.org))
				mark := s.mark()
				for range 180 {
					for _, process := range b.managers {
						_, err := process.Source(k).Replace(t.Context(), tok.AccessToken)
						var e *oauthflow.Error
						r.must(errors.As(err, &e) && !e.Kind.Terminal(), "%s: %v", sw.name, err)
					}
					time.Sleep(time.Minute)
				}
				most = max(most, s.since(mark).posts)
				time.Sleep(10 * time.Minute) // nobody asks, until the longest pause between two tries is over
				c, err := other.Load(t.Context(), k)
				r.must(err == nil && c.Status == oauthflow.StatusSuspended, "%s: %v, %v", sw.name, c.Status, err)
				must(t, sw.on(s.org))
				began := time.Now()
				if asked {
					err := m.Renew(t.Context(), k)
					r.must(err == nil, "%s: asked, it says %v", sw.name, err)
				}
				for time.Since(began) < 24*time.Hour {
					if _, err := other.Source(k).Replace(t.Context(), tok.AccessToken); err == nil {
						healed++
						break
					}
					time.Sleep(time.Minute)
				}
				longest = max(longest, time.Since(began))
				r.must(!asked || time.Since(began) == 0, "%s: asked, it took %v", sw.name, time.Since(began))
				r.must(s.since(mark).replays == 0, "%s: replays", sw.name)
			})
		}
	}
	r.must(healed == 2*len(switches), "%d of %d healed", healed, 2*len(switches))
	r.must(most <= 3*60/2, "%d requests", most)
	r.saw("%d of %d healed, the last within %v; at most %d requests in 3 hours", healed, 2*len(switches), longest, most)
}

// flapping is an org in which now one consumer secret is in force and now another. It knows one, once there is one, and is
// told that one for the one in force.
func flapping(rt http.RoundTripper, inForce, known func() string) http.RoundTripper {
	return roundTrip(func(req *http.Request) (*http.Response, error) {
		if known() == "" || req.URL.Path != tokenPath {
			return rt.RoundTrip(req)
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, err
		}
		if form.Get("client_secret") == inForce() {
			form.Set("client_secret", known())
		} else {
			form.Set("client_secret", "wrong")
		}
		req = req.Clone(req.Context())
		text := form.Encode()
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		return rt.RoundTrip(req)
	})
}

func TestF37ASecretIsRotatedAndComesIntoForceInFitsAndStartsInVirtualTime(t *testing.T) {
	const settling = 10 * time.Minute
	r := drill(t, 37, "the consumer secret is rotated; for 10 min the old and the new one work in turns", "0 terminal; success at most 1 min after that; 0 replays")
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var old, fresh string
		inForce := func() string {
			since := time.Since(began)
			if since < settling && int(since/time.Minute)%2 == 0 {
				return old
			}
			return fresh
		}
		s, m := inBubble(t, orgtest.Config{}, func(rt http.RoundTripper) http.RoundTripper {
			return flapping(rt, inForce, func() string { return old })
		})
		k := s.conns[0]
		c := s.client()
		began, old, fresh = time.Now(), c.Secret.Reveal(), "the-new-secret"
		c.Secret = oauthflow.NewSecret(fresh)
		mark := s.mark()
		must(t, m.SetClient(t.Context(), k, c))
		terminal, worked, settled := 0, 0, time.Duration(-1)
		rejected := ""
		for time.Since(began) < 15*time.Minute {
			tok, err := m.Source(k).Replace(t.Context(), rejected)
			var e *oauthflow.Error
			switch {
			case err == nil && s.accepted(tok.AccessToken):
				worked++
				if since := time.Since(began) - settling; since >= 0 && settled < 0 {
					settled = since
				}
				time.Sleep(50 * time.Second) // a session that is used, then ends
				s.org.ExpireSessions()
			case err == nil:
				rejected = tok.AccessToken
			case errors.As(err, &e) && e.Kind.Terminal():
				terminal++
			}
			time.Sleep(10 * time.Second)
		}
		a := s.since(mark)
		r.must(terminal == 0 && a.replays == 0, "%d terminal, %d replays", terminal, a.replays)
		r.must(settled >= 0 && settled <= time.Minute, "the first success came %v after it had settled", settled)
		r.must(worked > 5, "only %d successes", worked)
		now, err := m.Load(t.Context(), k)
		r.must(err == nil && now.NextKey == "" && now.Status == oauthflow.StatusActive, "%+v, %v", now.Status, err)
		r.saw("%d successes, 0 terminal, success %v after the end, %d replays", worked, settled, a.replays)
	})
}

func TestF63TheSandboxIsRefreshedInVirtualTime(t *testing.T) {
	r := drill(t, 63, "the sandbox is refreshed: another org answers under the same name, with an app and user of the same names", "typed; a login there is told as another org's; 0 overwrites")
	synctest.Test(t, func(t *testing.T) {
		var answers http.RoundTripper
		s, m := inBubble(t, orgtest.Config{Sandbox: true}, func(rt http.RoundTripper) http.RoundTripper {
			answers = rt
			return roundTrip(func(req *http.Request) (*http.Response, error) { return answers.RoundTrip(req) })
		})
		k := s.conns[0]
		before, err := m.Load(t.Context(), k)
		must(t, err)
		tok, err := m.Source(k).Token()
		must(t, err)
		refreshed, _ := inBubble(t, orgtest.Config{Sandbox: true}, asItIs)
		s.org, answers = refreshed.org, refreshed.org.RoundTripper()

		_, err = m.Source(k).Replace(t.Context(), tok.AccessToken)
		var e *oauthflow.Error
		r.must(errors.As(err, &e) && e.Kind != oauthflow.KindInvalid, "the refresh: %v", err)
		_, loginErr := m.Complete(t.Context(), s.login(m, k))
		r.must(errors.Is(loginErr, oauthflow.ErrOrgChanged), "the login: %v", loginErr)
		after, err := m.Load(t.Context(), k)
		r.must(err == nil && after.OrgID == before.OrgID && after.OrgID != s.org.ID(), "the record names %s, %v", after.OrgID, err)
		r.saw("refresh: %s; login refused; the record still names the former org", outcome(e))
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
