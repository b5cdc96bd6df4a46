package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestF58ACallbackIsReplayedInTwoProcesses(t *testing.T) {
	n := size(100, 500)
	r := drill(t, 58, fmt.Sprint(n, " callbacks, each to two processes at the same time"), "exactly 1 code sent each, both shown its connection")
	s := newScene(t, 0, orgtest.Config{})
	workers := s.workers(2)
	m := s.manager(s.open())
	mark := s.mark()
	wrong := map[string]int{}
	for i := range n {
		cb := s.login(m, key(i))
		sum := everybody(workers, order{Op: "complete", Query: cb.Query})
		if sum.Outcomes["ok"] != 2 {
			wrong[fmt.Sprint(sum.Outcomes)]++
		}
	}
	exchanges := 0
	for _, e := range s.org.Ledger()[mark:] {
		if e.Event == "exchange" {
			exchanges++
		}
	}
	r.must(exchanges == n && len(wrong) == 0, "%d codes sent, wrong outcomes %v", exchanges, wrong)
	r.saw("%d codes sent for %d callbacks", exchanges, n)
}

func TestF60ATenantNamesAHostOfItsOwn(t *testing.T) {
	r := drill(t, 60, "hostile login hosts, instance URLs and API URLs", "0 connections are opened to them")
	s := newScene(t, 1, orgtest.Config{})
	var dials atomic.Int32
	rt := s.server.Transport()
	inner := rt.DialTLSContext
	rt.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if addr != "login.salesforce.com:443" && addr != "acme.my.salesforce.com:443" {
			dials.Add(1)
		}
		return inner(ctx, network, addr)
	}
	rt.DialContext = func(context.Context, string, string) (net.Conn, error) { dials.Add(1); return nil, errReset }
	m := s.manager(s.open(), s.over(rt))
	hosts := []string{"evil.example", "acme.my.salesforce.com.evil.example", "169.254.169.254", "[::1]", "localhost", "127.0.0.1", "acme.my.salesforce.com:8443",
		"http://acme.my.salesforce.com", "user@acme.my.salesforce.com", "acme.my.salesforce.com@evil.example", "evilsalesforce.com", "salesforce.com", "xn--acme.my.salesforce.com",
		"acme.my.salesforce.com.", "acme.my.salesforce.com%00.evil.example", "acme.my.salesforce.com\\.evil.example", "2130706433", "0x7f.1", "", "acme.my.site.com", "acme.force.com"}
	accepted := 0
	for _, h := range hosts {
		if h == "acme.my.salesforce.com." { // a complete DNS name, which is read as the host
			continue
		}
		if _, err := oauthflow.ParseHost(h); err == nil {
			accepted++
		}
	}
	client := &http.Client{Transport: m.Source(s.conns[0]).Transport(rt)}
	for _, h := range hosts {
		if strings.HasPrefix(h, "user@") { // a name before the host changes nothing about where a request goes
			continue
		}
		if resp, err := client.Get("https://" + h + "/services/data"); err == nil {
			resp.Body.Close()
			accepted++
		}
	}
	// An org that answers with an instance URL of somebody else.
	s.org.ExpireSessions()
	hostile := 0
	for _, h := range hosts[:12] {
		taint := &tainted{base: s.org.RoundTripper(), url: "https://" + h}
		f := s.flow(taint)
		_, err := f.Refresh(t.Context(), s.client(), &oauthflow.Token{RefreshToken: oauthflow.NewSecret("x")})
		if outcome(err) == string(oauthflow.KindBadAnswer) {
			hostile++
		}
	}
	r.must(dials.Load() == 0 && accepted == 0, "%d connections opened, %d accepted", dials.Load(), accepted)
	r.must(hostile == 12, "%d of 12 instance URLs refused", hostile)
	r.saw("%d hosts, %d accepted, %d connections opened, %d hostile instance URLs refused", len(hosts), accepted, dials.Load(), hostile)
}

// tainted answers token requests with an instance URL of its own.
type tainted struct {
	base http.RoundTripper
	url  string
}

func (t *tainted) RoundTrip(req *http.Request) (*http.Response, error) {
	return jsonResponse(req, map[string]string{"access_token": "00DTEST!x", "token_type": "Bearer", "instance_url": t.url,
		"id": "https://login.salesforce.com/id/00DTEST00000001AAA/005000000000001AAA"}), nil
}

// bubble is a scene in virtual time: one manager or more over a store in memory.
type bubble struct {
	org      *orgtest.Org
	store    tokenstore.Store
	tap      *tokenTap
	managers []*oauthflow.Manager
	s        *scene
}

func newBubble(t *testing.T, managers int, wrap func(http.RoundTripper) http.RoundTripper, store tokenstore.Store, cfg orgtest.Config) *bubble {
	t.Helper()
	ranOn(t, virtual)
	if cfg.Existing == nil {
		cfg.Existing = installedApp()
	}
	org, err := orgtest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	must(t, rotate(org, true))
	b := &bubble{org: org, tap: &tokenTap{base: org.RoundTripper(), issued: map[string]string{}}, store: store}
	b.s = &scene{t: t, org: org, sealing: tokenstore.GenerateSealingKey("k1"), conns: []oauthflow.Key{key(0)}}
	rt := http.RoundTripper(b.tap)
	if wrap != nil {
		rt = wrap(rt)
	}
	for range managers {
		b.managers = append(b.managers, b.s.manager(store, func(c *oauthflow.ManagerConfig) { c.Flow, c.Timing = b.s.flow(rt), oauthflow.Timing{} }))
	}
	if _, err := b.managers[0].Complete(t.Context(), b.s.login(b.managers[0], key(0))); err != nil {
		t.Fatal(err)
	}
	return b
}

// dawdling waits for a random moment before and after each call, so that interleavings vary.
type dawdling struct{ base http.RoundTripper }

func dawdle() { time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond) }

func (d dawdling) RoundTrip(req *http.Request) (*http.Response, error) {
	dawdle()
	resp, err := d.base.RoundTrip(req)
	dawdle()
	return resp, err
}

type dawdlingStore struct{ tokenstore.Store }

func (d dawdlingStore) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	dawdle()
	return d.Store.Load(ctx, id)
}

func (d dawdlingStore) Save(ctx context.Context, r tokenstore.Record) error {
	dawdle()
	err := d.Store.Save(ctx, r)
	dawdle()
	return err
}

func slowWire(rt http.RoundTripper) http.RoundTripper { return dawdling{rt} }

func TestF61AuthorizedAnewDuringARefreshInVirtualTime(t *testing.T) {
	n := size(500, 10_000)
	r := drill(t, 61, fmt.Sprint(n, " interleavings of a new login with a refresh"), "the new grant wins each time, the old one is revoked")
	overwritten, left, replays := 0, 0, 0
	for i := range n {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 2, slowWire, dawdlingStore{tokenstore.NewMemory()}, orgtest.Config{})
			refresh := b.refreshing(t, i%2 == 0)
			cb := b.s.login(b.managers[1], key(0))
			var all sync.WaitGroup
			all.Go(func() { dawdle(); refresh() })
			all.Go(func() {
				dawdle()
				dawdle()
				if _, err := b.managers[1].Complete(t.Context(), cb); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			time.Sleep(time.Minute)
			b.org.ExpireSessions()
			if err := use(t.Context(), b.managers[1], b.s, key(0)); err != nil {
				overwritten++
			}
			live := b.alive()
			if live[1] || !live[2] {
				left++
			}
			replays += b.s.since(0).replays
		})
	}
	r.must(overwritten == 0 && left == 0 && replays == 0, "%d overwritten, %d old grants left, %d replays", overwritten, left, replays)
	r.saw("%d overwritten, %d old grants left, %d replays", overwritten, left, replays)
}

func TestF62DisconnectedDuringARefreshInVirtualTime(t *testing.T) {
	n := size(500, 10_000)
	r := drill(t, 62, fmt.Sprint(n, " interleavings of a disconnection with a refresh: of a session that has ended, or a renewal of one that lives"), "disconnected each time, 0 live tokens")
	live, left := 0, 0
	for i := range n {
		synctest.Test(t, func(t *testing.T) {
			b := newBubble(t, 2, slowWire, dawdlingStore{tokenstore.NewMemory()}, orgtest.Config{})
			refresh := b.refreshing(t, i%2 == 0)
			var all sync.WaitGroup
			all.Go(func() { dawdle(); refresh() })
			all.Go(func() {
				dawdle()
				dawdle()
				if err := b.managers[1].Disconnect(t.Context(), key(0)); err != nil {
					t.Error(err)
				}
			})
			all.Wait()
			time.Sleep(time.Minute)
			if len(b.alive()) > 0 {
				live++
			}
			for access := range b.tap.issued {
				if b.s.accepted(access) {
					live++
				}
			}
			if _, err := b.managers[0].Load(t.Context(), key(0)); outcome(err) != string(oauthflow.KindNotConnected) {
				left++
			}
		})
	}
	r.must(live == 0 && left == 0, "%d live tokens, %d records", live, left)
	r.saw("%d live tokens, %d records left", live, left)
}

// refreshing has the first manager refresh the connection: because its session has ended, or before that.
func (b *bubble) refreshing(t *testing.T, ended bool) func() {
	t.Helper()
	old, err := b.managers[0].Source(key(0)).Token()
	if err != nil {
		t.Fatal(err)
	}
	if !ended {
		return func() { _ = b.managers[0].Renew(t.Context(), key(0)) }
	}
	b.org.ExpireSessions()
	return func() { _, _ = b.managers[0].Source(key(0)).Replace(t.Context(), old.AccessToken) }
}

// alive are the grants of the ledger that nobody has ended.
func (b *bubble) alive() map[int]bool {
	live := map[int]bool{}
	for _, e := range b.org.Ledger() {
		switch {
		case e.Event == "exchange" && e.Outcome == "ok":
			live[e.Approval] = true
		case e.Event == "revoke" && e.Presented > 0, e.Outcome == "reuse":
			delete(live, e.Approval)
		}
	}
	return live
}
