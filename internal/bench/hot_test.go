package bench

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/auth"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/go-resty/resty/v2"
	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestAnAccessTokenFromMemoryAllocatesNothing(t *testing.T) {
	s := adopt(t, manager(t, &transport{}, tokenstore.NewMemory()), acme)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.TokenContext(ctx); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("TokenContext allocates %v times", n)
	}
}

func TestTheTransportAddsFewAllocations(t *testing.T) {
	rt := &transport{}
	s := adopt(t, manager(t, rt, tokenstore.NewMemory()), acme)
	ours, req := s.Transport(rt), apiRequest(t)
	if added := testing.AllocsPerRun(1000, func() { trip(ours, req) }) - testing.AllocsPerRun(1000, func() { trip(rt, req) }); added > 4 {
		t.Errorf("the transport adds %v allocations, at most 4 are meant", added)
	}
}

func apiRequest(t testing.TB) *http.Request {
	req, err := http.NewRequest("GET", "https://acme.my.salesforce.com/services/data", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "application/json")
	return req
}

func trip(rt http.RoundTripper, req *http.Request) {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
}

type limitToken struct {
	token *oauth2.Token
	until time.Duration
}

type awsProvider struct{}

func (awsProvider) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
}

type cloudProvider struct{}

func (cloudProvider) Token(context.Context) (*auth.Token, error) {
	return &auth.Token{Value: "a", Expiry: time.Now().Add(time.Hour)}, nil
}

func TestRow1TheHotPath(t *testing.T) {
	quiet(t)
	ctx := t.Context()
	ours := adopt(t, manager(t, &transport{}, tokenstore.NewMemory()), acme)
	base := time.Now()
	var limit atomic.Pointer[limitToken]
	limit.Store(&limitToken{&oauth2.Token{AccessToken: "a"}, time.Hour})
	x := oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Hour)}, nil)
	cache := aws.NewCredentialsCache(awsProvider{})
	cloud := auth.NewCachedTokenProvider(cloudProvider{}, nil)
	noexp := oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: "a"}, nil)
	var sink atomic.Pointer[oauth2.Token]
	measure := func(g, longer int) []row {
		got := paired(g, 60*longer, time.Millisecond,
			alternative{"atomic load and clock", func() {
				if v := limit.Load(); time.Since(base) < v.until && v.token == nil {
					sink.Store(v.token)
				}
			}},
			alternative{"ours", func() {
				if _, err := ours.TokenContext(ctx); err != nil {
					panic(err)
				}
			}},
			alternative{"x/oauth2", func() {
				if _, err := x.Token(); err != nil {
					panic(err)
				}
			}},
			alternative{"aws", func() {
				if _, err := cache.Retrieve(ctx); err != nil {
					panic(err)
				}
			}},
			alternative{"cloud auth", func() {
				if _, err := cloud.Token(ctx); err != nil {
					panic(err)
				}
			}},
			alternative{"x/oauth2 without an expiry", func() {
				if _, err := noexp.Token(); err != nil {
					panic(err)
				}
			}},
		)
		peers := fmt.Sprintf("x/oauth2 %.2f× (%.2f× where it has no expiry to look at), aws %.2f×, cloud auth %.2f×",
			got[2].ratio.mid, got[5].ratio.mid, got[3].ratio.mid, got[4].ratio.mid)
		return []row{
			{"1a, 1b", fmt.Sprintf("cached token, %d goroutines", g), peers, got[1].ratio.limited(1), 1.15, "× an atomic load and a clock"},
			{"1a", fmt.Sprintf("  beside x/oauth2, %d goroutines", g), "", got[1].over(got[2]), 0.55, "× x/oauth2"},
			{"1a", "  allocations", "", counted(got[1].allocs), 0, ""},
		}
	}
	for _, g := range []int{1, 2, 8, 64} {
		judge(t, hotByCPU, func(longer int) []row { return measure(g, longer) })
	}
}

func TestRow2LookUpAndMemory(t *testing.T) {
	quiet(t)
	for _, n := range []int{10_000, *connections} {
		m := manager(t, &transport{}, tokenstore.NewMemory())
		plain, guarded := map[oauthflow.Key]*oauthflow.Source{}, map[oauthflow.Key]*oauthflow.Source{}
		keys := make([]oauthflow.Key, n)
		for i := range keys {
			keys[i] = oauthflow.Key{Tenant: fmt.Sprintf("t%07d", i), Name: "main"}
			plain[keys[i]] = adopt(t, m, keys[i])
			guarded[keys[i]] = plain[keys[i]] // of its own, so that each way finds as little in the processor's caches
		}
		var at atomic.Int64
		next := func() oauthflow.Key { return keys[int(at.Add(7919))%n] }
		var lock sync.RWMutex
		measure := func(g, longer int) []row {
			got := paired(g, 40*longer, time.Millisecond,
				alternative{"plain map", func() {
					if plain[next()] == nil {
						panic("none")
					}
				}},
				alternative{"ours", func() {
					if m.Source(next()) == nil {
						panic("none")
					}
				}},
				alternative{"RWMutex and map", func() {
					k := next()
					lock.RLock()
					s := guarded[k]
					lock.RUnlock()
					if s == nil {
						panic("none")
					}
				}})
			peer := fmt.Sprintf("RWMutex and map %.2f×", got[2].ratio.mid)
			what := fmt.Sprintf("tenant look-up, %d connections, %d goroutines", n, g)
			beside := row{id: "2a", what: what, peer: peer, got: got[1].over(got[2]), target: 1.5, unit: "× RWMutex and map"}
			if g == 1 {
				beside = row{id: "2a", what: what, peer: peer, got: got[1].ratio, target: 1.5, unit: "× plain map"}
			}
			felt := row{id: "2a", what: "  its share of a call of 100 ms", got: spread(got[1].rounds, got[1].taken).percentOf(call), target: 0.001, unit: "%"}
			return []row{asGuide(beside), felt}
		}
		for _, g := range []int{1, 8} {
			judge(t, byClock, func(longer int) []row { return measure(g, longer) }) // 8 goroutines swing with where they are put
		}
	}
}

func TestRow2MemoryOfCachedConnections(t *testing.T) {
	quiet(t)
	each := measureMemory(t, *connections)
	client := oauth2Clients()
	judge(t, exactly, func(int) []row {
		return []row{
			{"2b", fmt.Sprintf("memory of a cached connection, %d of as many orgs: %.0f B", *connections, each.handed), fmt.Sprintf("x/oauth2 client %.0f B", client), counted(each.handed / client), 0.6, "× x/oauth2 client"},
			{"2b", fmt.Sprintf("  and called: %.0f B", each.called), "", counted(each.called / client), 0.6, "× x/oauth2 client"},
		}
	})
}

// oauth2Clients returns the bytes of a client of x/oauth2 for one tenant, whose app has credentials of its own, with a token
// as long as Salesforce's and what came beside it.
func oauth2Clients() float64 {
	const n = 20_000
	clients := make(map[string]*http.Client, n)
	before := heap()
	for i := range n {
		conf := &oauth2.Config{
			ClientID: fmt.Sprintf("3MVG9%080d", i), ClientSecret: fmt.Sprintf("%064d", i),
			Endpoint: oauth2.Endpoint{TokenURL: fmt.Sprintf("https://org%07d.my.salesforce.com/services/oauth2/token", i)},
		}
		tok := &oauth2.Token{
			AccessToken: fmt.Sprintf("00D%0109d", i), RefreshToken: fmt.Sprintf("5Aep%083d", i), TokenType: "Bearer", Expiry: time.Now().Add(time.Hour),
		}
		clients[fmt.Sprintf("t%07d", i)] = conf.Client(context.Background(), tok.WithExtra(map[string]any{
			"instance_url": fmt.Sprintf("https://org%07d.my.salesforce.com", i), "id": fmt.Sprintf("https://login.salesforce.com/id/00D%015d/005", i),
		}))
	}
	each := float64(heap()-before) / n
	runtime.KeepAlive(clients)
	return each
}

func TestRow3TheTransport(t *testing.T) {
	quiet(t)
	rt := &transport{}
	s := adopt(t, manager(t, rt, tokenstore.NewMemory()), acme)
	static := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "a"})
	client := func(rt http.RoundTripper, header string) func() {
		c := &http.Client{Transport: rt}
		return func() {
			req := apiRequest(t)
			if header != "" {
				req.Header.Set("Authorization", header)
			}
			resp, err := c.Do(req)
			if err != nil {
				panic(err)
			}
			resp.Body.Close()
		}
	}
	rest := func(c *resty.Client) func() {
		return func() {
			if _, err := c.R().Get("https://acme.my.salesforce.com/services/data"); err != nil {
				panic(err)
			}
		}
	}
	with := func(rt http.RoundTripper) *resty.Client { return resty.NewWithClient(&http.Client{Transport: rt}) }
	peer := restPeer(t, rt)
	judge(t, byCPU, func(longer int) []row {
		got := paired(1, 50*longer, 20*time.Millisecond,
			alternative{"plain client", client(rt, "Bearer a")},
			alternative{"ours", client(s.Transport(rt), "")},
			alternative{"oauth2.Transport", client(&oauth2.Transport{Source: static, Base: rt}, "")},
			alternative{"go-salesforce", peer})
		theirs, added := got[2].beyond(got[0]), got[1].beyond(got[0])
		added.mid, added.low, added.high = added.mid/theirs.mid, added.low/theirs.mid, added.high/theirs.mid
		r := paired(1, 50*longer, 20*time.Millisecond,
			alternative{"resty with a token", rest(with(rt).SetAuthToken("a"))},
			alternative{"ours", rest(with(s.Transport(rt)))},
			alternative{"resty on oauth2.Transport", rest(with(&oauth2.Transport{Source: static, Base: rt}))})
		return []row{
			{id: "3a", what: "CPU that the transport adds to a call of 100 ms", got: got[1].beyond(got[0]).percentOf(call), target: 0.02, unit: "%"},
			asGuide(row{id: "3a", what: "  beside oauth2.Transport", peer: "oauth2.Transport 1×", got: added, target: 0.65, unit: "× what oauth2.Transport adds"}),
			asGuide(row{id: "3a", what: "  a whole request", peer: fmt.Sprintf("oauth2.Transport %.2f×, go-salesforce %.2f×", got[2].ratio.mid, got[3].ratio.mid),
				got: got[1].ratio.limited(1), target: 1.32, unit: "× plain client"}),
			{"3a", "  allocations added", fmt.Sprintf("oauth2.Transport %v, go-salesforce %v", got[2].allocs-got[0].allocs, got[3].allocs-got[0].allocs), counted(got[1].allocs - got[0].allocs), 4, ""},
			{id: "3b", what: "what the transport adds to a call of 100 ms by resty", got: r[1].beyond(r[0]).percentOf(call), target: 0.02, unit: "%"},
			asGuide(row{id: "3b", what: "  beside resty with a token", got: r[1].ratio.limited(1), target: 1.08, unit: "× resty with a token"}),
			asGuide(row{id: "3b", what: "  beside oauth2.Transport", got: r[1].over(r[2]), target: 0.92, unit: "× resty on oauth2.Transport"}),
		}
	})
}
