package oauthflow_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// inherited returns a refresh token that older software got.
func (w *world) inherited() oauthflow.Secret {
	w.t.Helper()
	token, err := w.org.UserApproved(appName, w.user)
	if err != nil {
		w.t.Fatal(err)
	}
	return oauthflow.NewSecret(token)
}

func TestAdoptProvesTheTokenByOneRefreshAndIsSafeToRepeat(t *testing.T) {
	for _, rotate := range []bool{true, false} {
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: rotate})
		m := w.manager()
		old := w.inherited()
		c, err := m.Adopt(t.Context(), mainKey, w.client(), old)
		if err != nil {
			t.Fatal(err)
		}
		if c.Status != oauthflow.StatusActive || c.InstanceURL != w.org.InstanceURL() || c.OrgID != w.org.ID() || c.ConnectedAt.IsZero() {
			t.Errorf("adopted: %+v", c)
		}
		for range 5 {
			if _, err := m.Adopt(t.Context(), mainKey, w.client(), old); err != nil {
				t.Fatal(err)
			}
			if _, err := w.manager().Adopt(t.Context(), mainKey, w.client(), old); err != nil { // another process
				t.Fatal(err)
			}
		}
		if n := w.wire.refreshes(); n != 1 {
			t.Errorf("rotation %v: %d requests, want 1", rotate, n)
		}
		w.wantEvents("refresh", "reuse", 0)
		if !w.alive(w.token(m.Source(mainKey))) {
			t.Error("the adopted connection's token is dead")
		}
	}
}

func TestAdoptWithADeadTokenSaysSoOnce(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	dead := w.inherited()
	if err := w.org.RevokeAll(appName); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := m.Adopt(t.Context(), mainKey, w.client(), dead)
		wantKind(t, err, oauthflow.KindGrantDead)
	}
	if n := w.wire.refreshes(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	c, err := m.Adopt(t.Context(), mainKey, w.client(), w.inherited()) // a live one in its place
	if err != nil || c.Status != oauthflow.StatusActive {
		t.Errorf("adopting a live token over the dead one: %+v, %v", c, err)
	}
}

func TestAdoptNeverOverwritesALiveConnection(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	_, err := m.Adopt(t.Context(), mainKey, w.client(), w.inherited())
	if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), "Key") {
		t.Errorf("%q does not name the argument", e)
	}
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d requests, want 0", n)
	}
}

func TestAdoptAgainAfterALostAnswerDoesNotReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		old := w.inherited()
		if err := w.org.Inject(orgtest.Fault{Path: tokenEndpoint, Drop: orgtest.DropBefore}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := m.Adopt(t.Context(), mainKey, w.client(), old); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 10*time.Second {
			t.Errorf("sent again after %v", took)
		}
		w.wantEvents("refresh", "ok", 1)
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestEqualAdoptionsAtOnceAreOneAndToldOnce(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			w.store = tardy{w.store}
			e := newEventLog()
			token := w.inherited()
			var all sync.WaitGroup
			for range 4 { // processes
				m := w.manager(e.observe)
				all.Go(func() {
					if _, err := m.Adopt(t.Context(), mainKey, w.client(), token); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			synctest.Wait()
			if n := e.count(oauthflow.EventConnected); n != 1 || w.wire.refreshes() != 1 {
				t.Errorf("told %d times after %d requests, want once after 1", n, w.wire.refreshes())
			}
		})
	}
}

func TestAdoptRefusesArgumentsByName(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	token := oauthflow.NewSecret("a-refresh-token")
	for _, tt := range []struct {
		field  string
		key    oauthflow.Key
		client oauthflow.Client
		token  oauthflow.Secret
	}{
		{"Key.Tenant", oauthflow.Key{Name: "main"}, w.client(), token},
		{"Key.Name", oauthflow.Key{Tenant: "acme", Name: strings.Repeat("n", 101)}, w.client(), token},
		{"Client.Host", mainKey, oauthflow.Client{ID: "x", Secret: token}, token},
		{"refreshToken", mainKey, w.client(), oauthflow.Secret{}},
		{"refreshToken", mainKey, w.client(), oauthflow.NewSecret("with a blank")},
	} {
		_, err := m.Adopt(t.Context(), tt.key, tt.client, tt.token)
		if e := wantKind(t, err, oauthflow.KindInvalid); !strings.Contains(e.Error(), tt.field) {
			t.Errorf("%q does not name %s", e, tt.field)
		}
	}
}

func TestAdoptAgainWithTheRightSecretHeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		m := w.manager()
		old := w.inherited()
		wrong := w.client()
		wrong.Secret = oauthflow.NewSecret("a-secret-of-another-app")
		_, err := m.Adopt(t.Context(), mainKey, wrong, old)
		wantKind(t, err, oauthflow.KindClient)
		time.Sleep(20 * time.Minute)
		c, err := m.Adopt(t.Context(), mainKey, w.client(), old)
		if err != nil || c.Status != oauthflow.StatusActive {
			t.Errorf("with the right secret: %+v, %v", c, err)
		}
		w.wantEvents("refresh", "reuse", 0)
	})
}

func TestAdoptGivesABrokenConnectionsKeyToNoOtherOrg(t *testing.T) {
	for _, same := range []bool{true, false} {
		w := rotating(t)
		m := w.manager()
		before := w.connect(m, mainKey)
		if err := w.org.RevokeAll(appName); err != nil {
			t.Fatal(err)
		}
		wantKind(t, m.Renew(t.Context(), mainKey), oauthflow.KindGrantDead)
		token := w.inherited()
		if !same {
			w.wire.tap(nil, replaceIn(before.OrgID[:15], "00DTESTelsewher"))
		}
		_, err := m.Adopt(t.Context(), mainKey, w.client(), token)
		now, lerr := m.Load(t.Context(), mainKey)
		if lerr != nil || now.OrgID != before.OrgID {
			t.Errorf("same org %v: the connection is to %s, %v", same, now.OrgID, lerr)
		}
		var who *oauthflow.StrangerError
		switch {
		case same && (err != nil || now.Status != oauthflow.StatusActive):
			t.Errorf("the same org: %v, %s", err, now.Status)
		case !same && (!errors.As(err, &who) || who.OrgID[:15] != "00DTESTelsewher" || now.Status != oauthflow.StatusBroken):
			t.Errorf("another org: %v, %s; want ErrOrgChanged and broken", err, now.Status)
		}
	}
}
