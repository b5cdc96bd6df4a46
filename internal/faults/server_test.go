package faults

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestF28ARetryAfterIsKeptByAllProcesses(t *testing.T) {
	window := time.Duration(size(3, 20)) * time.Second
	r := drill(t, 28, fmt.Sprintf("503 and 429 with Retry-After of %v, 4 processes want the connection that was put off", window), "no request within the window from any process, then all of 10 heal")
	inside := 0
	var mu sync.Mutex
	var both sync.WaitGroup
	for _, status := range []int{503, 429} { // at the same time: most of it is waiting
		s := newScene(t, 10, orgtest.Config{})
		workers := s.workers(4)
		everybody(workers, order{Op: "call", Conns: s.indices(), Each: 20})
		must(t, s.org.Inject(orgtest.Fault{Path: tokenPath, Status: status, Header: http.Header{"Retry-After": {fmt.Sprint(int(window.Seconds()))}}}))
		s.org.ExpireSessions()
		mark := s.mark()
		both.Go(func() {
			workers[0].do(order{Op: "call", Conns: []int{0}, Each: 1, Within: time.Millisecond * 300})
			began := time.Now()
			everybody(workers, order{Op: "hammer", Conns: []int{0}, Each: 16, Within: 20 * time.Second})
			time.Sleep(time.Until(began.Add(window - 700*time.Millisecond)))
			posts := s.since(mark).posts
			everybody(workers, order{Op: "halt"})
			good, bad := s.healthy(window + time.Minute)
			mu.Lock()
			defer mu.Unlock()
			inside += posts
			r.must(good == 10, "%d did not heal (%v)", 10-good, bad)
			r.must(s.since(mark).replays == 0, "a replay")
		})
	}
	both.Wait()
	r.must(inside == 0, "%d requests within the window", inside)
	r.saw("%d requests within two windows of %v; all healed", inside, window)
}

func TestF29SlowAnswers(t *testing.T) {
	r := drill(t, 29, "answers of 1 byte every 2 ms, 3 s of silence, and half-closed connections, 3 × 10 callers with 200 ms", "callers leave on their deadline, every late token is stored")
	s := newScene(t, 30, orgtest.Config{})
	s.org.ExpireSessions()
	mark := s.mark()
	drip := func(c net.Conn) net.Conn {
		return &brokenConn{Conn: c, read: func(b []byte) (int, error) { time.Sleep(2 * time.Millisecond); return c.Read(b[:1]) }}
	}
	silent := func(c net.Conn) net.Conn {
		var once sync.Once
		return &brokenConn{Conn: c, read: func(b []byte) (int, error) { once.Do(func() { time.Sleep(3 * time.Second) }); return c.Read(b) }}
	}
	half := func(c net.Conn) net.Conn {
		return &brokenConn{Conn: c, write: func(b []byte) (int, error) {
			n, err := c.Write(b)
			if closer, ok := c.(interface{ CloseWrite() error }); ok {
				time.AfterFunc(10*time.Millisecond, func() { _ = closer.CloseWrite() })
			}
			return n, err
		}}
	}
	var latest atomic.Int64
	var all sync.WaitGroup
	for i, wrap := range []func(net.Conn) net.Conn{drip, silent, half} {
		m := s.manager(s.open(), s.over(s.breaking(wrap)))
		for _, k := range s.conns[i*10 : i*10+10] {
			all.Go(func() {
				tok, err := m.Source(k).Token()
				if err != nil {
					t.Error(err)
					return
				}
				ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
				defer cancel()
				began := time.Now()
				_, _ = m.Source(k).Replace(ctx, tok.AccessToken)
				late := int64(time.Since(began) - 200*time.Millisecond)
				for old := latest.Load(); late > old && !latest.CompareAndSwap(old, late); old = latest.Load() {
				}
			})
		}
	}
	all.Wait()
	time.Sleep(5 * time.Second)
	a := s.since(mark)
	good, bad := s.healthy(20 * time.Second)
	r.within(50*time.Millisecond, time.Duration(latest.Load()), "a caller left %v late", time.Duration(latest.Load()))
	r.must(good == 30 && a.rotations == 30 && a.posts == 30, "%d healthy (%v), %d rotations, %d requests", good, bad, a.rotations, a.posts)
	r.saw("left at most %v late; %d of 30 late tokens stored; %d replays", time.Duration(latest.Load()).Round(time.Millisecond), good, a.replays)
}

func TestF31RedirectsAreNotFollowed(t *testing.T) {
	r := drill(t, 31, "301, 302, 303, 307 and 308 from token, revoke and introspect to another host", "0 bytes at the second host")
	s := newScene(t, 5, orgtest.Config{})
	s.org.ExpireSessions()
	var elsewhere atomic.Int32
	first := "login.salesforce.com"
	rt := s.server.Transport()
	dial := rt.DialTLSContext
	rt.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if !strings.HasPrefix(addr, first+":") {
			elsewhere.Add(1)
		}
		return dial(ctx, network, addr)
	}
	rt.DialContext = func(context.Context, string, string) (net.Conn, error) { elsewhere.Add(1); return nil, errReset }
	f, token := s.flow(rt), &oauthflow.Token{RefreshToken: oauthflow.NewSecret(s.grants[s.conns[0]])}
	endpoints := map[string]func() error{
		"token":      func() error { _, err := f.Refresh(t.Context(), s.client(), token); return err },
		"revoke":     func() error { return f.Revoke(t.Context(), s.client(), token) },
		"introspect": func() error { _, err := f.Introspect(t.Context(), s.client(), token); return err },
	}
	tried, refused := 0, 0
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"https://test.salesforce.com", "http://login.salesforce.com", "https://evil.example"} {
			for path, ask := range endpoints {
				location := http.Header{"Location": {to + "/services/oauth2/" + path}}
				if err := s.org.Inject(orgtest.Fault{Path: "/services/oauth2/" + path, Status: status, Header: location}); err != nil {
					t.Fatal(err)
				}
				want := oauthflow.KindInvalid // a login host that is not the org's any more
				if to == "https://evil.example" {
					want = oauthflow.KindUnknownAnswer // somebody in between, who says nothing of the login host
				}
				if tried++; outcome(ask()) == string(want) {
					refused++
				}
			}
		}
	}
	r.must(elsewhere.Load() == 0, "%d connections to another host", elsewhere.Load())
	r.must(tried == 45 && refused == tried, "%d of %d refused as what they are", refused, tried)
	r.saw("%d connections to the second host, %d of %d typed", elsewhere.Load(), refused, tried)
}

// rogue spends a refresh token as somebody else who has it.
func (s *scene) rogue(refresh string) int {
	c := s.client()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}}
	req, err := http.NewRequest(http.MethodPost, "https://"+s.org.LoginHost()+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := s.org.RoundTripper().RoundTrip(req)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestF38SomebodyElseHasOurToken(t *testing.T) {
	r := drill(t, 38, "a foreign client refreshes with our token; 4 processes × 16 goroutines go on", "1 request of ours at most, the event once, other connections untouched")
	s := newScene(t, 5, orgtest.Config{})
	workers := s.workers(4)
	// A rotation must have been seen once, so that the manager knows what a dead token means. The thief takes the new one.
	tap := &tokenTap{base: s.org.RoundTripper(), issued: map[string]string{}}
	m := s.manager(s.open(), s.over(tap))
	tok, err := m.Source(s.conns[0]).Token()
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := m.Source(s.conns[0]).Replace(t.Context(), tok.AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if status := s.rogue(tap.refreshOf(fresh.AccessToken)); status != 200 {
		t.Fatalf("the thief got %d", status)
	}
	s.org.ExpireSessions()
	mark := s.mark()
	everybody(workers, order{Op: "hammer", Conns: s.indices(), Each: 16, Within: 10 * time.Second})
	time.Sleep(3 * time.Second)
	sum := everybody(workers, order{Op: "halt"})
	ours := 0
	for _, e := range s.org.Ledger()[mark:] {
		if e.Event == "refresh" && e.Outcome != "ok" {
			ours++
		}
	}
	a := s.since(mark)
	r.must(ours == 1 && a.rotations == 4, "%d requests for the stolen one, %d rotations of the 4 others", ours, a.rotations)
	r.must(sum.Events[string(oauthflow.EventReplay)] == 1, "events %v", sum.Events)
	r.must(sum.Outcomes["ok"] > 100, "outcomes %v", sum.Outcomes)
	r.saw("%d request, event %d time, %d calls of others fine", ours, sum.Events[string(oauthflow.EventReplay)], sum.Outcomes["ok"])
}
func TestF32AnotherRefreshIsBeingProcessed(t *testing.T) {
	lasting := 5 * time.Second
	r := drill(t, 32, "a foreign refresh of the same token holds the org's lock for 5 s and is dropped", "no end of the connection; success ≤ 6 s, ≤ 5 requests")
	s := newScene(t, 1, orgtest.Config{})
	m := s.manager(s.open())
	tok, err := m.Source(s.conns[0]).Token()
	if err != nil {
		t.Fatal(err)
	}
	s.org.ExpireSessions()
	mark := s.mark()
	if err := s.org.Inject(orgtest.Fault{Path: tokenPath, Delay: lasting, Drop: orgtest.DropBefore}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() { s.rogue(s.grants[s.conns[0]]) })
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	_, err = m.Source(s.conns[0]).Replace(t.Context(), tok.AccessToken)
	took := time.Since(began)
	all.Wait()
	a := s.since(mark)
	r.must(err == nil, "%v after %v", err, took)
	r.within(6*time.Second, took, "it took %v", took)
	r.must(a.posts <= 5 && a.replays == 0, "%d requests, %d replays", a.posts, a.replays)
	r.saw("success after %.1f s, %d requests, %d replays", took.Seconds(), a.posts, a.replays)
}

func TestF34TheLoginHostIsDown(t *testing.T) {
	outage, connections := time.Duration(size(6, 1800))*time.Second, size(500, 5000)
	const processes = 4
	most := processes * (int(outage/time.Second) + 8 + 16) // a probe a second, after those it took to see it
	r := drill(t, 34, fmt.Sprintf("the login host is down for %v, %d connections want it from %d processes", outage, connections, processes),
		fmt.Sprintf("at most %d tries, one a second and process in its second half; then all heal within 5 min, in no burst of 3 times the mean; 0 lost, 0 replays", most))
	s := newScene(t, connections, orgtest.Config{})
	relay := servers.StartRelay(t, s.server.Addr())
	workers := s.workers(processes, func(sc *script) { sc.LoginAddr = relay.Addr() })
	everybody(workers, order{Op: "call", Conns: s.indices(), Each: connections})
	relay.Turn("")
	s.org.ExpireSessions()
	mark := s.mark()
	everybody(workers, order{Op: "hammer", Conns: s.indices(), Each: 64, Within: 5 * time.Second})
	time.Sleep(outage / 2)
	settled := relay.Away()
	time.Sleep(outage / 2)
	tries := relay.Away()
	relay.Turn(s.server.Addr())
	began := time.Now()
	for time.Since(began) < 5*time.Minute && s.since(mark).rotations < connections {
		time.Sleep(50 * time.Millisecond)
	}
	took := time.Since(began)
	everybody(workers, order{Op: "halt"})
	a := s.since(mark)
	r.must(tries <= most && tries >= processes, "%d tries", tries)
	r.must(tries-settled <= processes*(int(outage/2/time.Second)+1), "%d tries in the second half of %v", tries-settled, outage)
	burst := s.burst(mark, took)
	r.must(burst <= 3, "the busiest tenth of the recovery saw %.1f times the mean", burst)
	r.must(a.rotations == connections && a.posts == connections && a.replays == 0, "%d rotations, %d requests, %d replays", a.rotations, a.posts, a.replays)
	good, bad := s.healthy(30 * time.Second)
	r.must(good == connections, "%d lost (%v)", connections-good, bad)
	r.saw("%d tries, %d in the second half; healed within %v, %.1f times the mean at most, with %d requests, %d lost, %d replays", tries, tries-settled, took.Round(100*time.Millisecond), burst, a.posts, connections-good, a.replays)
}

// burst is how many times the mean rate the refreshes since a mark reached in the busiest tenth of a time.
func (s *scene) burst(mark int, within time.Duration) float64 {
	var first time.Time
	var tenths [10]int
	all := 0
	for _, e := range s.org.Ledger()[mark:] {
		if e.Event != "refresh" {
			continue
		}
		if first.IsZero() {
			first = e.Time
		}
		tenths[min(int(10*e.Time.Sub(first)/within), 9)]++
		all++
	}
	return float64(slices.Max(tenths[:])) * 10 / float64(max(all, 1))
}
