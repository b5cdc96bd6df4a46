package oauthflow_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
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
