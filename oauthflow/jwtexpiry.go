package oauthflow

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// jwtEnds returns when a JWT-based access token says that it ends. Nothing verifies the token: who reads this asks why Salesforce
// has refused it, and trusts it with nothing.
//
// Source: RFC 7519 §4.1.4.
func jwtEnds(token string) (time.Time, bool) {
	if formOf(token) != jwtToken {
		return time.Time{}, false
	}
	part := strings.Split(token, ".")
	plain, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expires *json.Number `json:"exp"`
	}
	if json.Unmarshal(plain, &claims) != nil || claims.Expires == nil {
		return time.Time{}, false
	}
	seconds, err := claims.Expires.Float64()
	if err != nil || seconds < 0 || seconds > 1<<34 {
		return time.Time{}, false
	}
	return time.Unix(int64(seconds), 0), true
}

// refusedAlive reports whether a JWT was refused that had not ended, so that its end is not what it was refused for.
func refusedAlive(token string, now time.Time) bool {
	ends, ok := jwtEnds(token)
	return ok && ends.Sub(now) > clockSkew
}
