package oauthflow_test

import (
	"crypto/fips140"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// underFIPS runs tests of this package in a process of their own in which FIPS 140 is enforced.
func underFIPS(t *testing.T, env []string, tests ...string) {
	t.Helper()
	out := needs.UnderFIPS(t, "^("+strings.Join(tests, "|")+")$", env...)
	for _, name := range tests {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			t.Errorf("%s did not pass under GODEBUG=fips140=only", name)
		}
	}
}

// enforced has a test go on in a process in which FIPS 140 is enforced, and reports whether it is that process.
func enforced(t *testing.T) bool {
	t.Helper()
	if !fips140.Enforced() {
		underFIPS(t, nil, t.Name())
		return false
	}
	return true
}

// Connecting, refreshing, resealing and ending a connection, from the first byte to the last.
func TestTheLifeOfAConnectionPassesWhereFIPSIsEnforced(t *testing.T) {
	if !enforced(t) {
		return
	}
	w := rotating(t)
	key := tokenstore.GenerateSealingKey("k1")
	next := tokenstore.GenerateSealingKey("k2")
	var err error
	if w.keys, err = tokenstore.NewKeyring(key); err != nil {
		t.Fatal(err)
	}
	m := w.manager()
	w.connect(m, mainKey)
	w.org.ExpireSessions()
	if _, err := m.Source(mainKey).Replace(t.Context(), w.token(m.Source(mainKey))); err != nil {
		t.Fatal("refresh:", err)
	}
	if is, err := m.Introspect(t.Context(), mainKey); err != nil || !is.Active {
		t.Errorf("introspect: %+v, %v", is, err)
	}
	if _, err := m.Adopt(t.Context(), oauthflow.Key{Tenant: mainKey.Tenant, Name: "adopted"}, w.client(), w.inherited()); err != nil {
		t.Error("adopt:", err)
	}
	if w.keys, err = tokenstore.NewKeyring(next, key); err != nil {
		t.Fatal(err)
	}
	m = w.manager()
	if err := m.Reseal(t.Context(), nil); err != nil {
		t.Error("reseal:", err)
	}
	if err := m.Move(t.Context(), mainKey, targetKey); err != nil {
		t.Error("move:", err)
	}
	if err := m.Disconnect(t.Context(), targetKey); err != nil {
		t.Error("disconnect:", err)
	}
	for _, id := range w.records("connection/") {
		if r, err := w.store.Load(t.Context(), id); err != nil || r.Data[0] != 2 {
			t.Errorf("%s: format %d, %v; want 2", id, r.Data[0], err)
		}
	}
}

// What is promised of a seal is promised of the format that is written where FIPS is enforced.
func TestWhatIsSealedWhereFIPSIsEnforcedIsProtectedAsElsewhere(t *testing.T) {
	needs.Patience(t)
	underFIPS(t, nil,
		"TestARecordInAnothersPlaceIsRefused", "TestARecordOfAnEarlierVersionIsRefusedUnderTheLaterOne", "TestEachBitOfARecordIsProtected",
		"TestOneSpoiledRecordDoesNotTouchTheOthers", "TestACloneInAnotherEnvironmentSpendsNoToken", "TestFormerKeysOpenAndTheCurrentKeySeals",
		"TestNoSaltIsUsedTwice", "TestNothingSecretStandsInARecord", "TestKeysThatReadAlikeDoNotShareARecord")
}

const exchangeFolder = "SFAUTH_TEST_FIPS_FOLDER" // where the processes of the next test find what the other has sealed

// A fleet is changed one process after the other.
func TestWhatIsSealedWhereFIPSIsEnforcedOpensElsewhereAndTheOtherWayRound(t *testing.T) {
	folder := os.Getenv(exchangeFolder)
	w := rotating(t)
	if folder == "" {
		folder = t.TempDir()
		w.unlockedIn(folder)
		w.connect(w.manager(), mainKey)
		if r := w.record(mainKey); r.Data[0] != 1 {
			t.Fatalf("sealed in format %d, want 1: earlier versions open no other", r.Data[0])
		}
		w.handOver(folder)
		underFIPS(t, []string{exchangeFolder + "=" + folder}, t.Name())
	} else {
		w.unlockedIn(folder)
	}
	w.takeUp(folder)
	m, c := w.manager(), w.client()
	if _, err := m.Load(t.Context(), mainKey); err != nil {
		t.Fatal(err)
	}
	if r := w.record(mainKey); (r.Data[0] == 1) != fips140.Enforced() {
		t.Errorf("the other process has sealed in format %d", r.Data[0])
	}
	c.Kind = oauthflow.ConnectedAppKind
	if err := m.SetClient(t.Context(), mainKey, c); err != nil {
		t.Fatal(err)
	}
	if r := w.record(mainKey); (r.Data[0] == 2) != fips140.Enforced() {
		t.Errorf("saved in format %d, FIPS is enforced: %t", r.Data[0], fips140.Enforced())
	}
	w.handOver(folder)
}

// unlockedIn gives the world the sealing key of a folder, which it makes.
func (w *world) unlockedIn(folder string) {
	w.t.Helper()
	path := filepath.Join(folder, "key")
	raw, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		raw = []byte(tokenstore.GenerateSealingKey("k1").Key.Reveal())
		err = os.WriteFile(path, raw, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	if w.keys, err = tokenstore.NewKeyring(tokenstore.SealingKey{ID: "k1", Key: oauthflow.NewSecret(string(raw))}); err != nil {
		w.t.Fatal(err)
	}
}

// handOver writes the connection's record into a folder, and takeUp makes it the store's only one.
func (w *world) handOver(folder string) {
	w.t.Helper()
	text, err := json.Marshal(w.record(mainKey))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "record"), text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) takeUp(folder string) {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "record"))
	var r tokenstore.Record
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.store = backup{[]tokenstore.Record{r}}.restored(w.t)
}

func TestASecretThatIsTooShortForFIPSCostsNoAnswer(t *testing.T) {
	if !enforced(t) {
		return
	}
	c := wireClient(t, wireHost)
	c.Secret = oauthflow.NewSecret("s3cret")
	f := wireFlow(t, says(200, tokenAnswer(map[string]string{"signature": base64.StdEncoding.EncodeToString(make([]byte, 32))})))
	tok, err := f.Refresh(t.Context(), c, wireToken())
	if err != nil || tok.SignatureMismatch {
		t.Errorf("got %v, %v; want the token, whose signature nobody has checked", tok, err)
	}
}
