package oauthflow_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// What the store shows to its administrator: who is connected under which name, when the record is due, how large it is, how
// often it was saved, and which key seals it. Nothing else of a connection stands there in clear.
func TestWhoReadsTheStoreSeesNamesTimesAndSizesOnly(t *testing.T) {
	w := rotating(t)
	w.connect(w.process(tokenstore.GenerateSealingKey("k2026")), mainKey)
	r := w.record(mainKey)
	if r.ID != "connection/"+mainKey.Tenant+"/"+mainKey.Name || r.Due.IsZero() || r.Version == 0 || !bytes.Contains(r.Data[:16], []byte("k2026")) {
		t.Errorf("the record is %q, due %v, version %d", r.ID, r.Due, r.Version)
	}
	for _, hidden := range []string{w.org.ID(), w.client().ID, w.client().Secret.Reveal(), w.client().Host.String(), w.org.InstanceURL(), "Format", "Refresh"} {
		if bytes.Contains(r.Data, []byte(hidden)) {
			t.Errorf("the record shows %q", hidden)
		}
	}
}

// What its administrator can do without a key: take a connection away, which is seen at once, and concerns no other.
func TestWhoWritesTheStoreCanEndAConnectionAndNoOther(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, personsKey(0))
	w.connect(m, personsKey(1))
	w.connect(m, personsKey(2))
	deleted, damaged := w.record(personsKey(0)), w.record(personsKey(1))
	if err := w.store.Delete(t.Context(), deleted.ID, deleted.Version); err != nil {
		t.Fatal(err)
	}
	damaged.Data[len(damaged.Data)-1] ^= 1
	if err := w.store.Save(t.Context(), damaged); err != nil {
		t.Fatal(err)
	}
	other := w.manager() // a process that remembers nothing
	_, err := other.Source(personsKey(0)).TokenContext(t.Context())
	wantKind(t, err, oauthflow.KindNotConnected)
	_, err = other.Source(personsKey(1)).TokenContext(t.Context())
	wantKind(t, err, oauthflow.KindForeign)
	if !w.alive(w.token(other.Source(personsKey(2)))) {
		t.Error("another connection has ended, too")
	}
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d refreshes were sent, want none", n)
	}
}

// What a backup from before a rotation of the sealing key is worth: nothing with the new key, all with the former one, until the
// connection is disconnected, which revokes what the backup holds.
func TestABackupIsWorthNothingWithoutItsKeyAndNothingAfterADisconnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		old, current := tokenstore.GenerateSealingKey("old"), tokenstore.GenerateSealingKey("new")
		w.connect(w.process(old), mainKey)
		backup := w.record(mainKey)
		m := w.process(current, old)
		if err := m.Reseal(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		thief := func(key tokenstore.SealingKey) *oauthflow.Source { // has the backup in a store of its own
			keys, err := tokenstore.NewKeyring(key)
			if err != nil {
				t.Fatal(err)
			}
			stolen := tokenstore.NewMemory()
			for v := range backup.Version {
				if err := stolen.Save(t.Context(), tokenstore.Record{ID: backup.ID, Version: v, Due: backup.Due, Data: backup.Data}); err != nil {
					t.Fatal(err)
				}
			}
			return w.manager(func(c *oauthflow.ManagerConfig) { c.Keyring, c.Store = keys, stolen }).Source(mainKey)
		}
		_, err := thief(current).TokenContext(t.Context())
		wantKind(t, err, oauthflow.KindForeign)
		tok, err := thief(old).TokenContext(t.Context())
		if err != nil || !w.alive(tok.AccessToken) {
			t.Fatalf("with the former key: %v", err)
		}
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Fatal(err)
		}
		if w.alive(tok.AccessToken) {
			t.Error("the backup's access token works after the disconnection")
		}
		if _, err := thief(old).Replace(t.Context(), tok.AccessToken); err == nil {
			t.Error("the backup's refresh token works after the disconnection")
		}
	})
}

// postponed is a store whose administrator has set the due time of connections, which no seal covers.
type postponed struct {
	tokenstore.Store
	to time.Time
}

func (s postponed) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		unbounded := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		var last []tokenstore.Record
		for r, err := range s.Store.List(ctx, prefix, unbounded) {
			switch {
			case err == nil && isConnection(r.ID):
				r.Due = s.to
				last = append(last, r)
			case (err != nil || r.Due.Before(before)) && !yield(r, err):
				return
			}
		}
		for _, r := range last {
			if (r.Due.Before(before) || !before.Before(unbounded)) && !yield(r, nil) {
				return
			}
		}
	}
}

func TestNoDueTimeKeepsAConnectionOutOfAListOfAll(t *testing.T) {
	for _, due := range []time.Time{
		time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC), time.UnixMicro(9e18).UTC(), time.UnixMicro(-9e18).UTC(),
	} {
		w := rotating(t)
		memory := w.store
		old, current := tokenstore.GenerateSealingKey("old"), tokenstore.GenerateSealingKey("new")
		w.connect(w.process(old), mainKey)
		w.store = postponed{memory, due}
		m := w.process(current, old)
		if err := m.Reseal(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.process(current).Load(t.Context(), mainKey); err != nil {
			t.Errorf("due %v: Reseal says that the former key is not needed any more, and without it: %v", due, err)
		}
		listed := 0
		for c, err := range m.List(t.Context(), mainKey.Tenant) {
			if err != nil || c.Key != mainKey {
				t.Errorf("due %v: %v, %v", due, c, err)
			}
			listed++
		}
		if listed != 1 {
			t.Errorf("due %v: %d connections are listed, want 1", due, listed)
		}
		from := w.store
		w.store, w.keys = tokenstore.NewMemory(), keysFor(t, current, old)
		if err := w.copied(from); err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Load(t.Context(), "connection/"+mainKey.Tenant+"/"+mainKey.Name); err != nil {
			t.Errorf("due %v: Copy says that all is here: %v", due, err)
		}
	}
}

func keysFor(t *testing.T, current tokenstore.SealingKey, former ...tokenstore.SealingKey) *tokenstore.Keyring {
	t.Helper()
	keys, err := tokenstore.NewKeyring(current, former...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A process that has just begun has nothing to compare an older state with: of such a restore it has to be told by StoreEpoch.
func TestARestoreThatNobodyAnnouncesMakesANewProcessSendASpentRefreshToken(t *testing.T) {
	for _, announced := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := rotating(t)
			m := w.manager()
			w.connect(m, mainKey)
			old := w.backup()
			w.renewed(m, mainKey)
			w.renewed(m, mainKey)
			w.store = old.restored(t)
			w.org.ExpireSessions()
			after := w.manager(func(c *oauthflow.ManagerConfig) {
				if announced {
					c.StoreEpoch = "restored"
				}
			})
			sent := w.wire.refreshes()
			tok, err := after.Source(mainKey).TokenContext(t.Context())
			if err == nil {
				_, err = after.Source(mainKey).Replace(t.Context(), tok.AccessToken)
			}
			if replayed := w.wire.refreshes() > sent; replayed == announced || err == nil {
				t.Errorf("announced %v: a refresh token was sent %v, %v", announced, replayed, err)
			}
		})
	}
}

// Of a login nothing is kept that would outlive the record which says that it is completed.
func TestALoginsRecordThatIsPutBackMakesItsCodeBeSentAgainWhichSalesforceRefuses(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	cb := w.begin(m, mainKey)
	old := w.backup()
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	w.store = old.restored(t)
	codes := 0
	w.wire.tap(func(r *http.Request) error {
		if strings.HasSuffix(r.URL.Path, tokenEndpoint) {
			codes++
		}
		return nil
	}, nil)
	_, err := w.manager().Complete(t.Context(), cb)
	if codes != 1 {
		t.Errorf("the code was sent %d times, %v", codes, err)
	}
	wantKind(t, err, oauthflow.KindGrantDead)
}

// lastRefreshToken notes the refresh tokens that the org gives out.
func (w *world) lastRefreshToken() func() oauthflow.Secret {
	var last string
	w.wire.tap(nil, func(resp *http.Response) (*http.Response, error) {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		var said struct {
			Refresh string `json:"refresh_token"`
		}
		if json.Unmarshal(body, &said) == nil && said.Refresh != "" {
			last = said.Refresh
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, nil
	})
	return func() oauthflow.Secret { return oauthflow.NewSecret(last) }
}

// Anybody who has a refresh token can use it. Only one that Adopt was given is known by its hash.
func TestWhoHasARefreshTokenThatALoginOrARotationGotCanAdoptIt(t *testing.T) {
	for _, rotated := range []bool{false, true} {
		w := rotating(t)
		last := w.lastRefreshToken()
		m := w.manager()
		w.connect(m, mainKey)
		if rotated {
			w.renewed(m, mainKey)
		}
		other := oauthflow.Key{Tenant: "other", Name: "main"}
		if _, err := m.Adopt(t.Context(), other, w.client(), last()); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Source(mainKey).Replace(t.Context(), w.token(m.Source(mainKey))); err == nil {
			t.Error("the connection whose refresh token was adopted goes on under rotation")
		}
	}
}

// Salesforce keeps five approvals of one user and app.
func TestFiveMoreLoginsOfTheSameUserAndAppEndTheOldestConnectionAlsoOfAnotherTenant(t *testing.T) {
	w := newWorld(t, orgtest.Config{})
	m := w.manager()
	w.connect(m, mainKey)
	for i := range 5 {
		if _, err := m.Source(mainKey).Replace(t.Context(), w.token(m.Source(mainKey))); err != nil {
			t.Fatalf("after %d more logins: %v", i, err)
		}
		w.connect(m, oauthflow.Key{Tenant: "other", Name: fmt.Sprint(i)})
	}
	_, err := m.Source(mainKey).Replace(t.Context(), w.token(m.Source(mainKey)))
	wantKind(t, err, oauthflow.KindGrantDead)
}

// A response of net/http names the request that was sent, and what reads an answer has to know what was sent.
func TestAResponseNamesItsRequestWithTheBearerAsThatOfNetHTTPDoes(t *testing.T) {
	f := &far{}
	w, s, client := call(t, orgtest.Config{}, f)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Request.Header.Get("Authorization") != "Bearer "+w.token(s) {
		t.Error("the response's request is not the one that was sent")
	}
	if len(req.Header) != 0 || strings.Contains(fmt.Sprintf("%v %+v", resp, req), w.token(s)) {
		t.Error("the caller's own request, or the response as it is printed, shows the bearer")
	}
}

// hiding is a store whose administrator keeps connections out of its lists, as a policy or an index without them does.
type hiding struct{ tokenstore.Store }

func (s hiding) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		for r, err := range s.Store.List(ctx, prefix, before) {
			if (err != nil || !isConnection(r.ID)) && !yield(r, err) {
				return
			}
		}
	}
}

// Reseal and the lists are about what the store lists. A number that is told shows an operator that something is missing.
func TestAConnectionThatTheStoreDoesNotListIsPassedOverAndWorksUnderItsFormerKeyAlone(t *testing.T) {
	w := rotating(t)
	w.store = hiding{w.store}
	old, current := tokenstore.GenerateSealingKey("old"), tokenstore.GenerateSealingKey("new")
	w.connect(w.process(old), mainKey)
	m := w.process(current, old)
	looked := 0
	if err := m.Reseal(t.Context(), func(_, total int) { looked = total }); err != nil || looked > 1 { // the result of its login
		t.Errorf("Reseal: %v, %d records", err, looked)
	}
	for c, err := range m.List(t.Context(), "") {
		t.Errorf("listed: %v, %v", c, err)
	}
	if !w.alive(w.token(m.Source(mainKey))) {
		t.Error("it does not work with its former key")
	}
	_, err := w.process(current).Load(t.Context(), mainKey)
	wantKind(t, err, oauthflow.KindForeign)
}
