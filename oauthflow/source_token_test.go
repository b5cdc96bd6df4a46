package oauthflow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestATokenThatIsHandedOutHoldsNoRefreshTokenAndASoonExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		issued := newCollector()
		w.wire.tap(nil, issued.collect)
		m := w.manager()
		w.connect(m, mainKey)
		for range 100 {
			tok, err := m.Source(mainKey).Token()
			if err != nil {
				t.Fatal(err)
			}
			if tok.RefreshToken != "" || tok.TokenType != "Bearer" || !tok.Valid() {
				t.Errorf("refresh token %v, type %q, valid %v; want none, Bearer, true", tok.RefreshToken != "", tok.TokenType, tok.Valid())
			}
			if ahead := time.Until(tok.Expiry); ahead > time.Minute || ahead < 11*time.Second { // x/oauth2 asks again 10 s before
				t.Errorf("Expiry is %v ahead", ahead)
			}
			for _, refresh := range issued.refreshTokens() {
				if strings.Contains(fmt.Sprintf("%#v", tok), refresh) {
					t.Error("the refresh token shows")
				}
			}
			time.Sleep(7 * time.Second)
		}
	})
}

func TestOAuth2sOwnCacheComesBackForTheTokenOfTheMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		cached := oauth2.ReuseTokenSource(nil, m.Source(mainKey))
		first, err := cached.Token()
		if err != nil {
			t.Fatal(err)
		}
		w.org.ExpireSessions()
		if _, err := m.Source(mainKey).Replace(t.Context(), first.AccessToken); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		second, err := cached.Token()
		if err != nil || second.AccessToken == first.AccessToken || !w.alive(second.AccessToken) {
			t.Errorf("a minute later x/oauth2 still hands out the dead token (%v)", err)
		}
	})
}

func TestTheHotPathNeitherAllocatesNorAsksTheStore(t *testing.T) {
	w := rotating(t)
	h := &hooked{Store: w.store}
	w.store = h
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	ctx := t.Context()
	h.onLoad(func(string) error { return errStoreDown })
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.TokenContext(ctx); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a call, want 0", n)
	}
}

func TestATokenIsServedFromMemoryForThirtySecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m, other := w.manager(), w.manager()
		w.connect(m, mainKey)
		before := w.token(m.Source(mainKey))
		fresh, err := other.Source(mainKey).Replace(t.Context(), before)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30*time.Second + time.Millisecond)
		if got := w.token(m.Source(mainKey)); got != fresh.AccessToken {
			t.Error("what another process stored is not seen after 30 s")
		}
	})
}

func TestAnUnknownConnectionIsNotConnected(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	s := m.Source(oauthflow.Key{Tenant: "acme", Name: "nobody"})
	_, err := s.Token()
	wantKind(t, err, oauthflow.KindNotConnected)
	if !errors.Is(err, tokenstore.ErrNotFound) {
		t.Errorf("%v does not wrap ErrNotFound", err)
	}
	_, err = s.InstanceURL(t.Context())
	wantKind(t, err, oauthflow.KindNotConnected)
	if err := m.Disconnect(t.Context(), oauthflow.Key{Tenant: "acme", Name: "nobody"}); err != nil {
		t.Errorf("disconnecting what is not connected: %v", err)
	}
}

func TestAnEndedContextCostsNothing(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	s := m.Source(mainKey)
	dead := w.token(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Replace(ctx, dead)
	if err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestADisconnectedConnectionIsServedByNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m, other := w.manager(), w.manager()
		w.connect(m, mainKey)
		was := w.token(other.Source(mainKey))
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		_, err := m.Source(mainKey).Token()
		wantKind(t, err, oauthflow.KindNotConnected)
		time.Sleep(30*time.Second + time.Millisecond)
		_, err = other.Source(mainKey).Token()
		wantKind(t, err, oauthflow.KindNotConnected)
		if w.alive(was) {
			t.Error("the token lives")
		}
		w.wantEvents("revoke", "ok", 1)
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestADisconnectionThatCannotBeConfirmedIsKeptAndRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		if err := w.org.Inject(orgtest.Fault{Path: revokeEndpoint, Status: 503}, orgtest.Fault{Path: revokeEndpoint, Drop: orgtest.DropBefore}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := m.Disconnect(t.Context(), mainKey); err == nil {
				t.Fatal("an unconfirmed revocation passed for done")
			}
			c, err := m.Load(t.Context(), mainKey)
			if err != nil || c.Status != oauthflow.StatusDisconnecting {
				t.Fatalf("status %q (%v), want disconnecting", c.Status, err)
			}
			_, err = m.Source(mainKey).Token()
			wantKind(t, err, oauthflow.KindNotConnected)
		}
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		if live := w.liveApprovals(); len(live) != 0 {
			t.Errorf("approvals %v are left", live)
		}
	})
}

// RFC 7009 §2.2: whatever becomes of the way to Salesforce, a connection that is gone has left no token alive there.
func TestNoTokenOutlivesADisconnectionWhateverGoesWrong(t *testing.T) {
	const key, text = "Content-Type", "text/plain"
	for name, fault := range map[string]orgtest.Fault{
		"nothing":                          {Path: "/nowhere", Drop: orgtest.DropBefore},
		"dropped before":                   {Path: revokeEndpoint, Drop: orgtest.DropBefore},
		"dropped after":                    {Path: revokeEndpoint, Drop: orgtest.DropAfter},
		"unavailable":                      {Path: revokeEndpoint, Status: 503, Body: "<html>"},
		"unavailable, though it has acted": {Path: revokeEndpoint, Status: 502, Body: "<html>", Acts: true},
		"redirected":                       {Path: revokeEndpoint, Status: 302, Header: http.Header{"Location": {"https://evil.example/"}}},
		"a plain refusal":                  {Path: revokeEndpoint, Status: 400, Header: http.Header{key: {text}}, Body: "no"},
		"slow":                             {Path: revokeEndpoint, Delay: 90 * time.Second},
		"nobody answers":                   {Path: revokeEndpoint, Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				m := w.manager()
				w.connect(m, mainKey)
				access := w.token(m.Source(mainKey))
				if err := w.org.Inject(fault); err != nil {
					t.Fatal(err)
				}
				tries := 0
				for err := error(nil); tries == 0 || err != nil; tries++ {
					if err = m.Disconnect(t.Context(), mainKey); tries > 2 {
						t.Fatal(err)
					}
					if live := w.liveApprovals(); err == nil && (len(live) != 0 || w.alive(access)) {
						t.Errorf("it is said to be disconnected, and the approvals %v are left, the access token %v", live, w.alive(access))
					}
				}
				if _, err := m.Load(t.Context(), mainKey); !errors.Is(err, tokenstore.ErrNotFound) {
					t.Errorf("the connection is still there: %v", err)
				}
			})
		})
	}
}

func TestARetryAfterIsKeptByEveryProcess(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		after  string
		least  time.Duration
		most   time.Duration
	}{
		"seconds":      {503, "120", 2 * time.Minute, 4 * time.Minute},
		"too many":     {429, "60", time.Minute, 3 * time.Minute},
		"a date":       {503, "Sat, 01 Jan 2000 00:10:00 GMT", 8 * time.Minute, 12 * time.Minute},
		"absurd":       {503, "999999999", 10 * time.Minute, 16 * time.Minute},
		"absurd date":  {503, "Fri, 01 Jan 2100 00:00:00 GMT", 10 * time.Minute, 16 * time.Minute},
		"negative":     {503, "-5", 0, 2 * time.Minute},
		"not a number": {429, "soon", 0, 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := rotating(t)
				managers := []*oauthflow.Manager{w.manager(), w.manager(), w.manager(), w.manager()}
				w.connect(managers[0], mainKey)
				dead := w.token(managers[0].Source(mainKey))
				w.org.ExpireSessions()
				if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Status: tt.status, Header: http.Header{"Retry-After": {tt.after}}}); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				for i := 0; ; i++ {
					tok, err := managers[i%4].Source(mainKey).Replace(t.Context(), dead)
					if err == nil {
						if !w.alive(tok.AccessToken) {
							t.Error("a dead token")
						}
						break
					}
					if e := wantKind(t, err, oauthflow.KindBusy); e.RetryAfter <= 0 || e.RetryAfter > 15*time.Minute {
						t.Fatalf("RetryAfter is %v, want at most 15 min", e.RetryAfter)
					}
					time.Sleep(time.Second)
				}
				if took := time.Since(began); took < tt.least || took > tt.most {
					t.Errorf("healed after %v, want %v to %v", took, tt.least, tt.most)
				}
				if n := w.wire.refreshes(); n != 2 {
					t.Errorf("%d requests, want 2: one refused, one after the wait", n)
				}
			})
		})
	}
}

func TestAHealthyConnectionIsNotRefreshed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		w.connect(m, mainKey)
		client := &http.Client{Transport: m.Source(mainKey).Transport(w.org.RoundTripper())}
		for range 24 * 60 { // a day of calls, each of which prolongs the session
			time.Sleep(time.Minute)
			resp, err := client.Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d", resp.StatusCode)
			}
		}
		if n := w.wire.refreshes(); n != 0 {
			t.Errorf("%d refreshes of a session that never ended", n)
		}
	})
}
