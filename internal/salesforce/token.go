package salesforce

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// IsJWT reports whether an access token is a JWT: three base64url segments, the first of which is a JSON object. Any other is
// opaque, as 00D…!… is.
//
// Source: RFC 7515 §3.1; Salesforce Help, "JWT-Based Access Tokens".
func IsJWT(token string) bool {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, three := strings.Cut(rest, ".")
	if !three || header == "" || payload == "" || strings.Contains(signature, ".") {
		return false
	}
	for _, segment := range []string{payload, signature} {
		if _, err := base64.RawURLEncoding.DecodeString(segment); err != nil {
			return false
		}
	}
	plain, err := base64.RawURLEncoding.DecodeString(header)
	var members map[string]any
	return err == nil && json.Unmarshal(plain, &members) == nil && members != nil
}
