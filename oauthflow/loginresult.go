package oauthflow

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	resultAge   = 10 * time.Minute // a login's result is shown for so long at least after its end
	resultLeast = 20 * time.Second // a second callback waits for the result of the first at least for so long,

	// and until the first has had the time for its request, for the keys of the id_token and for what it stores.
	resultWait = delivery + answerWait + verifyTimeout + 4*storeTimeout

	spentFormat = 2 // an earlier version, which knows format 1 alone, refuses the record and sends no code
)

// spentLogin takes the place of a login's record, sealed, before its code is sent: the process whose save succeeds owns
// the login, and nobody sends a code again. It holds no secret: neither client, verifier nor binding. Where its process ends
// between this and the result, the result is that of the connection's epoch, or unknown.
type spentLogin struct {
	Format      int
	Key         Key
	RedirectURL string
	Binding     string // SHA-256 of the login's binding
	Epoch       string // of the connection that the login makes
	State       string `json:",omitempty"` // hash of the login's state; an earlier version has it in the record's id
	Spent       time.Time
	Ended       time.Time    // zero while the result is not known
	Fault       *loginResult // nil where the login ended with a connection
}

// loginResult is an [Error] as it is stored.
type loginResult struct {
	Op, Host, Code, Description string
	Kind                        ErrorKind
	Status                      int
	RetryAfter                  time.Duration
	AppIsNew                    bool
	Cause                       string // text of the cause
	Sentinel                    string // name of the sentinel that the cause wraps
	OrgID, UserID               string // of a StrangerError
}

func (l *login) spend(now time.Time) *spentLogin {
	return &spentLogin{
		Format: spentFormat, Key: l.Key, RedirectURL: l.RedirectURL, Binding: bindingHash(l.Binding.Reveal()),
		Epoch: random().Reveal(), Spent: now, State: stateHash(l.State.Secret),
	}
}

func bindingHash(binding string) string {
	sum := sha256.Sum256([]byte(binding))
	return hex.EncodeToString(sum[:])
}

// openLogin opens the record of a login that waits for its callback, or of one that has had it. One of the two is nil.
func (m *Manager) openLogin(op, id string, r tokenstore.Record) (*login, *spentLogin, error) {
	plain, err := m.unseal(op, id, r)
	if err != nil {
		return nil, nil, err
	}
	l, s, err := decodeLogin(plain)
	if err != nil {
		return nil, nil, recordError(op, id, err)
	}
	return l, s, nil
}

func decodeLogin(plain []byte) (*login, *spentLogin, error) {
	if s := new(spentLogin); json.Unmarshal(plain, s) == nil && s.Format == spentFormat {
		d := json.NewDecoder(bytes.NewReader(plain))
		if d.DisallowUnknownFields(); d.Decode(s) != nil {
			return nil, nil, ErrNewerFormat
		}
		return nil, s, nil
	}
	l := new(login)
	return l, nil, decode(plain, l, &l.Format)
}

// belongs returns the error of a callback that did not come back to the page, tenant and session that began the login.
func (c Callback) belongs(k Key, redirectURL, binding string) error {
	u, err := url.Parse(redirectURL)
	switch {
	case err != nil || c.Path != u.Path:
		return loginError("was to return to another page")
	case c.Tenant != k.Tenant || !NewSecret(bindingHash(c.Binding)).Equal(NewSecret(binding)):
		return loginError("was begun by another tenant or session")
	}
	return nil
}

// saveSpent saves s over the login's record r, or over an earlier s.
func (m *Manager) saveSpent(ctx context.Context, r tokenstore.Record, s *spentLogin) (tokenstore.Record, error) {
	plain, err := json.Marshal(s)
	if err != nil {
		return r, &Error{Op: "complete", Kind: KindStore, Err: err}
	}
	r.Due = later(s.Spent, s.Ended).Add(resultAge + clockSkew)
	if r.Data, err = m.seal.Seal(r.ID, r.Version+1, plain); err != nil {
		return r, &Error{Op: "complete", Kind: KindStore, Err: err}
	}
	if err := m.cfg.Store.Save(ctx, r); err != nil {
		return r, storeError("complete", err)
	}
	r.Version++
	return r, nil
}

// recordResult notes how a login ended, so that its callback can be answered again. R is the record of s as it was saved, or
// of version 0 where nobody knows whether it was. What cannot be noted is unknown to the next callback, unless the
// connection is there.
func (m *Manager) recordResult(ctx context.Context, r tokenstore.Record, s *spentLogin, result error) {
	ctx = allowing(ctx, storeTimeout)
	saved := r.Version > 0
	s.Ended, s.Fault = m.flow.now(), resultOf(result)
	for try := range storeTries {
		if try > 0 && !sleep(ctx, time.Duration(try)*50*time.Millisecond) {
			return
		}
		if try > 0 || !saved { // sealed with another key meanwhile, or saved by an earlier try
			now, err := m.loadFrom(ctx, "complete", m.cfg.Store, r.ID)
			if errors.Is(err, tokenstore.ErrNotFound) {
				return
			} else if err != nil {
				continue
			}
			l, is, err := m.openLogin("complete", r.ID, now)
			switch {
			case err != nil, is != nil && (is.Epoch != s.Epoch || !is.Ended.IsZero()):
				return
			case l != nil && stateHash(l.State.Secret) != s.State: // a newer login has its place
				return
			case l != nil && !saved: // it was not: the login waits for its callback as before
				return
			}
			r = now // also where the store fell back to the login, whose code was sent
		}
		if _, err := m.saveSpent(ctx, r, s); err == nil || errors.Is(err, tokenstore.ErrNotDurable) {
			return
		}
	}
}

// recorded answers a callback whose login's code was sent already, by this callback or by one like it: with the connection
// that it made, or with the error that it ended with. It sends nothing. A result that is not there yet it waits for.
func (m *Manager) recorded(ctx context.Context, cb Callback, r tokenstore.Record, s *spentLogin) (Connection, error) {
	if err := cb.belongs(s.Key, s.RedirectURL, s.Binding); err != nil {
		return Connection{}, err
	}
	began, id := m.elapsed(), r.ID
	patient := min(max(s.Spent.Add(resultWait).Sub(m.flow.now()), resultLeast), resultWait) // clocks may differ
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		if past(later(s.Spent, s.Ended), resultAge+clockSkew, m.flow.now()) { // by a clock that may be so far ahead
			return Connection{}, loginError(loginUnknown)
		}
		if s.Fault != nil && s.Fault.Kind != KindStore {
			return Connection{Key: s.Key}, s.Fault.err(m.flow.now().Sub(s.Ended))
		}
		c, epoch, err := m.whereItWent(ctx, s.Key)
		switch {
		case err == nil && (epoch == s.Epoch || !s.Ended.IsZero() && s.Fault == nil):
			return c, nil
		case s.Fault != nil: // of a save whose outcome was unknown
			return Connection{Key: s.Key}, s.Fault.err(m.flow.now().Sub(s.Ended))
		case !s.Ended.IsZero():
			return Connection{Key: s.Key}, err
		}
		left := patient - (m.elapsed() - began)
		if left <= 0 || m.open.Err() != nil || !sleep(ctx, min(pause, left)) {
			return Connection{Key: s.Key}, loginError("is being completed by another request, or was interrupted: " +
				"load this page again in a minute, then begin again")
		}
		if r, err = m.loadFrom(ctx, "complete", m.cfg.Store, id); errors.Is(err, tokenstore.ErrNotFound) {
			return Connection{}, loginError(loginUnknown)
		} else if err != nil {
			return Connection{Key: s.Key}, err
		}
		_, now, err := m.openLogin("complete", id, r)
		if err != nil {
			return Connection{Key: s.Key}, err
		} else if now == nil || now.State != s.State { // the store fell back, and its code was sent; or a newer login has its place
			return Connection{Key: s.Key}, loginError(loginUnknown)
		}
		s = now
	}
}

// whereItWent returns the connection of a key, under the key that it was moved to since where it was, and its epoch.
func (m *Manager) whereItWent(ctx context.Context, k Key) (Connection, string, error) {
	_, g, err := m.load(ctx, "complete", k)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindNotConnected && g != nil && g.MovedTo != nil {
		_, g, err = m.load(ctx, "complete", *g.MovedTo)
	}
	if err != nil {
		return Connection{}, "", err
	}
	return g.connection(m.flow.now()), g.Epoch, nil
}

// sentinels are those that the cause of a login's error may wrap, by the names that are stored.
var sentinels = []struct {
	name string
	err  error
}{
	{"no refresh token", ErrNoRefreshToken},
	{"no such host", ErrNoSuchHost},
	{"own network", ErrOwnNetwork},
	{"org changed", ErrOrgChanged},
	{"user changed", ErrUserChanged},
	{"not durable", tokenstore.ErrNotDurable},
	{"not found", tokenstore.ErrNotFound},
	{"conflict", tokenstore.ErrConflict},
	{"closed", ErrClosed},
	{"newer format", ErrNewerFormat},
	{"superseded", ErrSuperseded},
	{"transport", ErrTransport},
}

// resultOf returns what is stored of a login's error; nil for none.
func resultOf(err error) *loginResult {
	if err == nil {
		return nil
	}
	e := new(Error)
	if !errors.As(err, &e) {
		e = &Error{Op: "complete", Kind: KindStore, Err: err}
	}
	l := &loginResult{
		Op: e.Op, Host: e.Host, Code: e.Code, Description: e.Description, Kind: e.Kind, Status: e.Status,
		RetryAfter: e.RetryAfter, AppIsNew: e.AppIsNew,
	}
	if e.Err != nil {
		l.Cause = e.Err.Error()
	}
	for _, s := range sentinels {
		if errors.Is(e.Err, s.err) {
			l.Sentinel = s.name
			break
		}
	}
	if who := new(StrangerError); errors.As(err, &who) {
		l.OrgID, l.UserID = who.OrgID, who.UserID
	}
	return l
}

// err returns the error again, age after it happened.
func (l *loginResult) err(age time.Duration) *Error {
	e := &Error{
		Op: l.Op, Host: l.Host, Code: l.Code, Description: l.Description, Kind: l.Kind, Status: l.Status,
		AppIsNew: l.AppIsNew,
	}
	if l.RetryAfter > 0 {
		e.RetryAfter = max(l.RetryAfter-max(age, 0), 0)
	}
	var sentinel error
	for _, s := range sentinels {
		if s.name == l.Sentinel {
			sentinel = s.err
		}
	}
	switch {
	case sentinel != nil && l.OrgID != "":
		e.Err = &StrangerError{l.OrgID, l.UserID, sentinel}
	case sentinel != nil:
		e.Err = recordedCause{l.Cause, sentinel}
	case l.Cause != "":
		e.Err = errors.New(l.Cause)
	}
	return e
}

// recordedCause is the cause of a recorded error: its text, and the sentinel that it wrapped.
type recordedCause struct {
	text     string
	sentinel error
}

// Error returns the text.
func (c recordedCause) Error() string { return c.text }

// Unwrap returns the sentinel.
func (c recordedCause) Unwrap() error { return c.sentinel }
