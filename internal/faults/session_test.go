package faults

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What PostgreSQL says of a statement that it has not done for the sake of others.
const (
	lockTimeout          = "55P03"
	serializationFailure = "40001"
	deadlock             = "40P01"
)

// refreshThrough has a new process refresh a connection over an interrupted database, and returns how its caller fared.
func (s *scene) refreshThrough(
	admin *sql.DB, k oauthflow.Key, dead string, plan interruption,
) (told error, statements, hit int, after error) {
	x, at := interrupt(s.t, s.place, admin, plan)
	m := s.manager(s.openAt(at))
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	x.arm()
	_, told = m.Source(k).Replace(ctx, dead)
	statements, hit = x.disarm()
	return told, statements, hit, use(ctx, m, s, k)
}

func TestF45EachStatementOfARefreshIsInterrupted(t *testing.T) {
	const lasting = 5500 * time.Millisecond // longer than sqlstore's patience
	s := newSceneOn(t, postgres, 1, orgtest.Config{})
	admin, err := sql.Open("pgx", s.place.DSN)
	must(t, err)
	t.Cleanup(func() { admin.Close() })
	dead := map[oauthflow.Key]string{}
	expire := func() {
		m := s.manager(s.open())
		for _, k := range s.conns {
			tok, err := m.Source(k).Token()
			must(t, err)
			dead[k] = tok.AccessToken
		}
		s.org.ExpireSessions()
	}
	expire()
	told, statements, _, after := s.refreshThrough(admin, s.conns[0], dead[s.conns[0]], interruption{})
	if told != nil || after != nil || statements < 4 {
		t.Fatalf("%v, %v, %d statements", told, after, statements)
	}

	r := drill(t, 45, fmt.Sprintf("each of the %d statements of a refresh: its session is ended before it, or after it was done; "+
		"the answer is a lock timeout, serialization failure or deadlock, once; lock timeouts for %v",
		statements, lasting), "1 request each, 0 lost, 0 replays; what is undone is done again unseen, else typed as the store's")
	var cells []interruption
	for at := 1; at <= statements; at++ {
		cells = append(cells, interruption{at: at, what: lockTimeout, during: lasting})
		for _, what := range []string{"before", "after", lockTimeout, serializationFailure, deadlock} {
			cells = append(cells, interruption{at: at, what: what})
		}
	}
	s.connect(len(cells))
	expire()
	mark := s.mark()
	var mu sync.Mutex
	var all sync.WaitGroup
	slots := make(chan struct{}, 12) // a database lets in a hundred, from others, too
	outcomes := map[string]int{}
	for i, c := range cells {
		k := s.conns[i+1]
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			told, _, hit, after := s.refreshThrough(admin, k, dead[k], c)
			mu.Lock()
			defer mu.Unlock()
			outcomes[outcome(told)]++
			r.must(hit >= 1 && c.right(statements, told), "%+v: interrupted %d times, and told %v", c, hit, told)
			r.must(after == nil, "%+v: afterwards %v", c, after)
		})
	}
	all.Wait()
	a := s.since(mark)
	for approval, posts := range s.postsOf(mark) {
		r.must(posts == 1, "%d requests for approval %d", posts, approval)
	}
	good, bad := s.healthy(20 * time.Second)
	r.must(good == len(s.conns) && a.replays == 0, "%d lost (%v), %d replays", len(s.conns)-good, bad, a.replays)
	r.must(a.posts == len(cells) && a.rotations == a.posts, "%d requests and %d rotations of %d", a.posts, a.rotations, len(cells))
	r.saw("%d interruptions, callers told %v, %d requests, %d lost, %d replays",
		len(cells), outcomes, a.posts, len(s.conns)-good, a.replays)
}

// right reports whether a caller may be told that. The last statement saves the result and the one before it the intent.
func (c interruption) right(statements int, told error) bool {
	ok, store := told == nil, outcome(told) == string(oauthflow.KindStore)
	switch {
	case c.at == statements: // what has been answered is saved, however often it takes
		return ok
	case c.during == 0 && c.what != "before" && c.what != "after": // it was undone, and is done again
		return ok
	case c.at == statements-1 && c.what == "after": // the record is read again, and the intent in it is this one
		return ok
	case c.at == statements-1, c.at == 1:
		return store
	}
	return ok || store
}
