package driver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func cannot(err error) error { return fmt.Errorf("%w: %w", errDriver, err) }

// deeds are what can be done, by the names that mixtures use.
func deeds() map[string]func(context.Context, *trial, *process, *did) error {
	return map[string]func(context.Context, *trial, *process, *did) error{
		"call": call,
		"token": func(ctx context.Context, _ *trial, p *process, d *did) error {
			_, err := p.m.Source(d.key).TokenContext(ctx)
			return err
		},
		"replace":        replace,
		"renew":          func(ctx context.Context, _ *trial, p *process, d *did) error { return p.m.Renew(ctx, d.key) },
		"sessions end":   func(_ context.Context, tr *trial, _ *process, _ *did) error { tr.org.ExpireSessions(); return nil },
		"login":          func(ctx context.Context, tr *trial, p *process, d *did) error { return login(ctx, tr, p, d) },
		"disconnect":     func(ctx context.Context, _ *trial, p *process, d *did) error { return p.m.Disconnect(ctx, d.key) },
		"disconnect all": disconnectAll,
		"new secret":     func(ctx context.Context, tr *trial, p *process, d *did) error { return newClient(ctx, tr, p, d, "") },
		"wrong secret": func(ctx context.Context, tr *trial, p *process, d *did) error {
			return newClient(ctx, tr, p, d, "not-the-secret-1")
		},
		"move":        move,
		"migrate":     migrate,
		"adopt":       func(ctx context.Context, tr *trial, p *process, d *did) error { return adopt(ctx, tr, d, d.key) },
		"adopt twice": func(ctx context.Context, tr *trial, p *process, d *did) error { return adopt(ctx, tr, d, d.key, d.to) },
		"reseal":      func(ctx context.Context, _ *trial, p *process, _ *did) error { return p.m.Reseal(ctx, nil) },
		"keep alive":  keepAlive,
		"restart":     func(_ context.Context, tr *trial, p *process, _ *did) error { return again(tr, p, false) },
		"death":       func(_ context.Context, tr *trial, p *process, _ *did) error { return again(tr, p, true) },
		"clock jumps": func(_ context.Context, tr *trial, p *process, d *did) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ahead += upTo(tr.dice.roll("jump"), 2*tr.mix.clocks) - tr.mix.clocks
			return nil
		},
		"suspended": func(_ context.Context, tr *trial, p *process, d *did) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.still = time.Now().Add(upTo(tr.dice.roll("suspension"), 3*time.Minute))
			return nil
		},
		"failover":         failover,
		"revoke all":       func(_ context.Context, tr *trial, _ *process, _ *did) error { return tr.org.RevokeAll(appName) },
		"freeze":           freeze,
		"block":            block,
		"rename":           rename,
		"rotate secret":    func(_ context.Context, tr *trial, _ *process, _ *did) error { return driver(rotateSecret(tr.org)) },
		"stage and rotate": stage,
		"refresh sandbox": func(_ context.Context, tr *trial, _ *process, _ *did) error {
			tr.mu.Lock()
			tr.copied = true
			tr.mu.Unlock()
			return driver(tr.org.RefreshSandbox())
		},
	}
}

func driver(err error) error {
	if err != nil {
		return cannot(err)
	}
	return nil
}

// call makes an API call as a service does.
func call(ctx context.Context, tr *trial, p *process, d *did) error {
	base, err := p.m.Source(d.key).InstanceURL(ctx)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+apiPath, http.NoBody)
	if err != nil {
		return cannot(err)
	}
	resp, err := p.m.Source(d.key).Transport(tr.org.RoundTripper()).RoundTrip(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func replace(ctx context.Context, tr *trial, p *process, d *did) error {
	tok, err := p.m.Source(d.key).TokenContext(ctx)
	if err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond)
	tr.truth.rejects(tok.AccessToken)
	_, err = p.m.Source(d.key).Replace(ctx, tok.AccessToken)
	return err
}

// login begins at one process and ends at another.
func login(ctx context.Context, tr *trial, p *process, d *did) error {
	c, err := clientOf(tr.org)
	if err != nil {
		return cannot(err)
	}
	var redirect string
	if p.c != nil {
		redirect, err = p.c.Begin(ctx, d.key, fullcast.BeginOptions{Client: c, Binding: browser, LoginHint: userName})
	} else {
		redirect, err = p.m.Begin(ctx, d.key, c, browser, oauthflow.AuthorizeOptions{RedirectURL: callback, LoginHint: userName})
	}
	if err != nil {
		return err
	}
	cb, err := tr.allow(ctx, redirect, d)
	if err != nil {
		return err
	}
	return complete(ctx, tr.process(d.process+1), cb)
}

func complete(ctx context.Context, p *process, cb oauthflow.Callback) error {
	var err error
	if p.c != nil {
		_, err = p.c.Complete(ctx, cb)
	} else {
		_, err = p.m.Complete(ctx, cb)
	}
	return err
}

// allow has the user allow a login.
func (tr *trial) allow(ctx context.Context, redirect string, d *did) (oauthflow.Callback, error) {
	time.Sleep(upTo(tr.dice.roll("user"), 2*time.Second))
	back, err := tr.org.Approve(ctx, redirect)
	if err != nil {
		return oauthflow.Callback{}, cannot(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		return oauthflow.Callback{}, cannot(err)
	}
	tr.truth.mu.Lock()
	tr.truth.codes[u.Query().Get("code")] = d
	tr.truth.mu.Unlock()
	return oauthflow.Callback{Tenant: d.key.Tenant, Path: u.Path, Binding: browser, Query: u.Query()}, nil
}

func migrate(ctx context.Context, tr *trial, p *process, d *did) error {
	if p.c == nil {
		return cannot(errors.New("a process whose clock is wrong migrates nothing"))
	}
	c, err := clientOf(tr.org)
	if err != nil {
		return cannot(err)
	}
	redirect, err := p.c.BeginMigration(ctx, d.key, fullcast.BeginOptions{Client: c, Binding: browser, LoginHint: userName})
	if err != nil {
		return err
	}
	cb, err := tr.allow(ctx, redirect, d)
	if err != nil {
		return err
	}
	return complete(ctx, tr.process(d.process+1), cb)
}

func disconnectAll(ctx context.Context, _ *trial, p *process, _ *did) error {
	if p.c == nil {
		return cannot(errors.New("no connector"))
	}
	return p.c.DisconnectAll(ctx, fullcast.Filter{Tenant: "acme"}, nil)
}

func newClient(ctx context.Context, tr *trial, p *process, d *did, secret string) error {
	c, err := clientOf(tr.org)
	if err != nil {
		return cannot(err)
	}
	if secret != "" {
		c.Secret = oauthflow.NewSecret(secret)
	}
	if p.c != nil && d.number%2 == 0 {
		_, err = p.c.UpdateCredentials(ctx, d.key, c)
		return err
	}
	return p.m.SetClient(ctx, d.key, c)
}

func move(ctx context.Context, tr *trial, p *process, d *did) error {
	if d.key == d.to {
		return nil
	}
	tr.truth.mu.Lock()
	for _, f := range tr.truth.families {
		if f.keys[d.key.Name] {
			f.keys[d.to.Name] = true
		}
	}
	tr.truth.mu.Unlock()
	return p.m.Move(ctx, d.key, d.to)
}

// adopt has processes adopt one grant that was made elsewhere, perhaps under two keys at once.
func adopt(ctx context.Context, tr *trial, d *did, as ...oauthflow.Key) error {
	c, err := clientOf(tr.org)
	if err != nil {
		return cannot(err)
	}
	token, err := tr.org.UserApproved(appName, userName)
	if err != nil {
		return cannot(err)
	}
	tr.truth.mu.Lock()
	for _, e := range tr.org.Ledger() {
		if e.Detail == "user approved" {
			d.approval = e.Approval
		}
	}
	f := tr.truth.family(d.approval)
	f.made = d
	for _, k := range as {
		f.keys[k.Name] = true
	}
	tr.truth.approval[token] = d.approval
	tr.truth.mu.Unlock()
	errs := make([]error, len(as))
	var all sync.WaitGroup
	for i, k := range as {
		all.Go(func() { _, errs[i] = tr.process(d.process+i).m.Adopt(ctx, k, c, oauthflow.NewSecret(token)) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func keepAlive(ctx context.Context, tr *trial, p *process, _ *did) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return p.m.KeepAlive(ctx)
}

// again ends a process; another takes its place at once.
func again(tr *trial, p *process, dies bool) error {
	tr.mu.Lock()
	here := tr.processes[p.number] == p
	tr.mu.Unlock()
	if !here {
		return nil
	}
	if dies {
		tr.kill(p)
	}
	next := tr.start(p.number)
	tr.mu.Lock()
	tr.processes[p.number] = next
	tr.mu.Unlock()
	if dies {
		now, cancel := context.WithCancel(context.Background())
		cancel()
		_ = p.m.Close(now)
		return nil
	}
	return tr.end(p, false)
}

// failover loses what the store was told in the last seconds.
func failover(_ context.Context, tr *trial, _ *process, _ *did) error {
	s := tr.store.(*server)
	r := tr.dice.roll("failover")
	last := upTo(r, 3*time.Second)
	lost := s.failOver(last)
	tr.say("failover: %v and %d changes are lost %v", last, len(lost), lost)
	if len(lost) == 0 || tr.mix.secret {
		return nil
	}
	tr.mu.Lock()
	tr.fell = true
	tr.mu.Unlock()
	tr.truth.mu.Lock()
	defer tr.truth.mu.Unlock()
	for _, f := range tr.truth.families {
		if time.Since(f.issued) < last+15*time.Second {
			f.hit, f.held = "failover", nil // the store knows nothing of the newest token any more
		}
	}
	return nil
}

func freeze(_ context.Context, tr *trial, _ *process, _ *did) error {
	if err := tr.org.SetUser(orgtest.User{Username: userName, Frozen: true}); err != nil {
		return cannot(err)
	}
	time.Sleep(upTo(tr.dice.roll("freeze"), 10*time.Minute))
	return driver(tr.org.SetUser(orgtest.User{Username: userName}))
}

func block(_ context.Context, tr *trial, _ *process, _ *did) error {
	if err := tr.org.Block(appName); err != nil {
		return cannot(err)
	}
	time.Sleep(upTo(tr.dice.roll("block"), 5*time.Minute))
	return driver(tr.org.Unblock(appName))
}

func rename(_ context.Context, tr *trial, _ *process, _ *did) error {
	tr.mu.Lock()
	tr.domains++
	name := fmt.Sprint("acme", tr.domains)
	tr.mu.Unlock()
	return driver(tr.org.RenameMyDomain(name))
}

func stage(_ context.Context, tr *trial, _ *process, _ *did) error {
	if _, _, err := tr.org.StageCredentials(appName); err != nil {
		return cannot(err)
	}
	return driver(tr.org.RotateCredentials(appName))
}
