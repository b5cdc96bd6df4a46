package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// trial is a few connections, to which two processes do at once whatever can be done, in virtual time.
type trial struct {
	t     *testing.T
	s     *scene
	store tokenstore.Store
	truth *witness
	keys  []oauthflow.Key
	seals [2]tokenstore.SealingKey

	mu       sync.Mutex
	managers [2]*oauthflow.Manager
	wires    [2]*wire
	done     []string // what was begun, for who wants to know why
	moves    int      // that were begun
	adopted  map[oauthflow.Key]bool
	ended    map[oauthflow.Key]bool // disconnected at some time
	given    map[int]bool           // approvals that were made elsewhere, to be adopted
	faults   map[string]int         // what went wrong that must not
}

const trialKeys = 3

// TestNothingThatIsDoneAtOnceCostsAConnection: as long as every answer arrives, no refresh token is sent twice, every
// connection that is there works, and no approval is left that nobody holds.
func TestNothingThatIsDoneAtOnceCostsAConnection(t *testing.T) {
	tryAll(t, size(150, 5000), 0)
}

// TestLostAnswersAndDeathsCostOnlyWhatTheyHit: where answers get lost and processes die, a spent token is sent once at most,
// by nobody while a session lives, and only the connections that were hit end, with the reason.
func TestLostAnswersAndDeathsCostOnlyWhatTheyHit(t *testing.T) {
	tryAll(t, size(150, 5000), 0.15)
}

func tryAll(t *testing.T, trials int, lossy float64) {
	for n := range trials {
		synctest.Test(t, func(t *testing.T) {
			seed := rand.Uint64()
			tr := newTrial(t, rand.New(rand.NewPCG(seed, 0)), lossy)
			tr.run(rand.New(rand.NewPCG(seed, 1)), lossy > 0)
			tr.judge(lossy > 0)
			if len(tr.faults) > 0 {
				t.Errorf("trial %d: %v\n%s", n, tr.faults, strings.Join(append(tr.done, tr.truth.said...), "\n"))
			}
		})
		if t.Failed() {
			return
		}
	}
}

func newTrial(t *testing.T, chance *rand.Rand, lossy float64) *trial {
	t.Helper()
	org, err := orgtest.New(orgtest.Config{Existing: installedApp(), RotateRefreshTokens: true, ApprovalLimit: 1000})
	must(t, err)
	tr := &trial{t: t, store: dawdlingStore{tokenstore.NewMemory()}, given: map[int]bool{}, adopted: map[oauthflow.Key]bool{}, ended: map[oauthflow.Key]bool{}, faults: map[string]int{}}
	tr.s = &scene{t: t, org: org, sealing: tokenstore.GenerateSealingKey("k0")}
	tr.truth = &witness{org: org, accepted: tr.s.accepted, family: map[string]*family{}, began: time.Now()}
	tr.seals = [2]tokenstore.SealingKey{tokenstore.GenerateSealingKey("k1"), tokenstore.GenerateSealingKey("k2")}
	for i := range tr.managers {
		tr.start(i, chance, lossy)
	}
	for i := range trialKeys {
		tr.keys = append(tr.keys, key(i))
		_, err := tr.managers[i%2].Complete(t.Context(), tr.s.login(tr.managers[0], key(i)))
		must(t, err)
	}
	tr.truth.losing = true
	return tr
}

// start makes a process. Each seals with a key of its own, which the other knows.
func (tr *trial) start(i int, chance *rand.Rand, lossy float64) {
	tr.wires[i] = &wire{w: tr.truth, lossy: lossy, chance: chance}
	keys, err := tokenstore.NewKeyring(tr.seals[i], tr.seals[1-i])
	must(tr.t, err)
	flow := tr.s.flow(tr.wires[i])
	tr.managers[i] = tr.s.manager(tr.store, func(c *oauthflow.ManagerConfig) { c.Flow, c.Keyring = flow, keys })
}

func (tr *trial) manager(i int) *oauthflow.Manager {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.managers[i]
}

func (tr *trial) wrong(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.faults[fmt.Sprintf(format, args...)]++
}

// run does a dozen random things, close together or far apart.
func (tr *trial) run(chance *rand.Rand, deaths bool) {
	apart := []time.Duration{30 * time.Millisecond, 2 * time.Second, time.Minute}[chance.IntN(3)]
	var all sync.WaitGroup
	for range 12 + chance.IntN(12) {
		after := time.Duration(chance.Int64N(int64(apart)))
		i, k, other := chance.IntN(2), tr.keys[chance.IntN(trialKeys)], tr.keys[chance.IntN(trialKeys)]
		what := chance.IntN(100)
		all.Go(func() {
			time.Sleep(after)
			tr.act(i, k, other, what, deaths)
		})
	}
	all.Wait()
}

func (tr *trial) act(i int, k, other oauthflow.Key, what int, deaths bool) {
	ctx, cancel := context.WithTimeout(tr.t.Context(), 10*time.Minute)
	defer cancel()
	m := tr.manager(i)
	var err error
	name := ""
	began := time.Now()
	switch {
	case what < 20:
		name, err = "call", tr.call(ctx, m, k)
	case what < 35:
		name, err = "renew", m.Renew(ctx, k)
	case what < 50:
		name = "sessions end"
		tr.s.org.ExpireSessions()
	case what < 60:
		name = "login"
		_, err = m.Complete(ctx, tr.s.login(m, k))
	case what < 65:
		name, err = "disconnect", m.Disconnect(ctx, k)
	case what < 72:
		c := tr.s.client()
		if what%2 == 0 {
			c.Secret = oauthflow.NewSecret("not-the-secret-1")
		}
		name, err = "set client", m.SetClient(ctx, k, c)
	case what < 80:
		if k == other {
			return
		}
		name, err = "move to "+other.Name, m.Move(ctx, k, other)
	case what < 85:
		name, err = "reseal", m.Reseal(ctx, nil)
	case what < 93:
		name, err = "adopt, also as "+other.Name, tr.adopt(ctx, k, other)
	case what < 97 || !deaths:
		short, cancel := context.WithTimeout(ctx, 2*time.Minute)
		name = "keep alive"
		_ = m.KeepAlive(short)
		cancel()
	default:
		name = "death"
		tr.die(i, m)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	at := began.Sub(tr.truth.began)
	switch {
	case strings.HasPrefix(name, "move"):
		tr.moves++
	case name == "disconnect":
		tr.ended[k] = true
	case strings.HasPrefix(name, "adopt"):
		tr.adopted[k], tr.adopted[other] = true, true
	}
	tr.done = append(tr.done, fmt.Sprintf("%v to %v: process %d, %s, %s: %v", at, at+time.Since(began), i, k.Name, name, err))
	if o := outcome(err); strings.HasPrefix(o, "untyped") {
		tr.faults[name+" is "+o]++
	}
}

// call makes an API call as a service does.
func (tr *trial) call(ctx context.Context, m *oauthflow.Manager, k oauthflow.Key) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, tr.s.org.InstanceURL()+apiPath, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := m.Source(k).Transport(tr.s.org.RoundTripper()).RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// adopt has both processes adopt one grant that was made elsewhere, perhaps under two keys.
func (tr *trial) adopt(ctx context.Context, k, other oauthflow.Key) error {
	tap := &tokenTap{base: tr.s.org.RoundTripper(), issued: map[string]string{}}
	f := tr.s.flow(tap)
	redirect, p, err := f.Authorize(tr.s.client(), oauthflow.AuthorizeOptions{LoginHint: userName})
	if err != nil {
		return err
	}
	back, err := tr.s.org.Approve(ctx, redirect)
	if err != nil {
		return err
	}
	u, err := url.Parse(back)
	if err != nil {
		return err
	}
	tok, err := f.Exchange(ctx, p, u.Query())
	if err != nil {
		return err
	}
	ledger := tr.s.org.Ledger()
	for _, e := range slices.Backward(ledger) {
		if e.Event == "exchange" {
			tr.mu.Lock()
			tr.given[e.Approval] = true
			tr.mu.Unlock()
			break
		}
	}
	tr.truth.knows(tok.RefreshToken.Reveal())
	var errs [2]error
	var both sync.WaitGroup
	for i, as := range []oauthflow.Key{k, other} {
		both.Go(func() { _, errs[i] = tr.manager(i).Adopt(ctx, as, tr.s.client(), tok.RefreshToken) })
	}
	both.Wait()
	return errors.Join(errs[:]...)
}

// die ends a process at once; another takes its place.
func (tr *trial) die(i int, m *oauthflow.Manager) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if tr.managers[i] != m {
		return
	}
	now, cancel := context.WithCancel(context.Background())
	cancel()
	_ = m.Close(now)
	old := tr.wires[i]
	old.dies()
	tr.start(i, old.chance, old.lossy)
}

// judge waits until all is quiet, and looks.
func (tr *trial) judge(lossy bool) {
	time.Sleep(30 * time.Minute)
	tr.truth.mu.Lock()
	tr.truth.losing = false
	tr.truth.mu.Unlock()
	tr.s.org.ExpireSessions()
	keys, err := tokenstore.NewKeyring(tr.seals[0], tr.seals[1])
	must(tr.t, err)
	flow := tr.s.flow(&wire{w: tr.truth, chance: tr.wires[0].chance})
	m := tr.s.manager(tr.store, func(c *oauthflow.ManagerConfig) { c.Flow, c.Keyring = flow, keys })
	there := 0
	for _, k := range tr.keys {
		ctx, cancel := context.WithTimeout(tr.t.Context(), 20*time.Minute)
		err := use(ctx, m, tr.s, k)
		cancel()
		switch o := outcome(err); {
		case err == nil:
			there++
		case o == string(oauthflow.KindNotConnected):
		case o == string(oauthflow.KindGrantDead) && tr.adopted[k] && tr.ended[k]: // adopted, disconnected, adopted by the second
		case o == string(oauthflow.KindGrantDead) && lossy && tr.truth.hit() > 0 && strings.Contains(err.Error(), "its answer was lost"):
		default:
			tr.wrong("%s is lost: %v", k.Name, err)
		}
	}
	time.Sleep(time.Minute)
	reused, reuses := map[int]int{}, 0
	for _, e := range tr.s.org.Ledger() {
		if e.Event == "refresh" && e.Outcome == "reuse" {
			reuses++
			if reused[e.Approval]++; reused[e.Approval] > 1 {
				tr.wrong("approval %d was replayed %d times", e.Approval, reused[e.Approval])
			}
		}
	}
	if reuses > tr.truth.hit() {
		tr.wrong("%d replays, but only %d grants were hit", reuses, tr.truth.hit())
	}
	if n := tr.truth.cruel; n > 0 {
		tr.wrong("%d replays while a session lived", n)
	}
	if lossy {
		return // a revocation may have been lost, too
	}
	b := bubble{org: tr.s.org}
	left := 0
	for approval := range b.alive() {
		if !tr.given[approval] {
			left++
		}
	}
	// What a login finds on its way to another key it leaves alone, although that move may end in another way.
	if left > there+tr.moves {
		tr.wrong("%d approvals are left, %d connections", left, there)
	}
}
