package interop_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// A signedToken is an id_token in its three parts, none of them verified.
type signedToken struct{ header, claims, signature string }

func partsOf(t *testing.T, s oauthflow.Secret) signedToken {
	t.Helper()
	p := strings.Split(s.Reveal(), ".")
	if len(p) != 3 {
		t.Fatalf("an id_token has %d parts, want 3", len(p))
	}
	return signedToken{p[0], p[1], p[2]}
}

func (s signedToken) String() string { return s.header + "." + s.claims + "." + s.signature }

func encode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// claiming returns the token's claims with one of them changed.
func (s signedToken) claiming(t *testing.T, name string, value any) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(s.claims)
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]any{}
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	claims[name] = value
	return encode(t, claims)
}

func TestFlowAcceptsTheCertifiedProvidersIDTokensAndNoOthers(t *testing.T) {
	p := startProvider(t, rotatesToken, fullcast.Production.CallbackURLs())
	flow, client := newFlow(t, p)
	token := exchange(t, p, flow, client)
	genuine := partsOf(t, token.IDToken)
	other := partsOf(t, exchange(t, p, flow, client).IDToken)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}

	if err := flow.VerifyIDToken(t.Context(), client, token); err != nil {
		t.Errorf("the id_token of a login: %v", err)
	}
	refreshed, err := flow.Refresh(t.Context(), client, token)
	if err != nil {
		t.Fatal(err)
	}
	if refreshed.IDToken.IsZero() {
		t.Error("the provider's refresh gave no id_token")
	} else if err := flow.VerifyIDToken(t.Context(), client, refreshed); err != nil {
		t.Errorf("the id_token of a refresh: %v", err)
	}

	bySecret := signedToken{header: encode(t, map[string]string{"alg": "HS256"}), claims: genuine.claims}
	mac := hmac.New(sha256.New, []byte(consumerSecret))
	mac.Write([]byte(bySecret.header + "." + bySecret.claims))
	bySecret.signature = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))

	digest := sha256.Sum256([]byte(genuine.header + "." + genuine.claims))
	signature, err := rsa.SignPKCS1v15(rand.Reader, stranger, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	byStranger := signedToken{genuine.header, genuine.claims, base64.RawURLEncoding.EncodeToString(signature)}

	otherUser := genuine.claiming(t, "sub", "https://"+loginHost+"/id/"+orgID+"/005000000000002AAA")
	otherIssuer := genuine.claiming(t, "iss", "https://other.my.salesforce.com")
	noAlgorithm := encode(t, map[string]string{"alg": "none"})

	for _, tt := range []struct{ name, token string }{
		{"none at all", ""},
		{"of another login", other.String()},
		{"with the claims of another login", signedToken{genuine.header, other.claims, genuine.signature}.String()},
		{"with the name of another user", signedToken{genuine.header, otherUser, genuine.signature}.String()},
		{"with the name of another issuer", signedToken{genuine.header, otherIssuer, genuine.signature}.String()},
		{"unsigned", signedToken{noAlgorithm, genuine.claims, ""}.String()},
		{"signed with the consumer secret", bySecret.String()},
		{"signed with a stranger's key", byStranger.String()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			taken := *token
			taken.IDToken = oauthflow.NewSecret(tt.token)
			wantKind(t, flow.VerifyIDToken(t.Context(), client, &taken), oauthflow.KindIDToken)
		})
	}
	t.Run("made for another app", func(t *testing.T) {
		another := client
		another.ID = "3MVG9another.app"
		wantKind(t, flow.VerifyIDToken(t.Context(), another, token), oauthflow.KindIDToken)
	})
	t.Run("of yesterday, in an answer of today", func(t *testing.T) {
		today := func() time.Time { return time.Now().Add(24 * time.Hour) }
		late, err := oauthflow.NewFlow(oauthflow.Config{
			RedirectURLs: fullcast.Production.CallbackURLs(),
			Transport:    p.transport(),
			Now:          today,
		})
		if err != nil {
			t.Fatal(err)
		}
		taken := *token
		taken.IssuedAt = today()
		wantKind(t, late.VerifyIDToken(t.Context(), client, &taken), oauthflow.KindIDToken)
	})
}
