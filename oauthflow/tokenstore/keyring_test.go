package tokenstore_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestNewKeyringNamesTheFieldAtFault(t *testing.T) {
	good := tokenstore.GenerateSealingKey("k")
	for name, tt := range map[string]struct {
		current tokenstore.SealingKey
		former  []tokenstore.SealingKey
		field   string
	}{
		"no id":        {tokenstore.SealingKey{Key: good.Key}, nil, "current.ID"},
		"a long id":    {tokenstore.SealingKey{ID: strings.Repeat("k", 33), Key: good.Key}, nil, "current.ID"},
		"a blank id":   {tokenstore.SealingKey{ID: "a b", Key: good.Key}, nil, "current.ID"},
		"no key":       {tokenstore.SealingKey{ID: "k"}, nil, "current.Key"},
		"a short key":  {tokenstore.SealingKey{ID: "k", Key: secret.New("c2hvcnQ=")}, nil, "current.Key"},
		"no base64":    {tokenstore.SealingKey{ID: "k", Key: secret.New("!!!")}, nil, "current.Key"},
		"an id twice":  {good, []tokenstore.SealingKey{tokenstore.GenerateSealingKey("k")}, "former[0].ID"},
		"a bad former": {good, []tokenstore.SealingKey{tokenstore.GenerateSealingKey("j"), {ID: "l"}}, "former[1].Key"},
	} {
		_, err := tokenstore.NewKeyring(tt.current, tt.former...)
		if err == nil || !strings.Contains(err.Error(), tt.field) {
			t.Errorf("%s: %v does not name %s", name, err, tt.field)
		}
	}
	if _, err := tokenstore.NewKeyring(tokenstore.SealingKey{ID: "k", Key: secret.New(good.Key.Reveal() + "\n")}); err != nil {
		t.Errorf("a key with the line end of its file: %v", err)
	}
}

func keyring(t *testing.T, current tokenstore.SealingKey, former ...tokenstore.SealingKey) *tokenstore.Keyring {
	t.Helper()
	k, err := tokenstore.NewKeyring(current, former...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatIsSealedOpensInItsOwnPlaceAlone(t *testing.T) {
	key, plain := tokenstore.GenerateSealingKey("k"), []byte("a refresh token")
	s := tokenstore.Sealer{Keyring: keyring(t, key), Environment: "production"}
	data, err := s.Seal("connection/acme/main", 7, plain)
	if err != nil || bytes.Contains(data, plain) {
		t.Fatalf("%v, %q", err, data)
	}
	if got, err := s.Open("connection/acme/main", 7, data); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%q, %v", got, err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another id":      func() ([]byte, error) { return s.Open("connection/other/main", 7, data) },
		"another version": func() ([]byte, error) { return s.Open("connection/acme/main", 8, data) },
		"another environment": func() ([]byte, error) {
			return tokenstore.Sealer{Keyring: s.Keyring, Environment: "staging"}.Open("connection/acme/main", 7, data)
		},
		"a bit changed": func() ([]byte, error) {
			changed := bytes.Clone(data)
			changed[len(changed)-1] ^= 1
			return s.Open("connection/acme/main", 7, changed)
		},
	} {
		if got, err := open(); got != nil || !errors.Is(err, tokenstore.ErrForeignRecord) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, cut := range map[string][]byte{"nothing": nil, "a part of the head": data[:2], "no data": data[:20], "another format": append([]byte{9}, data[1:]...)} {
		if got, err := s.Open("connection/acme/main", 7, cut); got != nil || err == nil || errors.Is(err, tokenstore.ErrForeignRecord) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestOneKeySealsAndTheFormerOnesOpen(t *testing.T) {
	first, second := tokenstore.GenerateSealingKey("first"), tokenstore.GenerateSealingKey("second")
	before, after := keyring(t, first), keyring(t, second, first)
	old, err := tokenstore.Sealer{Keyring: before}.Seal("id", 1, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	now := tokenstore.Sealer{Keyring: after}
	if got, err := now.Open("id", 1, old); err != nil || string(got) != "data" {
		t.Errorf("%q, %v", got, err)
	}
	if !before.IsCurrent(old) || after.IsCurrent(old) || after.IsCurrent(nil) {
		t.Error("which key seals now is not told")
	}
	if !now.Works("id") {
		t.Error("it does not work")
	}
	again, err := now.Seal("id", 2, []byte("data"))
	if err != nil || !after.IsCurrent(again) {
		t.Errorf("%v: the current key does not seal", err)
	}
	if _, err := (tokenstore.Sealer{Keyring: before}).Open("id", 2, again); err == nil || !strings.Contains(err.Error(), "second") {
		t.Errorf("%v does not name the key that is missing", err)
	}
}

func TestAKeyringWithoutAKeySealsAndOpensNothing(t *testing.T) {
	good, err := tokenstore.Sealer{Keyring: keyring(t, tokenstore.GenerateSealingKey("k"))}.Seal("id", 1, []byte("data"))
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range map[string]*tokenstore.Keyring{"zero": new(tokenstore.Keyring), "nil": nil} {
		s := tokenstore.Sealer{Keyring: k, Environment: "production"}
		if !k.IsZero() || s.Works("id") {
			t.Errorf("%s: it works", name)
		}
		if data, err := s.Seal("id", 1, []byte("a refresh token")); data != nil || err == nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
		if data, err := s.Open("id", 1, good); data != nil || err == nil {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
}
