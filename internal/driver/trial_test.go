package driver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	connections = 3
	environment = "drill"
)

// act is one line of a plan.
type act struct {
	number   int
	after    time.Duration
	process  int
	deed     string
	k, other int
}

// did is an act that was begun, with what came of it.
type did struct {
	act
	key, to  oauthflow.Key
	from     time.Time
	till     time.Time // zero while it goes on
	err      error
	approval int // that a login made
}

// trial is a few connections, on which several processes make calls at once.
type trial struct {
	t     *testing.T
	mix   mixture
	seed  uint64
	dice  *dice
	org   *orgtest.Org
	store tokenstore.Store
	truth *witness
	keys  []oauthflow.Key
	seals [2]tokenstore.SealingKey
	began time.Time

	mu        sync.Mutex
	losing    bool
	processes []*process
	done      []*did
	said      []string
	wrong     []string
	theft     map[string]int // alarms, by connection
	fell      bool           // the store has lost writes
	copied    bool           // the sandbox was refreshed
	domains   int
}

// process is a Manager and how it reaches the rest of the world.
type process struct {
	tr     *trial
	number int
	m      *oauthflow.Manager
	c      *fullcast.Connector // over the same manager; nil where the clock is wrong
	store  *counter

	mu    sync.Mutex
	dead  bool
	ahead time.Duration // of its clock
	still time.Time     // until when its machine is suspended
}

func (p *process) isDead() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.dead }

func (p *process) now() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Add(p.ahead)
}

// standStill waits while the machine is suspended.
func (p *process) standStill() {
	p.mu.Lock()
	wait := time.Until(p.still)
	p.mu.Unlock()
	if wait > 0 {
		time.Sleep(wait)
	}
}

// plan draws what is done: some ten or twenty things, close together or far apart.
func plan(mix mixture, seed uint64) []act {
	r := rand.New(rand.NewPCG(seed, 1))
	names := make([]string, 0, len(mix.deeds))
	for name := range mix.deeds {
		names = append(names, name)
	}
	slices.Sort(names)
	weights := make([]int, len(names))
	for i, name := range names {
		weights[i] = mix.deeds[name]
	}
	apart := []time.Duration{100 * time.Millisecond, 5 * time.Second, time.Minute, 10 * time.Minute}[r.IntN(4)]
	acts := make([]act, 10+r.IntN(14))
	for i := range acts {
		acts[i] = act{number: i, after: upTo(r, apart), process: r.IntN(3), deed: names[pick(r, weights)], k: r.IntN(connections), other: r.IntN(connections)}
	}
	slices.SortFunc(acts, func(a, b act) int { return int(a.after - b.after) })
	return acts
}

func newTrial(t *testing.T, mix mixture, seed uint64, store tokenstore.Store) *trial {
	t.Helper()
	_, sandbox := mix.deeds["refresh sandbox"]
	tr := &trial{t: t, mix: mix, seed: seed, dice: newDice(seed), store: store, org: newOrg(t, sandbox), began: time.Now(), theft: map[string]int{}}
	tr.truth = &witness{tr: tr, org: tr.org, families: map[int]*family{}, approval: map[string]int{}, codes: map[string]*did{}, given: map[string]*did{}}
	tr.seals = [2]tokenstore.SealingKey{tokenstore.GenerateSealingKey("k1"), tokenstore.GenerateSealingKey("k2")}
	number := 2 + int(seed%2)
	for i := range number {
		tr.processes = append(tr.processes, tr.start(i))
	}
	for i := range connections {
		tr.keys = append(tr.keys, oauthflow.Key{Tenant: "acme", Name: fmt.Sprint("c", i)})
	}
	return tr
}

// start makes a process. Each seals with one of two keys, and knows the other.
func (tr *trial) start(i int) *process {
	p := &process{tr: tr, number: i}
	p.ahead = upTo(tr.dice.roll(fmt.Sprint("clock ", i)), 2*tr.mix.clocks) - tr.mix.clocks
	p.store = &counter{to: tr.store, p: p}
	keys, err := tokenstore.NewKeyring(tr.seals[i%2], tr.seals[1-i%2])
	must(tr.t, err)
	observe := func(e oauthflow.Event) {
		if e.Type == oauthflow.EventReplay {
			tr.mu.Lock()
			tr.theft[e.Key.Name]++
			tr.mu.Unlock()
		}
		switch e.Type {
		case oauthflow.EventRefreshed, oauthflow.EventRotated, oauthflow.EventConnected:
		default:
			tr.say("process %d: event %s of %s: %v", i, e.Type, e.Key.Name, e.Err)
		}
	}
	if tr.mix.clocks == 0 {
		p.c, err = fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Store: p.store, Keyring: keys, Environment: environment, Transport: &wire{p}, Observe: observe})
		must(tr.t, err)
		p.m = p.c.Manager()
		return p
	}
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callback}, Transport: &wire{p}, Now: p.now})
	must(tr.t, err)
	p.m, err = oauthflow.NewManager(oauthflow.ManagerConfig{Flow: flow, Store: p.store, Keyring: keys, Environment: environment, Observe: observe})
	must(tr.t, err)
	return p
}

func (tr *trial) process(i int) *process {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.processes[i%len(tr.processes)]
}

func (tr *trial) trouble() bool { tr.mu.Lock(); defer tr.mu.Unlock(); return tr.losing }

func (tr *trial) at(t time.Time) string {
	return fmt.Sprintf("%10.3fs", t.Sub(tr.began).Seconds())
}

func (tr *trial) say(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.said = append(tr.said, tr.at(time.Now())+" "+fmt.Sprintf(format, args...))
}

func (tr *trial) accuse(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.wrong = append(tr.wrong, fmt.Sprintf(format, args...))
}

// run connects, then does what is planned.
func (tr *trial) run(acts []act) {
	for i := range tr.keys {
		d := tr.do(act{number: -1 - i, process: i, deed: "login", k: i})
		if d.err != nil {
			tr.accuse("a first login fails: %v", d.err)
		}
	}
	time.Sleep(time.Minute)
	tr.mu.Lock()
	tr.losing = true
	tr.mu.Unlock()
	var all sync.WaitGroup
	for _, a := range acts {
		all.Go(func() {
			time.Sleep(a.after)
			tr.do(a)
		})
	}
	all.Wait()
}

func (tr *trial) do(a act) *did {
	ctx, cancel := context.WithTimeout(tr.t.Context(), 10*time.Minute)
	defer cancel()
	d := &did{act: a, key: tr.keys[a.k], to: tr.keys[a.other], from: time.Now()}
	tr.mu.Lock()
	tr.done = append(tr.done, d)
	tr.mu.Unlock()
	err := deeds()[a.deed](ctx, tr, tr.process(a.process), d)
	tr.mu.Lock()
	d.till, d.err = time.Now(), err
	tr.mu.Unlock()
	if o := outcome(err); strings.HasPrefix(o, "untyped") {
		tr.accuse("untyped error of %s: %v", a.deed, err)
	}
	return d
}

var errDriver = errors.New("the driver") // what it cannot do is no error of the product's

// outcome is "ok", or the kind of an error; "untyped" should never be seen.
func outcome(err error) string {
	var e *oauthflow.Error
	var f *fullcast.Error
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, errDriver), errors.Is(err, oauthflow.ErrClosed):
		return "refused"
	case errors.As(err, &e):
		return string(e.Kind)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "left"
	case errors.As(err, &f) && f.Remedy != 0:
		return "remedy"
	}
	return "untyped: " + err.Error()
}

// end closes a process; nobody waits for one that dies.
func (tr *trial) end(p *process, dies bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	if dies {
		tr.kill(p)
		cancel()
	}
	err := p.m.Close(ctx)
	if dies {
		return nil
	}
	return err
}

// kill marks what was under way, or perhaps not stored yet, as hit.
func (tr *trial) kill(p *process) {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	tr.mu.Lock()
	failed := p.store.failed
	tr.mu.Unlock()
	tr.truth.mu.Lock()
	defer tr.truth.mu.Unlock()
	for _, f := range tr.truth.families {
		if f.by == p && (time.Since(f.issued) < 15*time.Second || !failed.Before(f.issued)) {
			f.hit = "process died"
			if n := len(f.held); n > 0 {
				f.held = f.held[:n-1]
			}
		}
	}
}
