package oauthflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"time"
)

// Callback is what reached one of the callback pages. All of it must match the login that was begun, else nothing is
// sent.
type Callback struct {
	Tenant  string     // the tenant of the user who is signed in now
	Path    string     // path of the page that was called, such as "/app/admin/motion"
	Binding string     // what ties the user's browser session to the login, as given to Begin
	Query   url.Values // the page's query
}

// String shows neither query nor binding: they are as good as a session.
func (c Callback) String() string { return "callback of " + c.Tenant + " at " + c.Path }

// Format writes [Callback.String] for every verb.
func (c Callback) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalText returns [Callback.String].
func (c Callback) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// LogValue returns [Callback.String].
func (c Callback) LogValue() slog.Value { return slog.StringValue(c.String()) }

// login is what the record of a login holds, sealed.
type login struct {
	Format      int
	Key         Key
	Client      sealedClient
	State       sealedSecret
	Nonce       sealedSecret
	Verifier    sealedSecret
	Binding     sealedSecret
	RedirectURL string
	ExpectOrg   string
	SecondKey   bool
	Begun       time.Time
}

// Begin starts a login for the connection k with the app c and returns the URL to send the user's browser to. The
// client and all that the callback needs are sealed into the store, so that any process can complete the login, once,
// within its lifetime.
//
// Binding ties the login to the browser that began it: a value that only the signed-in session knows; 16 to 512 bytes.
// It is required: without it an attacker could complete his own login in another user's session. A random value in a
// cookie serves: name it __Host-…, so that no other host of the domain can set it, with Secure, HttpOnly, Path=/ and
// SameSite=Lax; Strict would keep it from the callback, which comes from Salesforce's site.
//
// A connection that exists already goes on working until the login is complete.
//
// Source: RFC 9700 §2.1, §4.7.
func (m *Manager) Begin(ctx context.Context, k Key, c Client, binding string, o AuthorizeOptions) (redirect string, err error) {
	const op = "begin"
	if err := k.validate(op); err != nil {
		return "", err
	}
	if len(binding) < 16 || len(binding) > 512 {
		return "", invalid(op, "binding", "must be 16 to 512 bytes that only the user's session knows")
	}
	end, err := m.begin()
	if err != nil {
		return "", err
	}
	defer end()
	redirect, p, err := m.flow.Authorize(c, o)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(login{
		Format: madeFormat, Key: k, Client: c.sealed(), State: sealedSecret{p.state}, Nonce: sealedSecret{p.nonce},
		Verifier: sealedSecret{p.verifier}, Binding: sealedSecret{NewSecret(binding)}, RedirectURL: p.redirectURL,
		ExpectOrg: p.expectOrg, SecondKey: p.secondKey, Begun: p.begun,
	})
	if err != nil {
		return "", &Error{Op: op, Kind: KindStore, Err: err}
	}
	r := Record{ID: loginID(p.state), Due: p.begun.Add(m.time.Login)}
	if r.Data, err = m.seal.seal(ctx, r.ID, 1, plain); err != nil {
		return "", &Error{Op: op, Kind: KindStore, Err: err}
	}
	if err := m.cfg.Store.Save(ctx, r); err != nil {
		return "", storeError(op, err)
	}
	return redirect, nil
}

// BeginAgain is [Manager.Begin] with the app that the connection k has already.
func (m *Manager) BeginAgain(ctx context.Context, k Key, binding string, o AuthorizeOptions) (redirect string, err error) {
	if err := k.validate("begin"); err != nil {
		return "", err
	}
	_, g, err := m.load(ctx, "begin", k)
	if err != nil {
		return "", err
	}
	c := g.Client
	if g.Next != nil {
		c = *g.Next
	}
	return m.Begin(ctx, k, c.client(), binding, o)
}

// Complete ends a login with the callback that Salesforce sent the browser to, stores the connection and returns it.
// A callback that does not belong to a login begun here, to this tenant, page and session, costs no request and leaves
// the login as it is; of several equal callbacks, in whatever process, one is completed. Once the code has been sent
// the rest is finished even when ctx ends.
//
// A connection that exists under the same key is replaced, and its old refresh token revoked, when it belongs to the
// same org, or when the login named the new one ([AuthorizeOptions].ExpectOrg); else the error is [ErrOrgChanged], with
// the org that has answered in a [StrangerError], and the old connection stays.
//
// Errors: [KindState] (unknown, expired or used login, foreign session or issuer), [KindDenied] and Salesforce's other
// refusals, [ErrNoRefreshToken], [KindInDoubt] (begin again: a code is never sent twice), [KindStore]. Once the login is
// found, its Key comes with the error, and nothing else.
func (m *Manager) Complete(ctx context.Context, cb Callback) (Connection, error) {
	end, err := m.begin()
	if err != nil {
		return Connection{}, err
	}
	defer end()
	r, l, err := m.findLogin(ctx, cb)
	if err != nil {
		return Connection{}, err
	}
	var e *Error
	if _, _, err := m.load(ctx, "complete", l.Key); errors.As(err, &e) && e.Kind == KindStore {
		return Connection{Key: l.Key}, err // the login stays: a process that has the other store completes it
	}
	c, err := m.complete(ctx, r, l, cb)
	if err != nil {
		return Connection{Key: l.Key}, err
	}
	return c, nil
}

// complete spends a login and the code that answers it.
func (m *Manager) complete(ctx context.Context, r Record, l *login, cb Callback) (Connection, error) {
	p := l.pending()
	if err := m.cfg.Store.Delete(ctx, r.ID, r.Version); errors.Is(err, ErrConflict) {
		return Connection{}, loginError("was completed already")
	} else if err != nil {
		return Connection{}, storeError("complete", err)
	}
	ctx, cancel := m.detached(ctx)
	defer cancel()
	t, err := m.flow.Exchange(ctx, p, cb.Query)
	if err == nil {
		err = m.verify(ctx, p.client, t)
	}
	if err != nil {
		m.discard(p.client, t)
		return Connection{}, err
	}
	return m.install(ctx, l.Key, p, t)
}

// findLogin returns the login that the callback answers.
func (m *Manager) findLogin(ctx context.Context, cb Callback) (Record, *login, error) {
	state := cb.Query.Get("state")
	if !printable(state) || len(state) > callbackLimits["state"] || len(cb.Query["state"]) != 1 {
		return Record{}, nil, loginError("state is missing or malformed")
	}
	r, err := m.find(ctx, "complete", loginID(NewSecret(state)))
	if errors.Is(err, ErrNotFound) {
		return Record{}, nil, loginError("is unknown: it was never begun, has expired, or was completed already")
	} else if err != nil {
		return Record{}, nil, err
	}
	l, err := m.openLogin(ctx, r)
	if err != nil {
		return Record{}, nil, sealError("complete", Key{Tenant: cb.Tenant}, err)
	}
	u, err := url.Parse(l.RedirectURL)
	switch age := m.flow.now().Sub(l.Begun); {
	case err != nil || cb.Path != u.Path:
		return Record{}, nil, loginError("was to return to another page")
	case cb.Tenant != l.Key.Tenant || !NewSecret(cb.Binding).Equal(l.Binding.Secret):
		return Record{}, nil, loginError("was begun by another tenant or session")
	case age > m.time.Login || age < -time.Minute:
		return Record{}, nil, loginError("has expired")
	}
	return r, l, nil
}

func (m *Manager) openLogin(ctx context.Context, r Record) (*login, error) {
	plain, err := m.seal.open(ctx, r.ID, r.Version, r.Data)
	if err != nil {
		return nil, err
	}
	l := new(login)
	return l, decode(plain, l, &l.Format)
}

// abandon removes a login whose time is over, and reports whether that was done.
func (m *Manager) abandon(ctx context.Context, r Record) bool {
	l, err := m.openLogin(ctx, r)
	if m.cfg.Store.Delete(ctx, r.ID, r.Version) != nil {
		return false
	}
	if err == nil {
		m.observe(Event{Type: EventAbandoned, Key: l.Key})
	}
	return true
}

func loginError(problem string) error {
	return &Error{Op: "complete", Kind: KindState, Err: errors.New("the login " + problem)}
}

func (l *login) pending() Pending {
	return Pending{
		client: l.Client.client(), state: l.State.Secret, nonce: l.Nonce.Secret, verifier: l.Verifier.Secret,
		redirectURL: l.RedirectURL, expectOrg: l.ExpectOrg, secondKey: l.SecondKey, begun: l.Begun,
	}
}
