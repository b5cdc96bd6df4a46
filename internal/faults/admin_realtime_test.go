package faults

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What takes hours at a customer's org takes seconds here: the processes' wall clock runs fast, over a real network and store.

func TestF36AnAdminsSwitchSuspendsAndHeals(t *testing.T) {
	const speed = 20_000
	switches := adminSwitches()
	r := drill(t, 36, fmt.Sprintf("in real time: %d switches of an admin off for 3 hours of a clock that runs %d times as fast, "+
		"two processes, then on again", len(switches), speed),
		"suspended and typed for both, at most a request in 2 min, 0 replays; one heals by itself within a day, "+
			"another within an hour when asked")
	s := newScene(t, 2, orgtest.Config{})
	s.clock = clock{time.Now(), speed}
	a, b := s.pair(nil, nil)
	itself, asked := s.conns[0], s.conns[1]
	healed, most, longest := 0, 0, time.Duration(0)
	replace := func(m *oauthflow.Manager, k oauthflow.Key) error {
		tok, err := m.Source(k).Token()
		if err == nil && !s.accepted(tok.AccessToken) {
			_, err = m.Source(k).Replace(t.Context(), tok.AccessToken)
		}
		return err
	}
	for _, sw := range switches {
		s.org.ExpireSessions()
		must(t, sw.off(s.org))
		mark, began := s.mark(), s.clock.now()
		for s.clock.now().Sub(began) < 3*time.Hour {
			for _, m := range []*oauthflow.Manager{a, b} {
				for _, k := range s.conns {
					var e *oauthflow.Error
					err := replace(m, k)
					r.must(errors.As(err, &e) && !e.Kind.Terminal(), "%s: %v", sw.name, err)
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
		for _, k := range s.conns {
			c, err := b.Load(t.Context(), k)
			r.must(err == nil && c.Status == oauthflow.StatusSuspended, "%s: %v, %v", sw.name, c.Status, err)
		}
		for _, posts := range s.postsOf(mark) {
			most = max(most, posts)
		}
		must(t, sw.on(s.org))
		began = s.clock.now()
		for s.clock.now().Sub(began) < time.Hour { // it waits for its back-off, of at most five minutes
			if a.Renew(t.Context(), asked) == nil && replace(b, asked) == nil {
				healed++
				break
			}
		}
		for s.clock.now().Sub(began) < 24*time.Hour {
			if replace(b, itself) == nil {
				longest = max(longest, s.clock.now().Sub(began))
				healed++
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		r.must(s.since(mark).replays == 0, "%s: replays", sw.name)
	}
	r.must(healed == 2*len(switches), "%d of %d healed", healed, 2*len(switches))
	r.must(most <= 3*60/2, "%d requests for one connection", most)
	r.saw("%d of %d healed, by itself within %v; at most %d requests for one in 3 hours",
		healed, 2*len(switches), longest.Round(time.Minute), most)
}

func TestF37ASecretIsRotatedAndComesIntoForceInFitsAndStarts(t *testing.T) {
	const speed, settling = 200, 10 * time.Minute
	r := drill(t, 37, fmt.Sprintf("in real time: for %v of a clock that runs %d times as fast the old and the new secret work "+
		"in turns; two processes", settling, speed),
		"0 terminal; success at most 1 min after that; 0 replays")
	s := newScene(t, 1, orgtest.Config{})
	s.clock = clock{time.Now(), speed}
	c := s.client()
	began, old, fresh := s.clock.now(), c.Secret.Reveal(), "the-new-secret"
	inForce := func() string {
		since := s.clock.now().Sub(began)
		if since < settling && int(since/time.Minute)%2 == 0 {
			return old
		}
		return fresh
	}
	a, b := s.pair(func(rt http.RoundTripper) http.RoundTripper {
		return flapping(rt, inForce, func() string { return old })
	}, nil)
	k := s.conns[0]
	c.Secret = oauthflow.NewSecret(fresh)
	mark := s.mark()
	must(t, a.SetClient(t.Context(), k, c))
	s.org.ExpireSessions()
	terminal, worked, settled := 0, 0, time.Duration(-1)
	rejected := ""
	for i := 0; s.clock.now().Sub(began) < 15*time.Minute; i++ {
		tok, err := []*oauthflow.Manager{a, b}[i%2].Source(k).Replace(t.Context(), rejected)
		var e *oauthflow.Error
		switch {
		case err == nil && s.accepted(tok.AccessToken):
			worked++
			if since := s.clock.now().Sub(began) - settling; since >= 0 && settled < 0 {
				settled = since
			}
			time.Sleep(50 * time.Second / speed) // a session that is used, then ends
			s.org.ExpireSessions()
		case err == nil:
			rejected = tok.AccessToken
		case errors.As(err, &e) && e.Kind.Terminal():
			terminal++
		}
		time.Sleep(10 * time.Second / speed)
	}
	seen := s.since(mark)
	r.must(terminal == 0 && seen.replays == 0, "%d terminal, %d replays", terminal, seen.replays)
	r.must(worked > 5 && settled >= 0, "only %d successes", worked)
	r.within(time.Minute, settled, "the first success came %v after it had settled", settled)
	now, err := b.Load(t.Context(), k)
	r.must(err == nil && now.NextKey == "" && now.Status == oauthflow.StatusActive, "%+v, %v", now.Status, err)
	r.saw("%d successes, 0 terminal, success %v after the end, %d replays", worked, settled.Round(time.Second), seen.replays)
}
