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

	scrubber "github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
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
func (c Callback) String() string {
	return "callback of " + scrubber.Word(c.Tenant) + " at " + scrubber.Name(c.Path)
}

// Format writes [Callback.String] for every verb.
func (c Callback) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, c.String()) }

// MarshalText returns [Callback.String].
func (c Callback) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// MarshalBinary always fails: gob and other binary encoders would write what is not shown.
func (c Callback) MarshalBinary() ([]byte, error) {
	return nil, errors.New("oauthflow: a Callback is not encoded")
}

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
	ExpectUser  string `json:",omitempty"`
	Begun       time.Time
	History     *history `json:",omitempty"` // in which it was begun; nil of an earlier version
}

// history is what is known of which history a store is in: [ManagerConfig].StoreEpoch, and what the store tells.
type history struct{ StoreEpoch, Timeline string }

// lost reports whether the store, as r was loaded, has gone on in another history than the one in which l was begun. Then it
// may have lost that the login's code was sent.
func (l *login) lost(r tokenstore.Record, storeEpoch string) bool {
	h := l.History
	return h != nil && (h.StoreEpoch != storeEpoch || r.Timeline != "" && r.Timeline != h.Timeline)
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
// A connection that exists already goes on working until the login is complete. A tenant has at most [MaxLogins] logins at a
// time; a further one replaces the oldest.
//
// Source: RFC 9700 §2.1, §4.7.
func (m *Manager) Begin(ctx context.Context, k Key, c Client, binding string, o AuthorizeOptions) (redirect string, err error) {
	const op = "begin"
	if err := m.ended(); err != nil {
		return "", err
	}
	if err := k.validate(op); err != nil {
		return "", err
	}
	if len(binding) < 16 || len(binding) > 512 {
		return "", invalid(op, "binding", "must be 16 to 512 bytes that only the user's session knows")
	}
	c = c.trimmed()
	end, err := m.begin()
	if err != nil {
		return "", err
	}
	defer end()
	if err := m.relocated(ctx, op); err != nil {
		return "", err
	}
	for try := range loginTries {
		r, state, err := m.loginPlace(ctx, k.Tenant, try)
		if errors.Is(err, tokenstore.ErrConflict) {
			continue
		} else if err != nil {
			return "", err
		}
		redirect, p, err := m.flow.authorize(c, o, state)
		if err != nil {
			return "", err
		}
		err = m.saveLogin(ctx, r, k, p, binding)
		if err == nil {
			m.replaced(r)
			return redirect, nil
		} else if !errors.Is(err, tokenstore.ErrConflict) {
			return "", err
		}
	}
	return "", &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
}

// saveLogin stores a login over the record r, or at its id where its version is 0.
func (m *Manager) saveLogin(ctx context.Context, r tokenstore.Record, k Key, p Pending, binding string) error {
	const op = "begin"
	plain, err := json.Marshal(login{
		Format: madeFormat, Key: k, Client: p.client.sealed(), State: sealedSecret{p.state}, Nonce: sealedSecret{p.nonce},
		Verifier: sealedSecret{p.verifier}, Binding: sealedSecret{NewSecret(binding)}, RedirectURL: p.redirectURL,
		ExpectOrg: p.expectOrg, ExpectUser: p.expectUser, Begun: p.begun, History: &history{m.cfg.StoreEpoch, r.Timeline},
	})
	if err != nil {
		return &Error{Op: op, Kind: KindStore, Err: err}
	}
	r.Due = p.begun.Add(m.time.Login)
	if r.Data, err = m.seal.Seal(r.ID, r.Version+1, plain); err != nil {
		return &Error{Op: op, Kind: KindStore, Err: err}
	}
	if err := m.cfg.Store.Save(ctx, r); err != nil {
		return storeError(op, err)
	}
	return nil
}

// BeginAgain is [Manager.Begin] with the app that the connection k has already, at its login host or, where that is a My
// Domain which was renamed, at the new one, if its redirect has told it.
func (m *Manager) BeginAgain(ctx context.Context, k Key, binding string, o AuthorizeOptions) (redirect string, err error) {
	if err := m.ended(); err != nil {
		return "", err
	}
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
	return m.Begin(ctx, k, g.again(c), binding, o)
}

// Complete ends a login with the callback that Salesforce sent the browser to, stores the connection and returns it.
// A callback that does not belong to a login begun here, to this tenant, page and session, costs no request and leaves
// the login as it is. Of several callbacks of one login, in any processes, one sends its code, and none where the store may
// have lost that it was sent: after a failover that the store tells of ([tokenstore.Record].Timeline), or another StoreEpoch. The others, within ten
// minutes of the login's end, get what that one got: the connection, or the same error; they wait for it as long as its
// request may take, two and a half minutes at most, within their own ctx. The one that sends waits for a place among the sixteen
// requests at the login host, for which tenants take turns. Once the code has been sent the rest is finished even when ctx ends.
//
// A connection that exists under the same key is replaced, and its old refresh token revoked, when it belongs to the
// same org, or when the login named the new one ([AuthorizeOptions].ExpectOrg); else the error is [ErrOrgChanged], with
// the org that has answered in a [StrangerError], and the old connection stays.
//
// Errors: [KindState] (unknown or expired login, one of before a failover, foreign session or issuer, a login that was interrupted; [ErrSuperseded]),
// [KindDenied] and Salesforce's other refusals, also of an expired login, [ErrUserChanged] ([AuthorizeOptions].ExpectUser), [ErrNoRefreshToken], [KindInDoubt] (begin again: a code that may be spent is
// never sent twice), [KindStore]. A code that the login host redirects to the org's My Domain is not spent, and is sent
// there once more. Once the login is found, its Key comes with the error, and nothing else.
func (m *Manager) Complete(ctx context.Context, cb Callback) (Connection, error) {
	end, err := m.begin()
	if err != nil {
		return Connection{}, err
	}
	defer end()
	for range conflictTries {
		r, l, spent, err := m.findLogin(ctx, cb)
		if err != nil {
			return Connection{}, err
		}
		if spent != nil {
			return m.recorded(ctx, cb, r, spent)
		}
		var e *Error
		if _, _, err := m.load(ctx, "complete", l.Key); errors.As(err, &e) && (e.Kind == KindStore || e.Kind == KindForeign) {
			return Connection{Key: l.Key}, err // the login stays: its code is not spent for what could not be stored here
		}
		c, err := m.completeInTurn(ctx, r, l, cb)
		if errors.Is(err, errSpent) {
			continue
		} else if err != nil {
			return Connection{Key: l.Key}, err
		}
		return c, nil
	}
	return Connection{}, &Error{Op: "complete", Kind: KindStore, Err: tokenstore.ErrConflict}
}

// errSpent means that another process has the login.
var errSpent = errors.New("the login was taken by another process")

// completeInTurn is complete with a place among the requests to the login host, for which it waits before it spends the login.
func (m *Manager) completeInTurn(ctx context.Context, r tokenstore.Record, l *login, cb Callback) (Connection, error) {
	var c Connection
	err := m.atHost(ctx, "complete", l.Client.Host, l.Key.Tenant, func() (err error) {
		c, err = m.complete(ctx, r, l, cb)
		return err
	})
	return c, err
}

// complete spends a login and the code that answers it.
func (m *Manager) complete(ctx context.Context, r tokenstore.Record, l *login, cb Callback) (Connection, error) {
	p, s := l.pending(), l.spend(m.flow.now())
	at, err := m.saveSpent(ctx, r, s)
	ctx, cancel := m.detached(ctx)
	defer cancel()
	if errors.Is(err, tokenstore.ErrConflict) {
		return Connection{}, errSpent
	} else if err != nil { // it may have been saved all the same, and the code is not sent
		m.recordResult(ctx, tokenstore.Record{ID: r.ID}, s, err)
		return Connection{}, err
	}
	t, err := m.exchange(ctx, &p, cb.Query)
	if err == nil {
		err = m.verify(ctx, p.client, p.tokenHost, t)
	}
	var c Connection
	if err != nil {
		m.discard(l.Key.Tenant, p.client, t)
	} else {
		c, err = m.install(ctx, l.Key, s.Epoch, p, t)
	}
	m.recordResult(ctx, at, s, err)
	return c, err
}

// findLogin returns the login that the callback answers, or what has taken its place.
func (m *Manager) findLogin(ctx context.Context, cb Callback) (tokenstore.Record, *login, *spentLogin, error) {
	fail := func(err error) (tokenstore.Record, *login, *spentLogin, error) {
		return tokenstore.Record{}, nil, nil, err
	}
	state := cb.Query.Get("state")
	if !printable(state) || len(state) > callbackLimits["state"] || len(cb.Query["state"]) != 1 {
		return fail(refusedUnknown(cb, loginError("state is missing or malformed")))
	}
	r, l, s, err := m.foundLogin(ctx, cb.Tenant, NewSecret(state))
	if errors.Is(err, tokenstore.ErrNotFound) {
		return fail(refusedUnknown(cb, loginError(loginUnknown)))
	} else if err != nil {
		return fail(err)
	}
	if s != nil {
		return r, nil, s, nil
	}
	if err := cb.belongs(l.Key, l.RedirectURL, bindingHash(l.Binding.Reveal())); err != nil {
		return fail(err)
	}
	if past(l.Begun, m.time.Login, m.flow.now()) {
		return fail(refusedLate(cb, loginError("has expired")))
	}
	if l.lost(r, m.cfg.StoreEpoch) {
		return fail(loginError("was begun before the store fell back to an earlier state, and its code may have been sent: begin again"))
	}
	return r, l, nil, nil
}

// abandon removes a login whose time is over, or the result of one, also where that is of a later format, and reports whether
// that was done. One that does not open under its id belongs to somebody else, and stays.
func (m *Manager) abandon(ctx context.Context, id string, r tokenstore.Record) bool {
	plain, err := m.unseal(opKeepAlive, id, r)
	if err != nil || remove(ctx, m.cfg.Store, r) != nil {
		return false
	}
	if l, _, err := decodeLogin(plain); err == nil && l != nil {
		m.observe(Event{Type: EventAbandoned, Key: l.Key})
	}
	return true
}

func (l *login) pending() Pending {
	return Pending{
		client: l.Client.client(), state: l.State.Secret, nonce: l.Nonce.Secret, verifier: l.Verifier.Secret,
		redirectURL: l.RedirectURL, expectOrg: l.ExpectOrg, expectUser: l.ExpectUser, begun: l.Begun,
	}
}
