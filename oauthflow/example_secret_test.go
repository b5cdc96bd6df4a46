package oauthflow_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"

	"github.com/fullcast/sfauth/oauthflow"
)

// Whatever prints or encodes a secret, or what holds one, shows that there is one and no more.
func ExampleNewSecret() {
	secret := oauthflow.NewSecret("the consumer secret")
	client := oauthflow.Client{ID: "3MVG9consumerkey", Secret: secret}
	fmt.Printf("%v %+v %q\n", secret, client.Secret, secret)
	encoded, err := json.Marshal(map[string]any{"secret": secret})
	fmt.Println(string(encoded), err)
	slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})).Info("connecting", "secret", secret)
	fmt.Println(secret.Equal(oauthflow.NewSecret("the consumer secret")), len(secret.Reveal()))
	// Output:
	// [redacted] [redacted] [redacted]
	// {"secret":"[redacted]"} <nil>
	// level=INFO msg=connecting secret=[redacted]
	// true 19
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
