package faults

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestF56RecordsMoveFromFilesToADatabase(t *testing.T) {
	r := drill(t, 56,
		"connections, an adoption and a login taken over from files into PostgreSQL under load, beside 2 workers with the files alone",
		"0 lost, 0 replays; the 2 serve what they have and are told the rest; nothing of worth left behind")
	s := newSceneOn(t, files, 40, orgtest.Config{RefreshTime: 30 * time.Millisecond}).hasty()
	former := s.place
	second, adopted, pending, again := key(40), key(41), key(42), key(43)
	before := s.manager(s.open())
	_, err := before.Complete(t.Context(), s.login(before, second))
	must(t, err)
	inherited, err := s.org.UserApproved(appName, userName)
	must(t, err)
	_, err = s.manager(s.open()).Adopt(t.Context(), adopted, s.client(), oauthflow.NewSecret(inherited))
	must(t, err)
	s.conns = append(s.conns, second, adopted)
	begun := s.login(before, pending)

	old := s.workers(2)
	s.place, s.former = newPlace(t, postgres), &former
	fresh := s.workers(3)
	faults := ""
	takeOver := func() {
		got, ok := fresh[0].do(order{Op: "take over"})
		r.must(ok, "the worker has died")
		faults += got.Err
	}
	stillOld := order{Op: "hammer", Conns: s.indices(), Each: 16, Within: 20 * time.Second}
	everybody(old, stillOld)
	var told reply
	good, a := s.loaded(fresh[1:], func() {
		time.Sleep(500 * time.Millisecond)
		takeOver()
		completed, _ := fresh[1].do(order{Op: "complete", Query: begun.Query})
		r.must(completed.Outcomes["ok"] == 1, "the login: %v, %s", completed.Outcomes, completed.Err)
		told = reply{Outcomes: map[string]int{}}
		patiently(func() bool { // until those with the files alone have met a connection that has left
			time.Sleep(500 * time.Millisecond)
			for kind, n := range everybody(old, order{Op: "halt"}).Outcomes {
				told.Outcomes[kind] += n
			}
			if told.Outcomes["store"] == 0 {
				everybody(old, stillOld)
			}
			return told.Outcomes["store"] > 0
		})
		for _, w := range old {
			w.kill()
		}
		takeOver() // nobody knows the files alone any more
	})
	s.conns = append(s.conns, pending)
	more, _ := s.healthy(30 * time.Second)
	_, err = s.manager(s.open()).Adopt(t.Context(), again, s.client(), oauthflow.NewSecret(inherited))
	r.must(errors.Is(err, oauthflow.ErrConnectedElsewhere), "an adopted token under another key: %v", err)
	marks, worth := s.leftIn(former)

	r.must(good == 42 && more == 43 && a.replays == 0, "%d and %d of 42 and 43 healthy, %d replays", good, more, a.replays)
	r.must(worth == "" && faults == "" && marks == 42, "%d marks and %s left behind, %s", marks, cmp.Or(worth, "nothing"), faults)
	r.must(a.rotations > len(s.conns), "only %d refreshes", a.rotations)
	for kind := range told.Outcomes {
		// A call is refused when the token that another process has stored has ended, too: all sessions end every 400 ms.
		passes := slices.Contains([]string{"ok", "left", "refused", string(oauthflow.KindBusy), string(oauthflow.KindNotSent)}, kind)
		known := passes || kind == string(oauthflow.KindStore)
		r.must(known, "a worker with the files alone was told %v", told.Outcomes)
	}
	r.must(told.Outcomes["store"] > 0, "no worker with the files alone was told anything")
	r.saw("%d requests, %d rotations, %d of 43 healthy, %d replays; %d marks left behind, %s else; with the files alone: %v",
		a.posts, a.rotations, more, a.replays, marks, cmp.Or(worth, "nothing"), told.Outcomes)
}

// leftIn counts the marks of connections that were taken over, and names what else is left but the hashes of adopted tokens.
func (s *scene) leftIn(former place) (marks int, worth string) {
	s.t.Helper()
	store := s.openAt(former)
	m := s.manager(store, func(c *oauthflow.ManagerConfig) { c.Former = nil })
	for r, err := range store.List(s.t.Context(), "", time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC)) {
		must(s.t, err)
		name, connection := strings.CutPrefix(r.ID, "connection/acme/")
		switch {
		case strings.HasPrefix(r.ID, "adopted/"):
		case !connection:
			worth += r.ID + " "
		default:
			_, err := m.Load(context.Background(), oauthflow.Key{Tenant: "acme", Name: name})
			if err == nil || !strings.Contains(err.Error(), "taken over into another store") {
				worth += r.ID + " "
			}
			marks++
		}
	}
	return marks, worth
}
