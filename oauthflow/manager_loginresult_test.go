package oauthflow_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// loginEnd is a way in which a login ends.
type loginEnd struct {
	name      string
	options   oauthflow.AuthorizeOptions
	deny      bool
	client    func(*oauthflow.Client)
	fault     orgtest.Fault
	kind      oauthflow.ErrorKind // empty: connected
	sentinel  error
	exchanges int
}

var loginEnds = []loginEnd{
	{name: "with a connection", exchanges: 1},
	{name: "with the user's denial", deny: true, kind: oauthflow.KindDenied},
	{name: "with a code that Salesforce refuses", kind: oauthflow.KindGrantDead, exchanges: 1,
		fault: orgtest.Fault{Path: tokenEndpoint, Status: 400, Body: `{"error":"invalid_grant","error_description":"expired authorization code"}`}},
	{name: "with a wrong consumer secret", kind: oauthflow.KindClient, exchanges: 1,
		client: func(c *oauthflow.Client) { c.Secret = oauthflow.NewSecret("a-wrong-secret-1") }},
	{name: "with an answer that is lost", kind: oauthflow.KindInDoubt, exchanges: 1, fault: orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropAfter}},
	{name: "with a request to come back later", kind: oauthflow.KindBusy, exchanges: 1, fault: orgtest.Fault{Path: tokenEndpoint, Status: 503}},
	{name: "without a refresh token", kind: oauthflow.KindNoRefresh, sentinel: oauthflow.ErrNoRefreshToken, exchanges: 1,
		fault: orgtest.Fault{Path: tokenEndpoint, Status: 200, Body: "without refresh_token"}},
	{name: "with another org", kind: oauthflow.KindOrgChanged, sentinel: oauthflow.ErrOrgChanged, exchanges: 1,
		options: oauthflow.AuthorizeOptions{ExpectOrg: "00D000000000001"}},
}

// answered begins a login that is going to end so, and returns the callback.
func (end loginEnd) answered(w *world, m *oauthflow.Manager) oauthflow.Callback {
	w.t.Helper()
	c, o := w.client(), end.options
	o.LoginHint = w.user
	if end.client != nil {
		end.client(&c)
	}
	redirect, err := m.Begin(w.t.Context(), mainKey, c, browser, o)
	if err != nil {
		w.t.Fatal(err)
	}
	switch {
	case end.fault.Body == "without refresh_token":
		w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
			if !strings.HasSuffix(resp.Request.URL.Path, tokenEndpoint) {
				return resp, nil
			}
			var fields map[string]any
			if err := json.NewDecoder(resp.Body).Decode(&fields); err != nil {
				return nil, err
			}
			delete(fields, "refresh_token")
			body, err := json.Marshal(fields)
			if err != nil {
				return nil, err
			}
			return wireReply(resp.Request, 200, string(body)), nil
		})
	case end.fault.Path != "":
		if err := w.org.Inject(end.fault); err != nil {
			w.t.Fatal(err)
		}
	}
	if !end.deny {
		return w.approve(mainKey, redirect)
	}
	back, err := w.org.Deny(w.t.Context(), redirect)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(back)
	if err != nil {
		w.t.Fatal(err)
	}
	return oauthflow.Callback{Tenant: mainKey.Tenant, Path: u.Path, Binding: browser, Query: u.Query()}
}

// wantEnd checks that a callback is answered with the end of its login.
func (end loginEnd) wantEnd(t *testing.T, when string, c oauthflow.Connection, err error, first error) {
	t.Helper()
	if end.kind == "" {
		if err != nil || c.Key != mainKey || c.Status != oauthflow.StatusActive {
			t.Errorf("%s: %v %q, %v; want the connection", when, c.Key, c.Status, err)
		}
		return
	}
	var e, was *oauthflow.Error
	if !errors.As(err, &e) || !errors.As(first, &was) {
		t.Errorf("%s: %v, want %v", when, err, first)
		return
	}
	if e.Kind != end.kind || e.Code != was.Code || e.Description != was.Description || e.Status != was.Status || e.Op != was.Op ||
		e.Host != was.Host || e.Error() != was.Error() || e.Sentence() != was.Sentence() || e.AppIsNew != was.AppIsNew {
		t.Errorf("%s:\n%v, want\n%v", when, e, was)
	}
	if end.sentinel != nil && !errors.Is(err, end.sentinel) {
		t.Errorf("%s: %v does not wrap %v", when, err, end.sentinel)
	}
	var who, stranger *oauthflow.StrangerError
	if errors.As(first, &who) && (!errors.As(err, &stranger) || stranger.OrgID != who.OrgID || stranger.UserID != who.UserID) {
		t.Errorf("%s: %v does not name %s", when, err, who.OrgID)
	}
}

func TestACallbackThatIsDeliveredAgainIsAnsweredWithTheResultOfItsLogin(t *testing.T) {
	for _, end := range loginEnds {
		t.Run(end.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				managers := []*oauthflow.Manager{w.manager(), w.manager()} // two processes
				cb := end.answered(w, managers[0])
				c, first := managers[0].Complete(t.Context(), cb)
				end.wantEnd(t, "the first time", c, first, first)
				w.wire.tap(nil, nil)
				for _, again := range []struct {
					when  string
					after time.Duration
				}{{"at once", 0}, {"ten minutes later, but for a second", resultAge - time.Second}} {
					time.Sleep(again.after)
					for _, m := range managers {
						c, err := m.Complete(t.Context(), cb)
						end.wantEnd(t, again.when, c, err, first)
					}
				}
				time.Sleep(5*time.Minute + 2*time.Second) // as far as the clocks of two processes may be apart
				for _, m := range managers {
					_, err := m.Complete(t.Context(), cb)
					wantKind(t, err, oauthflow.KindState)
				}
				if n := w.wire.exchanges(); n != end.exchanges {
					t.Errorf("%d codes were sent, want %d", n, end.exchanges)
				}
				w.keptAlive(10*time.Minute, managers...)
				if left := w.records("login/"); len(left) != 0 {
					t.Errorf("after the sweep %v is left", left)
				}
			})
		})
	}
}

const resultAge = 10 * time.Minute

func TestTheResultOfALoginIsShownToNobodyElse(t *testing.T) {
	for _, end := range loginEnds {
		t.Run(end.name, func(t *testing.T) {
			w := rotating(t)
			m := w.manager()
			for name, change := range map[string]func(*oauthflow.Callback){
				"another session": func(cb *oauthflow.Callback) { cb.Binding = "a-cookie-of-somebody-else" },
				"no session":      func(cb *oauthflow.Callback) { cb.Binding = "" },
				"another tenant":  func(cb *oauthflow.Callback) { cb.Tenant = "rival" },
				"another page":    func(cb *oauthflow.Callback) { cb.Path = "/app/admin/plan" },
			} {
				cb := end.answered(w, m)
				foreign := cb
				change(&foreign)
				_, before := m.Complete(t.Context(), foreign)
				if _, err := m.Complete(t.Context(), cb); (err == nil) != (end.kind == "") {
					t.Fatal(err)
				}
				w.wire.tap(nil, nil)
				c, after := m.Complete(t.Context(), foreign)
				wantKind(t, after, oauthflow.KindState)
				if c.Key != (oauthflow.Key{}) || after.Error() != before.Error() {
					t.Errorf("%s: %v with %v, want as before the login: %v", name, after, c.Key, before)
				}
			}
		})
	}
}

func TestTheResultOfALoginHoldsNoSecretAndIsOfAFormatThatEarlierVersionsRefuse(t *testing.T) {
	for _, end := range loginEnds {
		t.Run(end.name, func(t *testing.T) {
			w := rotating(t)
			v := w.unlocked()
			m := w.manager()
			cb := end.answered(w, m)
			id := w.records("login/")[0]
			record := func() tokenstore.Record {
				r, err := w.store.Load(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				return r
			}
			secrets := []string{browser, w.client().Secret.Reveal(), cb.Query.Get("code"), cb.Query.Get("state")}
			for _, name := range []string{"Verifier", "Nonce"} {
				secrets = append(secrets, v.read(record())[name].(string))
			}
			if _, err := m.Complete(t.Context(), cb); (err == nil) != (end.kind == "") {
				t.Fatal(err)
			}
			fields := v.read(record())
			text, err := json.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range secrets {
				if secret != "" && strings.Contains(string(text), secret) {
					t.Errorf("the record holds a secret of the login")
				}
			}
			if fields["Format"] != float64(2) {
				t.Errorf("its format is %v: an earlier version would send its code", fields["Format"])
			}
		})
	}
}

func TestASecondCallbackWaitsForTheResultOfTheFirst(t *testing.T) {
	for _, row := range []struct {
		name  string
		takes time.Duration // the exchange
		leave time.Duration // when the second one's browser goes; 0 for never
		want  oauthflow.ErrorKind
		after time.Duration
	}{
		{name: "that comes soon", takes: 5 * time.Second},
		{name: "that takes half a minute", takes: 30 * time.Second},
		{name: "that takes as long as it may", takes: 119 * time.Second},
		{name: "that is never answered", takes: time.Hour, want: oauthflow.KindInDoubt, after: 120 * time.Second},
		{name: "until its browser goes", takes: 10 * time.Second, leave: 3 * time.Second, want: oauthflow.KindState, after: 3 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				one, two := w.manager(), w.manager()
				cb := w.begin(one, mainKey)
				w.wire.tap(nil, slowly(row.takes))
				first := make(chan error, 1)
				go func() { _, err := one.Complete(context.Background(), cb); first <- err }()
				time.Sleep(100 * time.Millisecond)
				ctx, began := t.Context(), time.Now()
				if row.leave > 0 {
					c, cancel := context.WithTimeout(ctx, row.leave)
					defer cancel()
					ctx = c
				}
				c, err := two.Complete(ctx, cb)
				if row.want == "" {
					if err != nil || c.Key != mainKey {
						t.Errorf("%v, %v; want the connection", c.Key, err)
					}
				} else {
					wantKind(t, err, row.want)
					if took := time.Since(began); took < row.after-time.Second || took > row.after+time.Second {
						t.Errorf("it was answered after %v, want %v", took, row.after)
					}
				}
				end := oauthflow.ErrorKind("")
				if row.want == oauthflow.KindInDoubt {
					end = row.want
				}
				if err := <-first; end == "" && err != nil || end != "" && kindOf(err) != end {
					t.Errorf("the first: %v", err)
				}
				if c, err := two.Complete(t.Context(), cb); c.Key != mainKey || end == "" && err != nil || end != "" && kindOf(err) != end {
					t.Errorf("loaded again: %v, %v", c.Key, err)
				}
				if n := w.wire.exchanges(); n != 1 {
					t.Errorf("%d codes were sent, want 1", n)
				}
			})
		})
	}
}

// The process ends at one of its saves, before or after the store has acted: no code is ever sent by two processes.
func TestALoginWhoseProcessEndsIsAnsweredByWhatIsStoredAndSendsNoCodeAgain(t *testing.T) {
	for _, row := range []struct {
		name      string
		save      int32 // that the process ends at
		acts      bool
		kind      oauthflow.ErrorKind // of the answer to another process; empty: the connection
		exchanges int
	}{
		{"before the login is taken", 1, false, "", 1},
		{"when the login is taken", 1, true, oauthflow.KindStore, 0},
		{"before the connection is stored", 2, false, oauthflow.KindState, 1},
		{"when the connection is stored", 2, true, "", 1},
		{"before the result is stored", 3, false, "", 1},
		{"when the result is stored", 3, true, "", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				shared := w.store
				h := &hooked{Store: shared}
				w.store = h
				dying := w.manager()
				w.store = shared
				cb := w.begin(w.manager(), mainKey)
				var saves atomic.Int32
				dead := func() bool { return saves.Load() >= row.save }
				h.onSave(func(_ tokenstore.Record, do func() error) error {
					if n := saves.Add(1); n < row.save || n == row.save && row.acts {
						if err := do(); n < row.save {
							return err
						}
					}
					return errStoreDown
				})
				h.onLoad(func(string) error {
					if dead() {
						return errStoreDown
					}
					return nil
				})
				_, _ = dying.Complete(t.Context(), cb)
				wantExchanges := row.exchanges
				if row.save == 1 {
					if n := w.wire.exchanges(); n != 0 {
						t.Errorf("%d codes were sent of a login whose save failed", n)
					}
				}
				if row.kind == oauthflow.KindStore { // its result could not be stored either
					row.kind = oauthflow.KindState
				}
				for i := range 2 {
					began := time.Now()
					c, err := w.manager().Complete(t.Context(), cb)
					if took := time.Since(began); i > 0 && took > 21*time.Second { // the first has had its time by now
						t.Errorf("loaded again, it took %v", took)
					}
					if row.kind != "" {
						wantKind(t, err, row.kind)
					} else if err != nil || c.Key != mainKey {
						t.Errorf("%v, %v; want the connection", c.Key, err)
					}
				}
				if n := w.wire.exchanges(); n != wantExchanges {
					t.Errorf("%d codes were sent, want %d", n, wantExchanges)
				}
				h.onSave(nil)
				h.onLoad(nil)
				time.Sleep(time.Minute)
				w.wantEvents("refresh", "reuse", 0)
			})
		})
	}
}

// A save of which the store says that it is made, but unsafe, sends nothing; the result says so to every callback.
func TestALoginThatIsTakenUnsafelySaysSoAgain(t *testing.T) {
	w := rotating(t)
	h := &hooked{Store: w.store}
	w.store = h
	m := w.manager()
	cb := w.begin(m, mainKey)
	h.onSave(func(_ tokenstore.Record, do func() error) error {
		h.onSave(nil)
		return errors.Join(do(), tokenstore.ErrNotDurable)
	})
	for range 2 {
		_, err := m.Complete(t.Context(), cb)
		if wantKind(t, err, oauthflow.KindStore); !errors.Is(err, tokenstore.ErrNotDurable) {
			t.Errorf("got %v, want ErrNotDurable", err)
		}
	}
	if n := w.wire.exchanges(); n != 0 {
		t.Errorf("%d codes were sent, want 0", n)
	}
}

func TestTheResultOfALoginIsFoundAfterAMove(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	cb := w.begin(m, mainKey)
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	moved := oauthflow.Key{Tenant: "acme", Name: "moved"}
	if err := m.Move(t.Context(), mainKey, moved); err != nil {
		t.Fatal(err)
	}
	if c, err := m.Complete(t.Context(), cb); err != nil || c.Key != moved {
		t.Errorf("after a move: %v, %v; want the connection where it is", c.Key, err)
	}
	if err := m.Disconnect(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	_, err := m.Complete(t.Context(), cb)
	wantKind(t, err, oauthflow.KindNotConnected)
	if n := w.wire.exchanges(); n != 1 {
		t.Errorf("%d codes were sent, want 1", n)
	}
}

// counted counts the calls of a store.
type counted struct {
	tokenstore.Store
	loads, saves, deletes atomic.Int32
}

func (c *counted) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	c.loads.Add(1)
	return c.Store.Load(ctx, id)
}

func (c *counted) Save(ctx context.Context, r tokenstore.Record) error {
	c.saves.Add(1)
	return c.Store.Save(ctx, r)
}

func (c *counted) Delete(ctx context.Context, id string, version uint64) error {
	c.deletes.Add(1)
	return c.Store.Delete(ctx, id, version)
}

func TestACompletedLoginCostsThreeLoadsAndThreeSaves(t *testing.T) {
	w := rotating(t)
	s := &counted{Store: w.store}
	w.store = s
	m := w.manager()
	cb := w.begin(m, mainKey)
	s.loads.Store(0)
	s.saves.Store(0)
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	if l, v, d := s.loads.Load(), s.saves.Load(), s.deletes.Load(); l != 3 || v != 3 || d != 0 {
		t.Errorf("%d loads, %d saves, %d deletes; want 3, 3, 0", l, v, d)
	}
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	if l, v := s.loads.Load()-3, s.saves.Load()-3; l != 2 || v != 0 {
		t.Errorf("the result cost %d loads and %d saves, want 2 and 0", l, v)
	}
}

func TestAResultIsStoredAlsoWhenItsRecordWasSealedAgainMeanwhile(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	m := w.manager()
	end := loginEnds[2] // with a refused code
	cb := end.answered(w, m)
	id := w.records("login/")[0]
	w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
		w.wire.tap(nil, nil)
		v.change(w.store, id, func(map[string]any) {})
		return resp, nil
	})
	_, first := m.Complete(t.Context(), cb)
	c, err := m.Complete(t.Context(), cb)
	end.wantEnd(t, "again", c, err, first)
}

func TestASecondCallbackOfALoginThatWasSupersededIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		h := &hooked{Store: w.store}
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
		other := w.manager()
		back := w.begin(m, mainKey)
		afterSave(h, mainKey, false, func() {
			if err := login(w, other, mainKey); err != nil {
				t.Error(err)
			}
		})
		_, first := m.Complete(t.Context(), back)
		_, second := other.Complete(t.Context(), back)
		was, is := wantKind(t, first, oauthflow.KindState), wantKind(t, second, oauthflow.KindState)
		if !errors.Is(is, oauthflow.ErrSuperseded) || is.Sentence() != was.Sentence() || is.Error() != was.Error() {
			t.Errorf("the second callback is told\n%v: %s, want\n%v: %s", is, is.Sentence(), was, was.Sentence())
		}
	})
}
