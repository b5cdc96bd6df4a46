package tokenstore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// The key that seals stands first; the others open what was sealed before.
func ExampleNewKeyring() {
	_, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("2026-11"), tokenstore.GenerateSealingKey("2025-11"))
	fmt.Println(err)
	_, err = tokenstore.NewKeyring(tokenstore.SealingKey{ID: "2026-11", Key: oauthflow.NewSecret("too short")})
	fmt.Println(err)
	// Output:
	// <nil>
	// tokenstore: new keyring: current.Key: must be 32 bytes in base64, as "openssl rand -base64 32" prints them
}

// A generated key prints as nothing; Reveal it once, to keep it outside the store.
func ExampleGenerateSealingKey() {
	k := tokenstore.GenerateSealingKey("2026-11")
	fmt.Println(k.ID, k.Key, len(k.Key.Reveal()))
	// Output: 2026-11 [redacted] 44
}

// A store compares versions and swaps.
func ExampleNewMemory() {
	ctx := context.Background()
	s := tokenstore.NewMemory()
	r := tokenstore.Record{ID: "connection/acme/main", Due: time.Unix(0, 0), Data: []byte("sealed")}
	fmt.Println(s.Save(ctx, r)) // there is none yet
	fmt.Println(errors.Is(s.Save(ctx, r), tokenstore.ErrConflict))
	stored, err := s.Load(ctx, r.ID)
	fmt.Println(stored.Version, err)
	// Output:
	// <nil>
	// true
	// 1 <nil>
}

// KMS is what a key management service offers, such as Decrypt of AWS KMS or Google Cloud KMS.
type KMS interface {
	Decrypt(ctx context.Context, ciphertext []byte) (plaintext []byte, err error)
}

// exampleKMS decrypts what begins with "encrypted:".
type exampleKMS struct{}

func (exampleKMS) Decrypt(_ context.Context, ciphertext []byte) ([]byte, error) {
	plain, is := bytes.CutPrefix(ciphertext, []byte("encrypted:"))
	if !is {
		return nil, fmt.Errorf("not encrypted with this key")
	}
	return plain, nil
}

// A sealing key that stands encrypted in the service's configuration is decrypted by a KMS once, when the service starts.
func ExampleNewKeyring_kms() {
	var service KMS = exampleKMS{}
	configured := "encrypted:32 random bytes, encrypted here." // openssl rand 32, encrypted with the KMS

	plain, err := service.Decrypt(context.Background(), []byte(configured))
	if err != nil {
		fmt.Println(err)
		return
	}
	key := oauthflow.NewSecret(base64.StdEncoding.EncodeToString(plain))
	_, err = tokenstore.NewKeyring(tokenstore.SealingKey{ID: "2026-12", Key: key})
	fmt.Println(key, err)
	// Output: [redacted] <nil>
}
