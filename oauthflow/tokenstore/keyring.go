package tokenstore

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/internal/secret"
)

// SealingKey is one key of a [Keyring]. It seals records, or opens records that it sealed before. If only a KMS can decrypt your
// key, the service decrypts it at start and puts the plain key here.
type SealingKey struct {
	ID  string        // 1–32 bytes of letters, digits, "-", "_", "."; stands in clear in every record
	Key secret.Secret // 32 random bytes in standard base64, as "openssl rand -base64 32" prints them
}

// GenerateSealingKey returns a new random key of 32 bytes with the given id. The id must follow the rules of [SealingKey.ID];
// [NewKeyring] checks that. Keep the key outside the store: an attacker that has both can read the tokens. GenerateSealingKey
// returns no error. It is safe for concurrent use.
func GenerateSealingKey(id string) SealingKey {
	b := make([]byte, sealKeySize)
	rand.Read(b)
	return SealingKey{ID: id, Key: secret.New(base64.StdEncoding.EncodeToString(b))}
}

// Keyring holds the keys that seal and open records: one key seals, and every key opens. Call [NewKeyring] to make one: the zero
// value holds no key, and seals and opens nothing. A Keyring does not change, and it is safe for concurrent use.
type Keyring struct {
	current string
	opening map[string]secret.Secret // by id
}

// IsZero reports whether k is nil or holds no key.
func (k *Keyring) IsZero() bool { return k == nil || len(k.opening) == 0 }

// NewKeyring returns a Keyring. The key current seals. The keys current and former open; former may be empty. Every id must occur
// once and follow the rules of [SealingKey.ID], and every key must be 32 bytes in standard base64. NewKeyring ignores white space
// around the base64 text. A record that was sealed with any other key does not open. After Manager.Reseal has returned nil, the
// former keys are not needed any more.
//
// The error wraps a *[FieldError] for each wrong field: current.ID, current.Key, former[0].ID and so on. It shows no key.
// NewKeyring is safe for concurrent use.
func NewKeyring(current SealingKey, former ...SealingKey) (*Keyring, error) {
	k := &Keyring{current: current.ID, opening: map[string]secret.Secret{}}
	var bad badfields.List
	for i, sk := range append([]SealingKey{current}, former...) {
		field := "current"
		if i > 0 {
			field = fmt.Sprintf("former[%d]", i-1)
		}
		if !isKeyID(sk.ID) {
			bad.Add(field+".ID", "must be 1 to 32 letters, digits, dashes, underscores or dots")
		} else if _, twice := k.opening[sk.ID]; twice {
			bad.Add(field+".ID", fmt.Sprintf("%q is used twice", sk.ID))
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sk.Key.Reveal()))
		if err != nil || len(raw) != sealKeySize {
			bad.Add(field+".Key", "must be 32 bytes in base64, as \"openssl rand -base64 32\" prints them")
		}
		k.opening[sk.ID] = secret.New(string(raw))
	}
	if len(bad) > 0 {
		return nil, fmt.Errorf("tokenstore: new keyring: %w", bad)
	}
	return k, nil
}

// keyIDSet are the characters of [SealingKey.ID].
const keyIDSet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

func isKeyID(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, keyIDSet) == ""
}

// opens returns the key of an id.
func (k *Keyring) opens(id string) (secret.Secret, error) {
	if k.IsZero() {
		return secret.Secret{}, errNoKey
	}
	key, ok := k.opening[id]
	if !ok {
		return secret.Secret{}, fmt.Errorf("it is sealed with the key %+.40q, which is not among the keys", id)
	}
	return key, nil
}
