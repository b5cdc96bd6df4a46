package oauthflow

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
)

// SealingKey is one key that seals records, or that opens what was sealed before. A key that only a KMS can decrypt is
// decrypted by the service when it starts.
type SealingKey struct {
	ID  string // 1–32 bytes of letters, digits, "-", "_", "."; stands in clear in every record
	Key Secret // 32 random bytes in standard base64, as "openssl rand -base64 32" prints them
}

// GenerateSealingKey returns a fresh key. Keep it outside the store: who has both has the tokens.
func GenerateSealingKey(id string) SealingKey {
	b := make([]byte, sealKeySize)
	rand.Read(b)
	return SealingKey{ID: id, Key: NewSecret(base64.StdEncoding.EncodeToString(b))}
}

// Keys seal and open records: one key seals, and all of them open.
type Keys struct {
	current string
	opening map[string]Secret // by id
}

// NewKeys returns Keys that seal with current and open with current and former keys. [Manager.Reseal] makes the former
// ones superfluous. A record that was sealed with any other key does not open. An error
// of [KindInvalid] names every field at fault.
func NewKeys(current SealingKey, former ...SealingKey) (*Keys, error) {
	const op = "new keys"
	k := &Keys{current: current.ID, opening: map[string]Secret{}}
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
		k.opening[sk.ID] = NewSecret(string(raw))
	}
	if err := invalidFields(op, bad); err != nil {
		return nil, err
	}
	return k, nil
}

func isKeyID(s string) bool {
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return notAlphanumeric(r) && !strings.ContainsRune("-_.", r)
	})
}

// opens returns the key of an id.
func (k *Keys) opens(id string) (Secret, error) {
	key, ok := k.opening[id]
	if !ok {
		return Secret{}, fmt.Errorf("it is sealed with the key %+.40q, which is not among the keys", id)
	}
	return key, nil
}
