package oauthflow_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// narrow is a store behind a pool, whose every call takes a time. It counts the calls by record.
type narrow struct {
	tokenstore.Store
	pool  chan struct{}
	takes time.Duration
	hangs atomic.Bool // no call is answered before its caller leaves

	mu          sync.Mutex
	connections map[string]int // calls, by id
	hosts       int            // calls about login hosts
	now, most   int            // calls that have begun and wait for the pool or are answered
}

func newNarrow(s tokenstore.Store, pool int) *narrow {
	return &narrow{Store: s, pool: make(chan struct{}, pool), takes: 2 * time.Millisecond, connections: map[string]int{}}
}

func (n *narrow) through(ctx context.Context, id string, do func() error) error {
	n.mu.Lock()
	n.now++
	n.most = max(n.most, n.now)
	n.mu.Unlock()
	defer func() { n.mu.Lock(); n.now--; n.mu.Unlock() }()
	select {
	case n.pool <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-n.pool }()
	n.mu.Lock()
	if isConnection(id) {
		n.connections[id]++
	} else {
		n.hosts++
	}
	n.mu.Unlock()
	if n.hangs.Load() {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(n.takes)
	return do()
}

func (n *narrow) Load(ctx context.Context, id string) (r tokenstore.Record, err error) {
	err = n.through(ctx, id, func() (err error) { r, err = n.Store.Load(ctx, id); return err })
	return r, err
}

func (n *narrow) Save(ctx context.Context, r tokenstore.Record) error {
	return n.through(ctx, r.ID, func() error { return n.Store.Save(ctx, r) })
}

// calls returns how many calls there were for each record of a connection on average and at most, and for those of hosts.
func (n *narrow) calls() (mean float64, most, hosts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	sum := 0
	for _, c := range n.connections {
		sum, most = sum+c, max(most, c)
	}
	return float64(sum) / float64(max(len(n.connections), 1)), most, n.hosts
}

// fleet is many orgs with a connection each, of a tenant each, whose sessions all end at once.
type fleet struct {
	w      *world
	vault  foreigner
	store  *tokenstore.Memory
	keys   []oauthflow.Key
	takes  time.Duration          // a refresh
	silent func(host string) bool // such hosts never answer; nil for none
	ids    string                 // of org and user, in an answer

	mu        sync.Mutex
	spent     map[string]int // by connection, the refresh token that is good
	refreshes int
	replays   int
	now, most map[string]int // refreshes under way, by host
}

// newFleet makes n connections, that with number i at the login host that at returns.
func newFleet(t *testing.T, n int, at func(i int) string) *fleet {
	t.Helper()
	w := rotating(t)
	v := w.unlocked()
	w.connect(w.manager(silent), mainKey)
	original, err := w.store.Load(t.Context(), "connection/acme/main")
	if err != nil {
		t.Fatal(err)
	}
	fields := v.read(original)
	f := &fleet{
		w: w, vault: v, store: tokenstore.NewMemory(), takes: 300 * time.Millisecond,
		ids: fields["IdentityURL"].(string), spent: map[string]int{}, now: map[string]int{}, most: map[string]int{},
	}
	for i := range n {
		k := oauthflow.Key{Tenant: fmt.Sprint("tenant", i), Name: "main"}
		f.keys = append(f.keys, k)
		copied := maps.Clone(fields)
		copied["Key"] = k
		client := maps.Clone(fields["Client"].(map[string]any))
		client["Host"] = at(i)
		copied["Client"] = client
		copied["Access"], copied["Refresh"] = access(i, 0), fmt.Sprint("refresh-", i, "-0")
		copied["InstanceURL"] = "https://" + own(i)
		v.write(f.store, tokenstore.Record{ID: "connection/" + k.Tenant + "/main", Due: time.Now().Add(24 * time.Hour)}, copied)
	}
	return f
}

func own(i int) string { return fmt.Sprintf("org%d.my.salesforce.com", i) }

func access(i, generation int) string { return fmt.Sprint("access-", i, "-", generation) }

// RoundTrip is Salesforce: a refresh token is good for one use.
func (f *fleet) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if f.silent != nil && f.silent(req.URL.Host) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	token := form.Get("refresh_token") + form.Get("token")
	var i, generation int
	if _, err := fmt.Sscanf(token, "refresh-%d-%d", &i, &generation); err != nil {
		return nil, fmt.Errorf("no refresh token: %w", err)
	}
	f.mu.Lock()
	f.now[req.URL.Host]++
	f.most[req.URL.Host] = max(f.most[req.URL.Host], f.now[req.URL.Host])
	f.mu.Unlock()
	time.Sleep(f.takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now[req.URL.Host]--
	good := f.spent[fmt.Sprint(i)] == generation
	if req.URL.Path != tokenEndpoint {
		return wireReply(req, http.StatusOK, fmt.Sprintf(`{"active":%v}`, good)), nil
	}
	if !good {
		f.replays++
		return wireReply(req, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`), nil
	}
	f.spent[fmt.Sprint(i)]++
	f.refreshes++
	return wireReply(req, http.StatusOK, tokenAnswer(map[string]string{
		"access_token": access(i, generation+1), "refresh_token": fmt.Sprintf("refresh-%d-%d", i, generation+1),
		"instance_url": "https://" + own(i), "id": f.ids,
	})), nil
}

// seen returns how many refreshes there were, and how many tries of a refresh token that was spent.
func (f *fleet) seen() (refreshes, replays int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refreshes, f.replays
}

// mostAt returns how many requests were under way at a host at once.
func (f *fleet) mostAt(host string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most[host]
}

// worker is one process of the fleet, with a pool of its own, which has handed out all tokens.
func (f *fleet) worker(pool int, change ...func(*oauthflow.ManagerConfig)) (*oauthflow.Manager, *narrow) {
	f.w.t.Helper()
	s := newNarrow(f.store, pool)
	change = append([]func(*oauthflow.ManagerConfig){silent, func(c *oauthflow.ManagerConfig) {
		c.Store, c.Flow = s, f.w.flow(f)
	}}, change...)
	m := f.w.manager(change...)
	var all sync.WaitGroup
	for part := range slices.Chunk(f.keys, max(len(f.keys)/pool, 1)) {
		all.Go(func() {
			for _, k := range part {
				f.w.token(m.Source(k))
			}
		})
	}
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.connections)
	s.hosts, s.most = 0, 0
	return m, s
}

// replace has the connection with number i replace its first token.
func (f *fleet) replace(ctx context.Context, m *oauthflow.Manager, i int) error {
	_, err := m.Source(f.keys[i]).Replace(ctx, access(i, 0))
	return err
}

// minute is what became of the callers of one or more processes.
type minute struct {
	mu         sync.Mutex
	failed     []failure
	took       []time.Duration
	lasted     time.Duration
	goroutines int
}

type failure struct {
	connection int
	err        error
	at         time.Time
}

// wanted has one caller for each connection and process replace its token within the time, each process in an order of its own.
func (f *fleet) wanted(within time.Duration, workers ...*oauthflow.Manager) *minute {
	out := &minute{}
	began := time.Now()
	var all sync.WaitGroup
	for _, m := range workers {
		for _, i := range rand.Perm(len(f.keys)) {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), within)
				defer cancel()
				err := f.replace(ctx, m, i)
				out.mu.Lock()
				defer out.mu.Unlock()
				if out.took = append(out.took, time.Since(began)); err != nil {
					out.failed = append(out.failed, failure{i, err, time.Now()})
				}
			})
		}
	}
	done := make(chan struct{})
	var watched sync.WaitGroup
	watched.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond):
				out.goroutines = max(out.goroutines, runtime.NumGoroutine())
			}
		}
	})
	all.Wait()
	out.lasted = time.Since(began)
	close(done)
	watched.Wait()
	slices.Sort(out.took)
	return out
}

func (o *minute) percentile(p int) time.Duration { return o.took[(len(o.took)-1)*p/100] }

func (o *minute) String() string {
	text := fmt.Sprintf("%d of %d callers failed, %v, p50 %v, p99 %v, %d goroutines", len(o.failed), len(o.took), o.lasted.Round(time.Millisecond),
		o.percentile(50).Round(time.Millisecond), o.percentile(99).Round(time.Millisecond), o.goroutines)
	if len(o.failed) > 0 {
		text += fmt.Sprintf("; the first: %v", o.failed[0].err)
	}
	return text
}

// due makes the connection with number i due for the keep-alive.
func (f *fleet) due(i int, at time.Time) {
	f.w.t.Helper()
	r, err := f.store.Load(f.w.t.Context(), "connection/"+f.keys[i].Tenant+"/main")
	if err != nil {
		f.w.t.Fatal(err)
	}
	r.Due = at
	f.vault.write(f.store, r, f.vault.read(r))
}
