package faults

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// breaking returns a transport whose connections are wrapped.
func (s *scene) breaking(wrap func(net.Conn) net.Conn) *http.Transport {
	t := s.server.Transport()
	dial := t.DialTLSContext
	t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return wrap(c), nil
	}
	return t
}

func (s *scene) over(rt http.RoundTripper) func(*oauthflow.ManagerConfig) {
	return func(c *oauthflow.ManagerConfig) { c.Flow = s.flow(rt) }
}

// brokenConn runs functions in place of reads and writes.
type brokenConn struct {
	net.Conn
	read, write func([]byte) (int, error)
}

func (c *brokenConn) Read(b []byte) (int, error) {
	if c.read != nil {
		return c.read(b)
	}
	return c.Conn.Read(b)
}

func (c *brokenConn) Write(b []byte) (int, error) {
	if c.write != nil {
		return c.write(b)
	}
	return c.Conn.Write(b)
}

var errReset = errors.New("connection reset by peer")

// eachWayOfLosing does something over all ways of losing an answer, at the same time but for the last: the gateway of that
// one follows the requests of the others.
func (s *scene) eachWayOfLosing(do func(i int, rt http.RoundTripper)) {
	ways := s.losing()
	last := len(ways) - 1
	var all sync.WaitGroup
	for i, rt := range ways[:last] {
		all.Go(func() { do(i, rt) })
	}
	all.Wait()
	do(last, ways[last])
}

// losing are the ways in which an answer gets lost on its way back.
func (s *scene) losing() []*http.Transport {
	reset := s.breaking(func(c net.Conn) net.Conn {
		return &brokenConn{Conn: c, read: func(b []byte) (int, error) { _, _ = c.Read(b); c.Close(); return 0, errReset }}
	})
	finished := s.breaking(func(c net.Conn) net.Conn {
		return &brokenConn{Conn: c, read: func(b []byte) (int, error) { _, _ = c.Read(b); return 0, io.EOF }}
	})
	cut := s.breaking(func(c net.Conn) net.Conn {
		n := 0
		return &brokenConn{Conn: c, read: func(b []byte) (int, error) {
			if n++; n > 1 {
				return 0, io.ErrUnexpectedEOF
			}
			return c.Read(b[:min(len(b), 40)])
		}}
	})
	timedOut := s.breaking(func(c net.Conn) net.Conn {
		return &brokenConn{Conn: c, read: func(b []byte) (int, error) {
			_, _ = c.Read(b)
			time.Sleep(300 * time.Millisecond)
			return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
		}}
	})
	return []*http.Transport{reset, finished, cut, timedOut, s.server.Transport()} // the last is for a gateway's page
}

func TestF24TheAnswerIsLostAfterTheRotation(t *testing.T) {
	r := drill(t, 24, "reset, end of stream, cut, timeout and gateway page in place of the answer, 5 × 10 connections", "exactly 1 request each and 0 replays while anything may be lost")
	s := newScene(t, 50, orgtest.Config{})
	s.timing.Lease = 2 * time.Second
	s.org.ExpireSessions()
	mark := s.mark()
	if err := s.org.Inject(orgtest.Fault{Path: tokenPath, Skip: 40, Times: 10, Status: 504, Acts: true}); err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int{}
	var mu sync.Mutex
	s.eachWayOfLosing(func(i int, rt http.RoundTripper) {
		m := s.manager(s.open(), s.over(rt))
		seen := insist(m, s.conns[i*10:i*10+10], 3*time.Second)
		mu.Lock()
		defer mu.Unlock()
		for o, n := range seen {
			outcomes[o] += n
		}
	})
	a := s.since(mark)
	r.must(a.posts == 50 && a.rotations == 50 && a.replays == 0, "%d requests, %d rotations, %d replays", a.posts, a.rotations, a.replays)
	r.must(outcomes["ok"] == 0, "outcomes %v", outcomes)
	r.saw("%d requests for 50 connections, %d replays, %d introspections", a.posts, a.replays, a.introspections)
}

func TestF24TheAnswerOfARenewalIsLostWhileTheSessionLives(t *testing.T) {
	r := drill(t, 24, "the same while the sessions live, in a renewal; time to give up has come", "the living token is served all the time, exactly 1 request each, 0 replays; once it ends, 1 more and told")
	s := newScene(t, 50, orgtest.Config{})
	s.timing = scaled()
	s.timing.LastTry = time.Second // which no renewal uses
	mark := s.mark()
	if err := s.org.Inject(orgtest.Fault{Path: tokenPath, Skip: 40, Times: 10, Status: 504, Acts: true}); err != nil {
		t.Fatal(err)
	}
	var served, refused atomic.Int32
	renewed := tally{outcomes: map[string]int{}, said: said()}
	for i, rt := range s.losing() {
		m, other := s.manager(s.open(), s.over(rt)), s.manager(s.open(), s.over(rt))
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(size(2, 4))*time.Second)
		var all sync.WaitGroup
		for _, k := range s.conns[i*10 : i*10+10] {
			for _, m := range []*oauthflow.Manager{m, other} {
				all.Go(func() {
					for ctx.Err() == nil {
						renewed.add(m.Renew(ctx, k), 0)
						time.Sleep(20 * time.Millisecond)
					}
				})
				all.Go(func() {
					for ctx.Err() == nil {
						if tok, err := m.Source(k).Token(); err == nil && s.accepted(tok.AccessToken) {
							served.Add(1)
						} else {
							t.Logf("not served: %v", err)
							refused.Add(1)
						}
						time.Sleep(20 * time.Millisecond)
					}
				})
			}
		}
		all.Wait()
		cancel()
	}
	a := s.since(mark)
	r.must(a.posts == 50 && a.rotations == 50 && a.replays == 0, "%d requests, %d rotations, %d replays", a.posts, a.rotations, a.replays)
	r.must(refused.Load() == 0 && served.Load() > 5000, "%d calls served, %d not", served.Load(), refused.Load())
	r.must(renewed.outcomes["ok"] == 0 && renewed.outcomes[string(oauthflow.KindInDoubt)] > 0, "renewals %v", renewed.outcomes)
	s.org.ExpireSessions()
	last := s.manager(s.open())
	told := s.each(last, s.conns, time.Minute)
	for range 5 { // on a loaded machine a lease may end before the request leaves
		if told[string(oauthflow.KindGrantDead)] == len(s.conns) {
			break
		}
		time.Sleep(time.Second)
		told = s.each(last, s.conns, time.Minute)
	}
	after := s.since(mark)
	r.must(told[string(oauthflow.KindGrantDead)] == 50 && after.posts == 100, "once the sessions have ended: %v, %d requests", told, after.posts)
	r.saw("%d calls served and %d not, %d requests for 50 connections, %d replays; afterwards %v", served.Load(), refused.Load(), a.posts, a.replays, told)
}

// insist has three callers a connection replace its token for a while, coming back at once.
func insist(m *oauthflow.Manager, conns []oauthflow.Key, lasting time.Duration) map[string]int {
	c := tally{outcomes: map[string]int{}, said: said()}
	ctx, cancel := context.WithTimeout(context.Background(), lasting)
	defer cancel()
	var all sync.WaitGroup
	for _, k := range conns {
		dead := ""
		if tok, err := m.Source(k).TokenContext(ctx); err == nil {
			dead = tok.AccessToken
		}
		for range 3 {
			all.Go(func() {
				for ctx.Err() == nil {
					_, err := m.Source(k).Replace(ctx, dead)
					c.add(err, 0)
					if err == nil {
						return
					}
					time.Sleep(20 * time.Millisecond)
				}
			})
		}
	}
	all.Wait()
	return c.outcomes
}

func TestF25TheRequestNeverLeaves(t *testing.T) {
	r := drill(t, 25, "no such host, refused, untrusted certificate, proxy 407, 3 connections each", "typed as not sent, ≤ 6 tries a minute and connection, 0 lost")
	s := newScene(t, 12, orgtest.Config{})
	s.org.ExpireSessions()
	mark := s.mark()
	var tries atomic.Int32
	failing := func(err error) *http.Transport {
		return &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) { tries.Add(1); return nil, err }}
	}
	untrusted := &http.Transport{DialTLSContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
		tries.Add(1)
		host, _, _ := net.SplitHostPort(addr)
		return (&tls.Dialer{Config: &tls.Config{ServerName: host}}).DialContext(ctx, "tcp", s.server.Addr())
	}}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { tries.Add(1); w.WriteHeader(407) }))
	defer proxy.Close()
	proxyURL, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]map[string]int, 4)
	lasting := 7 * time.Second
	var all sync.WaitGroup
	for i, rt := range []*http.Transport{
		failing(&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "login.salesforce.com", IsNotFound: true}}),
		failing(&net.OpError{Op: "dial", Err: errors.New("connection refused")}),
		untrusted,
		{Proxy: http.ProxyURL(proxyURL)},
	} {
		m := s.manager(s.open(), s.over(rt))
		all.Go(func() { outcomes[i] = insist(m, s.conns[i*3:i*3+3], lasting) })
	}
	all.Wait()
	a := s.since(mark)
	n := int(tries.Load())
	good, bad := s.healthy(2 * time.Minute) // as long as the last back-off
	r.must(a.posts == 0, "%d requests arrived", a.posts)
	// By the least pauses, of 1, 2 and 4 s, a connection is tried at 0, 1, 3 and 7 s, and at 15, 31 and 63 s.
	r.must(n <= 4*len(s.conns) && n >= len(s.conns), "%d tries of %d connections", n, len(s.conns))
	r.must(good == len(s.conns), "%d lost (%v)", len(s.conns)-good, bad)
	for i, how := range []string{"no such host", "refused", "untrusted", "proxy"} {
		r.must(outcomes[i][string(oauthflow.KindNotSent)] > 0, "%s: outcomes %v, none is typed as not sent", how, outcomes[i])
		for o := range outcomes[i] {
			r.must(o == string(oauthflow.KindNotSent) || o == string(oauthflow.KindBusy) || o == "left", "%s: outcomes %v", how, outcomes[i])
		}
	}
	r.saw("%d tries of %d connections in %v, %d lost", n, len(s.conns), lasting, len(s.conns)-good)
}

func TestF26TheRequestIsCutAfterEachByte(t *testing.T) {
	step := size(9, 1)
	r := drill(t, 26, fmt.Sprintf("the request is cut after k bytes, k = 0 to all, every %d", step), "0 replays; each connection recovers, since the org never acted")
	const most = 900 // more than a request has
	s := newScene(t, most/step+1, orgtest.Config{}).hasty()
	s.org.ExpireSessions()
	mark := s.mark()
	var all sync.WaitGroup
	var recovered, cut, whole atomic.Int32
	store := s.open() // one for all: a database lets in a hundred
	slots := make(chan struct{}, 24)
	for i, k := range s.conns {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			left := i * step
			var mu sync.Mutex
			var broken net.Conn // the first that a request is written to
			isCut, read := false, false
			rt := s.breaking(func(c net.Conn) net.Conn {
				return &brokenConn{Conn: c, write: func(b []byte) (int, error) {
					mu.Lock()
					defer mu.Unlock()
					if broken == nil {
						broken = c
					}
					if broken != c {
						return c.Write(b)
					}
					if len(b) <= left {
						left -= len(b)
						return c.Write(b)
					}
					cut.Add(1)
					isCut = true
					n, _ := c.Write(b[:left])
					c.Close()
					return n, errReset
				}, read: func(b []byte) (int, error) {
					n, err := c.Read(b)
					mu.Lock()
					defer mu.Unlock()
					if c == broken && !isCut && n > 0 && !read {
						read = true
						whole.Add(1)
					}
					return n, err
				}}
			})
			m := s.manager(store, s.over(rt))
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := use(ctx, m, s, k); err != nil {
				t.Errorf("cut after %d bytes: %v", i*step, err)
				return
			}
			recovered.Add(1)
		})
	}
	all.Wait()
	a := s.since(mark)
	r.must(a.replays == 0 && int(recovered.Load()) == len(s.conns), "%d replays, %d of %d recovered", a.replays, recovered.Load(), len(s.conns))
	r.must(a.rotations == len(s.conns), "%d rotations for %d connections", a.rotations, len(s.conns))
	r.must(int(cut.Load()) > len(s.conns)/2 && whole.Load() > 0 && int(cut.Load()+whole.Load()) == len(s.conns), "%d were cut, %d whole", cut.Load(), whole.Load())
	r.saw("%d cuts, %d replays, %d recovered, %d requests were whole", cut.Load(), a.replays, recovered.Load(), whole.Load())
}

func TestF27GatewaysThatEchoTheForm(t *testing.T) {
	r := drill(t, 27, "500, 502, 503 and 504 whose page echoes the form; 500, 502 and 504 also after the org acted", "no secret in errors or logs, 0 replays")
	var log bytes.Buffer
	var mu sync.Mutex
	secrets := map[string]bool{}
	replays, errorsSeen := 0, 0
	var all sync.WaitGroup
	for _, status := range []int{500, 502, 503, 504} {
		for _, acts := range []bool{false, true} {
			if status == 503 && acts { // 503 says that nothing was done
				continue
			}
			s := newScene(t, 1, orgtest.Config{}).hasty()
			s.org.ExpireSessions()
			mark := s.mark()
			echo := echoing{base: s.org.RoundTripper(), status: status, acts: acts, note: func(form string) {
				values, _ := url.ParseQuery(form)
				mu.Lock()
				defer mu.Unlock()
				for _, name := range []string{"refresh_token", "client_secret"} {
					secrets[values.Get(name)] = true
				}
			}}
			m := s.manager(s.open(), s.over(&echo), func(c *oauthflow.ManagerConfig) {
				c.Logger = slog.New(slog.NewTextHandler(&lockedWriter{w: &log, mu: &mu}, &slog.HandlerOptions{Level: slog.LevelDebug}))
			})
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
				defer cancel()
				tok, err := m.Source(s.conns[0]).TokenContext(ctx)
				if err != nil {
					t.Error(err)
					return
				}
				for ctx.Err() == nil {
					_, err := m.Source(s.conns[0]).Replace(ctx, tok.AccessToken)
					if err == nil {
						break
					}
					mu.Lock()
					errorsSeen++
					fmt.Fprintf(&log, "%v %+v %#v\n", err, err, err)
					mu.Unlock()
					time.Sleep(20 * time.Millisecond)
				}
				mu.Lock()
				replays += s.since(mark).replays
				mu.Unlock()
			})
		}
	}
	all.Wait()
	mu.Lock()
	defer mu.Unlock()
	leaks := 0
	for secret := range secrets {
		if len(secret) > 8 && (strings.Contains(log.String(), secret) || strings.Contains(log.String(), url.QueryEscape(secret))) {
			leaks++
		}
	}
	r.must(leaks == 0 && replays == 0, "%d secrets leaked, %d replays", leaks, replays)
	r.must(len(secrets) >= 14 && errorsSeen > 0, "%d secrets, %d errors looked at", len(secrets), errorsSeen)
	r.saw("%d secrets looked for in %d errors: %d leaked; %d replays", len(secrets), errorsSeen, leaks, replays)
}

// echoing is a gateway that fails the first refresh with a page that shows the form.
type echoing struct {
	base   http.RoundTripper
	status int
	acts   bool
	note   func(form string)
	once   sync.Once
}

func (e *echoing) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != tokenPath {
		return e.base.RoundTrip(req)
	}
	form, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	e.note(string(form))
	req.Body = io.NopCloser(bytes.NewReader(form))
	var page *http.Response
	e.once.Do(func() {
		if e.acts {
			if resp, err := e.base.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		}
		page = &http.Response{StatusCode: e.status, Header: http.Header{"Content-Type": {"text/html"}}, Request: req,
			Body: io.NopCloser(strings.NewReader("<html><pre>" + string(form) + "</pre></html>"))}
	})
	if page != nil {
		return page, nil
	}
	return e.base.RoundTrip(req)
}

type lockedWriter struct {
	w  io.Writer
	mu *sync.Mutex
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
