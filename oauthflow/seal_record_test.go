package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// forgery is a store in which somebody has changed the record of one id.
type forgery struct {
	tokenstore.Store
	id      string
	version uint64
	data    []byte
}

func (f *forgery) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	r, err := f.Store.Load(ctx, id)
	if id == f.id {
		r = tokenstore.Record{ID: id, Version: f.version, Data: bytes.Clone(f.data)}
		err = nil
	}
	return r, err
}

// forge makes w's store return r, and returns the forgery for changing it.
func (w *world) forge(r tokenstore.Record) *forgery {
	f := &forgery{Store: w.store, id: r.ID, version: r.Version, data: r.Data}
	w.store = f
	return f
}

// filled is a world with n adopted connections.
func filled(t *testing.T, n int) (*world, []oauthflow.Key) {
	t.Helper()
	w := newWorld(t, orgtest.Config{ApprovalLimit: n + 10})
	m := w.manager()
	var keys []oauthflow.Key
	for i := range n {
		k := oauthflow.Key{Tenant: "acme", Name: fmt.Sprint("c", i)}
		if _, err := m.Adopt(t.Context(), k, w.client(), w.inherited()); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	return w, keys
}

// record is what the store holds for a connection.
func (w *world) record(k oauthflow.Key) tokenstore.Record {
	w.t.Helper()
	r, err := w.store.Load(w.t.Context(), "connection/"+k.Tenant+"/"+k.Name)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// wantRefused fails the test unless a record is refused in a way that is no outage and no absence.
func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	var e *oauthflow.Error
	if !errors.As(err, &e) || e.Kind == oauthflow.KindNotConnected || errors.Is(err, tokenstore.ErrNotFound) {
		t.Errorf("%s: got %v, want a typed refusal", what, err)
	}
}

func TestARecordInAnothersPlaceIsRefused(t *testing.T) {
	const n = 100
	w, keys := filled(t, n)
	var records []tokenstore.Record
	for _, k := range keys {
		records = append(records, w.record(k))
	}
	f := w.forge(records[0])
	m := w.manager()
	refused := 0
	for i, k := range keys {
		for j := range keys {
			if i == j {
				continue
			}
			f.id, f.version, f.data = records[i].ID, records[i].Version, records[j].Data
			if _, err := m.Load(t.Context(), k); err != nil {
				refused++
			} else {
				t.Errorf("the data of %v opened in the place of %v", keys[j], k)
			}
		}
		f.data = records[i].Data
		if _, err := m.Load(t.Context(), k); err != nil {
			t.Errorf("in its own place: %v", err)
		}
	}
	if refused != n*(n-1) {
		t.Errorf("%d swaps refused, want %d", refused, n*(n-1))
	}
}

func TestARecordOfAnEarlierVersionIsRefusedUnderTheLaterOne(t *testing.T) {
	w := rotating(t)
	m := w.manager()
	w.connect(m, mainKey)
	old := w.record(mainKey)
	if _, err := m.Source(mainKey).Replace(t.Context(), w.token(m.Source(mainKey))); err != nil {
		t.Fatal(err)
	}
	now := w.record(mainKey)
	w.forge(tokenstore.Record{ID: now.ID, Version: now.Version, Data: old.Data})
	_, err := w.manager().Load(t.Context(), mainKey)
	wantRefused(t, "old data under the new version", err)
}

func TestEachBitOfARecordIsProtected(t *testing.T) {
	w, keys := filled(t, 1)
	r := w.record(keys[0])
	f := w.forge(r)
	m := w.manager()
	for i := range len(r.Data) * 8 {
		f.data = bytes.Clone(r.Data)
		f.data[i/8] ^= 1 << (i % 8)
		if _, err := m.Load(t.Context(), keys[0]); err == nil {
			t.Fatalf("bit %d of %d can be flipped unseen", i, len(r.Data)*8)
		}
	}
	for n := range r.Data {
		f.data = r.Data[:n]
		if _, err := m.Load(t.Context(), keys[0]); err == nil {
			t.Fatalf("the record can be cut to %d bytes unseen", n)
		}
	}
	f.data = append(bytes.Clone(r.Data), 0)
	_, err := m.Load(t.Context(), keys[0])
	wantRefused(t, "one byte longer", err)
	f.data = bytes.Repeat([]byte{1}, 10<<20)
	_, err = m.Load(t.Context(), keys[0])
	wantRefused(t, "10 MiB", err)
	f.data = r.Data
	if _, err := m.Load(t.Context(), keys[0]); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestOneSpoiledRecordDoesNotTouchTheOthers(t *testing.T) {
	w, keys := filled(t, 3)
	r := w.record(keys[1])
	w.forge(tokenstore.Record{ID: r.ID, Version: r.Version, Data: []byte("rubbish")})
	m := w.manager()
	for i, k := range keys {
		_, err := m.Source(k).TokenContext(t.Context())
		if (err != nil) != (i == 1) {
			t.Errorf("connection %d: %v", i, err)
		}
	}
}

func TestACloneInAnotherEnvironmentSpendsNoToken(t *testing.T) {
	w := rotating(t)
	w.connect(w.manager(), mainKey)
	w.org.ExpireSessions()
	staging := w.manager(func(c *oauthflow.ManagerConfig) { c.Environment = "staging" })
	for range 5 {
		_, err := staging.Source(mainKey).TokenContext(t.Context())
		wantRefused(t, "Token", err)
		_, err = staging.Source(mainKey).Replace(t.Context(), "whatever")
		wantRefused(t, "Replace", err)
		_, err = staging.Load(t.Context(), mainKey)
		wantRefused(t, "Load", err)
		wantRefused(t, "Disconnect", staging.Disconnect(t.Context(), mainKey))
	}
	cb := w.begin(w.manager(), oauthflow.Key{Tenant: "acme", Name: "second"})
	_, err := staging.Complete(t.Context(), cb)
	wantRefused(t, "Complete", err)
	if n := w.wire.refreshes(); n != 0 || w.wire.exchanges() != 1 {
		t.Errorf("%d refreshes and %d exchanges, want 0 and 1", n, w.wire.exchanges())
	}
	w.wantEvents("revoke", "", 0)
}

func TestFormerKeysOpenAndTheCurrentKeySeals(t *testing.T) {
	first, second := tokenstore.GenerateSealingKey("2025"), tokenstore.GenerateSealingKey("2026")
	keys := func(current tokenstore.SealingKey, former ...tokenstore.SealingKey) func(*oauthflow.ManagerConfig) {
		k, err := tokenstore.NewKeyring(current, former...)
		if err != nil {
			t.Fatal(err)
		}
		return func(c *oauthflow.ManagerConfig) { c.Keyring = k }
	}
	w := rotating(t)
	w.connect(w.manager(keys(first)), mainKey)
	_, err := w.manager(keys(second)).Load(t.Context(), mainKey)
	wantRefused(t, "without the key", err)
	if !strings.Contains(err.Error(), "2025") {
		t.Errorf("%q does not name the key that is missing", err)
	}
	both := w.manager(keys(second, first))
	s := both.Source(mainKey)
	if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.manager(keys(second)).Load(t.Context(), mainKey); err != nil {
		t.Errorf("after a save with the new key: %v", err)
	}
	_, err = w.manager(keys(first)).Load(t.Context(), mainKey)
	wantRefused(t, "with the former key alone", err)
	impostor := tokenstore.GenerateSealingKey("2026") // same id, other bytes
	_, err = w.manager(keys(impostor)).Load(t.Context(), mainKey)
	wantRefused(t, "with another key of the same name", err)
}

func TestNoSaltIsUsedTwice(t *testing.T) {
	times := needs.Size(100_000, 5000)
	switch {
	case os.Getenv("SFAUTH_FAULTS") == "long":
		times = 1_000_000
	case raced:
		times = 10_000
	}
	w := newWorld(t, orgtest.Config{})
	salts := map[string]bool{}
	w.store = saltStore{w.store, func(data []byte) {
		salt := string(data[2+int(data[1])+2:][:32]) // format, length of the key's id, the id, two zeros, then the salt
		if salts[salt] {
			t.Fatal("a salt came twice")
		}
		salts[salt] = true
	}}
	m := w.manager()
	c := w.client()
	for range times {
		if _, err := m.Begin(t.Context(), mainKey, c, browser, oauthflow.AuthorizeOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if len(salts) != times {
		t.Errorf("%d salts, want %d", len(salts), times)
	}
}

// saltStore shows each save to a function and keeps nothing.
type saltStore struct {
	tokenstore.Store
	see func([]byte)
}

func (s saltStore) Save(_ context.Context, r tokenstore.Record) error { s.see(r.Data); return nil }

func TestNothingSecretStandsInARecord(t *testing.T) {
	w := rotating(t)
	issued := newCollector()
	var stored [][]byte
	h := &hooked{Store: w.store}
	h.onSave(func(r tokenstore.Record, do func() error) error {
		stored = append(stored, bytes.Clone(r.Data), []byte(r.ID))
		return do()
	})
	w.store = h
	w.wire.tap(nil, issued.collect)
	m := w.manager()
	cb := w.begin(m, mainKey)
	if _, err := m.Complete(t.Context(), cb); err != nil {
		t.Fatal(err)
	}
	s := m.Source(mainKey)
	if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
		t.Fatal(err)
	}
	secrets := append(issued.tokens(), issued.refreshTokens()...)
	secrets = append(secrets, w.client().Secret.Reveal(), cb.Query.Get("code"), cb.Query.Get("state"), browser, w.client().ID)
	if len(secrets) < 9 || len(stored) < 6 {
		t.Fatalf("%d secrets and %d records to look at", len(secrets), len(stored))
	}
	for _, data := range stored {
		for _, secret := range secrets {
			if bytes.Contains(data, []byte(secret)) {
				t.Error("a record shows a secret")
			}
		}
	}
}

func TestKeysThatReadAlikeDoNotShareARecord(t *testing.T) {
	w := newWorld(t, orgtest.Config{ApprovalLimit: 20})
	m := w.manager()
	keys := []oauthflow.Key{{Tenant: "a/b", Name: "c"}, {Tenant: "a", Name: "b/c"}, {Tenant: "a%2Fb", Name: "c"}, {Tenant: "a b", Name: "c"},
		{Tenant: "a+b", Name: "c"}, {Tenant: "A", Name: "c"}, {Tenant: "a", Name: "c"}, {Tenant: "ä", Name: "c"}, {Tenant: "..", Name: "."}}
	for _, k := range keys {
		if _, err := m.Adopt(t.Context(), k, w.client(), w.inherited()); err != nil {
			t.Fatalf("%v: %v", k, err)
		}
	}
	seen := map[string]bool{}
	for r, err := range w.store.List(t.Context(), "", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
		if err != nil {
			t.Fatal(err)
		}
		seen[r.ID] = true
		if strings.ContainsFunc(r.ID, func(c rune) bool { return c <= ' ' || c > '~' }) || len(r.ID) > 255 {
			t.Errorf("id %q is not printable ASCII of 255 bytes", r.ID)
		}
	}
	connections := 0
	for id := range seen {
		if isConnection(id) {
			connections++
			if strings.Count(id, "/") != 2 {
				t.Errorf("id %q holds a raw separator", id)
			}
		}
	}
	if connections != len(keys) {
		t.Errorf("%d records for %d keys", connections, len(keys))
	}
}
