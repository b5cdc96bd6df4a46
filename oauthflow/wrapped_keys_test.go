package oauthflow_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// kms encrypts keys with one that it never shows. Who may call wrap need not be allowed to call unwrap.
type kms struct{ pad []byte }

func (k kms) wrap(key []byte) []byte {
	out := bytes.Clone(key)
	for i := range out {
		out[i] ^= k.pad[i]
	}
	return out
}

func (k kms) unwrap(wrapped []byte) []byte { return k.wrap(wrapped) }

// unwrapped returns what WrappedKeys finds in the world's store, each with its key.
func (w *world) unwrapped(k kms) []oauthflow.SealingKey {
	w.t.Helper()
	keys, err := oauthflow.WrappedKeys(w.t.Context(), w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := range keys {
		keys[i].Key = oauthflow.NewSecret(base64.StdEncoding.EncodeToString(k.unwrap(keys[i].Wrapped)))
	}
	return keys
}

// formerRecords has the world go on with records that a version before v0.1.0 has written, in two processes, each with a
// wrapped key of its own: two connections, the results of their logins, and a login that waits. It returns the KMS and the
// connections' access tokens.
func (w *world) formerRecords() (kms, map[string]string) {
	w.t.Helper()
	text, err := os.ReadFile("testdata/wrapped.json")
	if err != nil {
		w.t.Fatal(err)
	}
	var former struct {
		Pad     []byte
		Tokens  map[string]string
		Records []oauthflow.Record
	}
	if err := json.Unmarshal(text, &former); err != nil {
		w.t.Fatal(err)
	}
	w.store = oauthflow.NewMemoryStore()
	for _, r := range former.Records {
		w.putAt(r)
	}
	if len(former.Records) != 5 || len(former.Tokens) != 2 {
		w.t.Fatalf("there are %d records and %d connections", len(former.Records), len(former.Tokens))
	}
	return kms{former.Pad}, former.Tokens
}

// putAt stores a record at the version that it has.
func (w *world) putAt(r oauthflow.Record) {
	w.t.Helper()
	for v := range r.Version {
		if err := w.store.Save(w.t.Context(), oauthflow.Record{ID: r.ID, Version: v, Due: r.Due, Data: r.Data}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestRecordsUnderWrappedKeysOpenAndAreCarriedOverToAPlainKey(t *testing.T) {
	w := rotating(t)
	vault, tokens := w.formerRecords()
	former := w.unwrapped(vault)
	if len(former) != 2 || former[0].ID != "kms" || former[1].ID != "kms" {
		t.Fatalf("the wrapped keys are %+v, want one of each process", former)
	}
	wantTokens := func(m *oauthflow.Manager) {
		t.Helper()
		for name, want := range tokens {
			if got := w.token(m.Source(oauthflow.Key{Tenant: "acme", Name: name})); got != want {
				t.Errorf("the token of %s is not the one that was stored", name)
			}
		}
	}
	current := oauthflow.GenerateSealingKey("kms") // also of the same name
	m := w.process(current, former...)
	wantTokens(m)
	if err := m.SetClient(t.Context(), personsKey(0), oauthflow.Client{Host: w.client().Host, ID: "new", Secret: oauthflow.NewSecret("secret")}); err != nil {
		t.Fatal(err)
	}
	if head := w.record(personsKey(0)).Data; !bytes.Equal(head[1:7], []byte("\x03kms\x00\x00")) {
		t.Errorf("a record that was saved begins with %q, want that it names no wrapped key", head[:7])
	}
	if err := m.Reseal(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	last := w.process(current)
	wantTokens(last)
	if err := last.Reseal(t.Context(), nil); err != nil { // which opens the logins, too
		t.Errorf("without the former keys: %v", err)
	}
	if left := w.unwrapped(vault); len(left) != 0 {
		t.Errorf("after Reseal the store names %+v", left)
	}
	if n := w.wire.refreshes(); n != 0 {
		t.Errorf("%d refreshes were sent, want none", n)
	}
}

// An attacker who may write to the store and encrypt with the KMS, but not decrypt with it, makes a key, has it wrapped,
// and seals a record with it, in which another tenant's connection has the attacker's own client and tokens.
func TestWhoMayWrapKeysForgesNoRecordThatOpens(t *testing.T) {
	for name, forge := range map[string]func(w *world, v kms, by foreigner) foreigner{
		"a key of the attacker's, of the former name": func(w *world, v kms, by foreigner) foreigner {
			by.id, by.wrapped = "kms", v.wrap(by.key)
			return by
		},
		"a key of the attacker's, of the current name": func(w *world, v kms, by foreigner) foreigner {
			by.id, by.wrapped = "plain", v.wrap(by.key)
			return by
		},
		"a key of the attacker's in the place of a known wrapped one": func(w *world, v kms, by foreigner) foreigner {
			known := w.unwrapped(v)
			by.id, by.wrapped = known[0].ID, known[0].Wrapped
			return by
		},
		"a wrapped key that is used as a plain one": func(w *world, v kms, by foreigner) foreigner {
			by.id = "kms"
			return by
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			by := w.unlocked() // what a record of the attacker's own holds, the attacker may know
			w.connect(w.manager(), mainKey)
			fields := by.read(w.record(mainKey))

			vault, _ := w.formerRecords()
			former := w.unwrapped(vault) // by the operator, once
			victim := personsKey(0)
			fields["Key"] = victim
			forged := forge(w, vault, by).write(w.store, w.record(victim), fields)

			current := oauthflow.GenerateSealingKey("plain")
			for _, m := range []*oauthflow.Manager{w.process(current, former...), w.process(current)} {
				_, err := m.Load(t.Context(), victim)
				wantKind(t, err, oauthflow.KindForeign)
				_, err = m.Source(victim).TokenContext(t.Context())
				wantKind(t, err, oauthflow.KindForeign)
				wantKind(t, m.Reseal(t.Context(), nil), oauthflow.KindForeign)
			}
			if now := w.record(victim); now.Version != forged.Version || !bytes.Equal(now.Data, forged.Data) {
				t.Error("the forged record was sealed again")
			}
			if n := w.wire.refreshes(); n != 0 {
				t.Errorf("%d refreshes were sent, want none", n)
			}
		})
	}
}

// What an attacker has put into the store before the operator lists the wrapped keys is listed, too: their number is the
// sign, as the documentation says.
func TestWrappedKeysListsEachKeyOnceAndThoseOfAnAttackerToo(t *testing.T) {
	w := rotating(t)
	by := w.unlocked()
	vault, _ := w.formerRecords()
	own := vault.wrap(by.key)
	by.id, by.wrapped = "kms", own
	for i := range 3 {
		by.write(w.store, oauthflow.Record{ID: "connection/acme/forged" + string(rune('a'+i)), Due: time.Now()}, nil)
	}
	for _, damaged := range [][]byte{nil, {1}, {1, 3, 'k'}, bytes.Repeat([]byte{1}, 20), bytes.Repeat([]byte{0xff}, 400)} {
		w.putAt(oauthflow.Record{ID: "host/damaged" + string(rune('a'+len(damaged)%26)), Version: 1, Due: time.Now(), Data: damaged})
	}
	w.connect(w.manager(), mainKey) // under a plain key
	keys := w.unwrapped(vault)
	if len(keys) != 3 {
		t.Errorf("there are %d keys, want 3", len(keys))
	}
	if !slices.ContainsFunc(keys, func(k oauthflow.SealingKey) bool { return bytes.Equal(k.Wrapped, own) }) {
		t.Error("the attacker's key is not among them")
	}
}

func TestNothingIsSealedWithAWrappedKey(t *testing.T) {
	w := rotating(t)
	vault, _ := w.formerRecords()
	former := w.unwrapped(vault)
	_, err := oauthflow.NewKeys(former[0])
	wantKind(t, err, oauthflow.KindInvalid)
	_, err = oauthflow.NewKeys(oauthflow.GenerateSealingKey("k1"), former[0], former[0])
	wantKind(t, err, oauthflow.KindInvalid)
	former[0].Key = oauthflow.Secret{}
	_, err = oauthflow.NewKeys(oauthflow.GenerateSealingKey("k1"), former[0])
	wantKind(t, err, oauthflow.KindInvalid) // the KMS was not asked
}
