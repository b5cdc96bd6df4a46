package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestF68MyDomainIsRenamedUnderLoad(t *testing.T) {
	const connections = 10
	r := drill(t, 68, fmt.Sprintf("an org whose My Domain is the login host of %d connections renames it under load of 2 processes × 16 goroutines; "+
		"sessions end, or live on; the old host redirects by 302, or by 307; later it is gone", connections),
		"0 calls fail, 1 refresh for each access token, 0 replays, 0 lost")
	calls, refreshes, redirects := 0, 0, 0
	for _, rename := range []orgtest.Rename{
		{Name: "acme-corp"}, {Name: "acme-corp", Status: 307}, {Name: "acme-corp", KeepSessions: true},
	} {
		s := newScene(t, 0, orgtest.Config{ApprovalLimit: 1000})
		s.host = strings.TrimPrefix(s.org.InstanceURL(), "https://")
		s.connect(connections)
		workers := s.workers(2)
		everybody(workers, order{Op: "call", Conns: s.indices(), Each: connections})
		hammer := order{Op: "hammer", Conns: s.indices(), Each: 16, Within: time.Minute}
		everybody(workers, hammer)
		mark := s.mark()
		time.Sleep(200 * time.Millisecond)
		must(t, s.org.Rename(rename))
		renewed := patiently(func() bool { return len(s.refreshed(mark, s.mark())) == connections })
		time.Sleep(500 * time.Millisecond) // who would refresh twice does so now
		sum := everybody(workers, order{Op: "halt"})
		a := s.since(mark)
		r.must(renewed && a.posts == connections && a.rotations == connections && a.replays == 0,
			"%+v: %d requests, %d rotations, %d replays", rename, a.posts, a.rotations, a.replays)
		if !renewed {
			return // never judged
		}
		for kind, n := range sum.Outcomes {
			r.must(kind == "ok" || kind == "left", "%+v: %d calls were told %s", rename, n, kind)
		}
		for _, e := range s.org.Ledger()[mark:] {
			if e.Event == "redirect" && e.Detail == tokenPath {
				redirects++
			}
		}
		calls, refreshes = calls+sum.Outcomes["ok"], refreshes+a.rotations

		s.org.RemoveOldDomains()
		s.org.ExpireSessions()
		after := everybody(workers, order{Op: "call", Conns: s.indices(), Each: connections})
		good, bad := s.healthy(time.Minute)
		a = s.since(mark)
		r.must(after.Outcomes["ok"] == 2*connections && good == connections && a.posts == 2*connections && a.replays == 0,
			"%+v: once the old host is gone %v, %d of %d healthy (%v), %d requests, %d replays",
			rename, after.Outcomes, good, connections, bad, a.posts-connections, a.replays)
	}
	r.must(redirects > 0 && calls > 1000, "%d requests for tokens were redirected, %d calls", redirects, calls)
	r.saw("%d calls fine, 0 failed, %d refreshes for %d access tokens, %d of their requests redirected first", calls, refreshes, 3*connections, redirects)
}
