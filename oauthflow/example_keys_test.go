package oauthflow_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

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

// decrypted has the KMS decrypt a sealing key.
func decrypted(ctx context.Context, service KMS, ciphertext []byte) (oauthflow.Secret, error) {
	key, err := service.Decrypt(ctx, ciphertext)
	if err != nil {
		return oauthflow.Secret{}, err
	}
	return oauthflow.NewSecret(base64.StdEncoding.EncodeToString(key)), nil
}

// A sealing key that stands encrypted in the service's configuration is decrypted by a KMS once, when the service starts.
func ExampleNewKeys_kms() {
	ctx := context.Background()
	configured := "encrypted:32 random bytes, encrypted here." // openssl rand 32, encrypted with the KMS

	key, err := decrypted(ctx, exampleKMS{}, []byte(configured))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = oauthflow.NewKeys(oauthflow.SealingKey{ID: "2026-12", Key: key})
	fmt.Println(key, err)
	// Output: [redacted] <nil>
}

// Versions before v0.1.0 could seal with keys that stand in the store, wrapped by a KMS. They are decrypted once, and
// open those records until all are sealed with a plain key.
func ExampleWrappedKeys() {
	ctx := context.Background()
	store := oauthflow.NewMemoryStore() // the service's own, with a record of such a version
	record := "\x01\x03kms\x00\x2aencrypted:" + strings.Repeat("k", 32) + strings.Repeat("s", 32) + "what is sealed"
	if err := store.Save(ctx, oauthflow.Record{ID: "connection/acme/main", Due: time.Unix(0, 0), Data: []byte(record)}); err != nil {
		fmt.Println(err)
		return
	}

	former, err := oauthflow.WrappedKeys(ctx, store)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range former {
		if former[i].Key, err = decrypted(ctx, exampleKMS{}, former[i].Wrapped); err != nil {
			fmt.Println(err)
			return
		}
	}
	_, err = oauthflow.NewKeys(oauthflow.GenerateSealingKey("2026-12"), former...)
	fmt.Println(len(former), former[0].ID, former[0].Key, err) // then Manager.Reseal
	// Output: 1 kms [redacted] <nil>
}
