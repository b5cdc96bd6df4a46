package faults

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const day = 24 * time.Hour

func TestF40NobodyUsesTheFleetInVirtualTime(t *testing.T) {
	n, lasting := size(100, 2000), time.Duration(size(60, 400))*day
	r := drill(t, 40, fmt.Sprintf("%d connections, all made in one night and unused for %.0f days; idle limit 30 days; keep-alive in 2 processes", n, lasting.Hours()/24),
		"0 idle expiries, each refreshed within 25 days, ≤ 1 % of the fleet an hour and chance")
	dead, busiest := 0, 0
	var idlest time.Duration
	var a account
	synctest.Test(t, func(t *testing.T) {
		b := newBubble(t, 2, nil, tokenstore.NewMemory(), orgtest.Config{ApprovalLimit: n + 10, Existing: idleApp()})
		for i := 1; i < n; i++ {
			if _, err := b.managers[0].Complete(t.Context(), b.s.login(b.managers[0], key(i))); err != nil {
				t.Fatal(err)
			}
		}
		began, mark := time.Now(), b.s.mark()
		ctx, cancel := context.WithTimeout(t.Context(), lasting)
		defer cancel()
		ended := make(chan error)
		for _, m := range b.managers {
			go func() { ended <- m.KeepAlive(ctx) }()
		}
		for range b.managers {
			if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		}
		hours, used := map[int]int{}, map[int]time.Time{}
		for _, e := range b.org.Ledger()[mark:] {
			if e.Event != "refresh" {
				continue
			}
			hours[int(e.Time.Sub(began)/time.Hour)]++
			if last, ok := used[e.Approval]; ok {
				idlest = max(idlest, e.Time.Sub(last))
			} else {
				idlest = max(idlest, e.Time.Sub(began))
			}
			used[e.Approval] = e.Time
		}
		for _, count := range hours {
			busiest = max(busiest, count)
		}
		a = b.s.since(mark)
		for i := range n {
			if err := use(t.Context(), b.managers[i%2], b.s, key(i)); err != nil {
				dead++
			}
		}
	})
	// In its first period the fleet is spread evenly over 144 hours; of so many hours, the busiest has chance against it.
	limit := float64(n)/100 + 8*math.Sqrt(float64(n)/144)
	r.must(dead == 0 && a.replays == 0 && a.refused == 0, "%d connections died, %d replays, %d refused", dead, a.replays, a.refused)
	r.must(idlest <= 25*day && a.rotations >= n*int(lasting/(25*day)), "idle for %v, %d refreshes", idlest, a.rotations)
	r.must(float64(busiest) <= limit, "%d refreshes in an hour, want at most %.0f", busiest, limit)
	r.saw("%d refreshes, idle for %.1f days at most, %d in the busiest hour, %d died", a.rotations, idlest.Hours()/24, busiest, dead)
}

// idleApp is the app with a refresh token policy of 30 days.
func idleApp() map[string]string {
	app := installedApp()
	policy := "extlClntAppOauthPolicies/" + appName + "_oauthPlcy.ecaOauthPlcy"
	app[policy] = strings.Replace(app[policy], "Infinite</refreshTokenPolicyType>", "SpecificInactivity</refreshTokenPolicyType>"+
		"<refreshTokenValidityPeriod>30</refreshTokenValidityPeriod><refreshTokenValidityUnit>Days</refreshTokenValidityUnit>", 1)
	return app
}

func TestF41ASixthApprovalEndsTheOldest(t *testing.T) {
	lasting := time.Duration(size(1, 60)) * time.Second
	r := drill(t, 41, fmt.Sprint("one user approves the app six times; 4 processes × 64 goroutines use all six connections for ", lasting),
		"the oldest ends typed, with the reason, after 1 request at most and no login; the other five untouched")
	s := newScene(t, 5, orgtest.Config{ApprovalLimit: 5})
	workers := s.workers(4)
	everybody(workers, order{Op: "call", Conns: s.indices(), Each: 64})
	s.connect(1)
	s.org.ExpireSessions()
	mark := s.mark()
	everybody(workers, order{Op: "hammer", Conns: s.indices(), Each: 64, Within: 20 * time.Second})
	time.Sleep(lasting)
	sum := everybody(workers, order{Op: "halt"})
	a := s.since(mark)
	logins := 0
	for _, e := range s.org.Ledger()[mark:] {
		if e.Event == "authorize" || e.Event == "exchange" {
			logins++
		}
	}
	dead := string(oauthflow.KindGrantDead)
	r.must(a.posts-a.rotations <= 1 && a.rotations == 5 && a.replays == 0 && logins == 0, "%d requests, %d rotations, %d replays, %d logins", a.posts, a.rotations, a.replays, logins)
	r.must(sum.Outcomes[dead] > 100 && sum.Outcomes["ok"] > 100, "outcomes %v", sum.Outcomes)
	for o := range sum.Outcomes {
		r.must(o == dead || o == "ok" || o == "left", "outcomes %v", sum.Outcomes)
	}
	m, told := s.manager(s.open()), 0
	for _, k := range s.conns {
		var e *oauthflow.Error
		if _, err := m.Source(k).Token(); errors.As(err, &e) && strings.Contains(e.Sentence(), "pushed out by newer approvals") {
			told++
		}
	}
	r.must(told == 1, "%d connections say that newer approvals have pushed them out", told)
	r.saw("the oldest: %d callers told, %d request; the others: %d calls fine; %d logins", sum.Outcomes[dead], a.posts-a.rotations, sum.Outcomes["ok"], logins)
}
