package orgtest

import (
	"crypto/rand"
	"fmt"
	"strings"
)

const (
	base62    = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	tokenText = base62 + "_"
	hexText   = "0123456789ABCDEF"
)

// random draws n characters of an alphabet. The slight bias of the modulo does not matter in a test org.
func random(alphabet string, n int) string {
	raw := make([]byte, n)
	rand.Read(raw)
	for i, b := range raw {
		raw[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(raw)
}

// newID makes the next record id of a kind; prefix is Salesforce's three-character key prefix. The caller holds the lock.
func (o *Org) newID(prefix string) string {
	o.serial++
	return id18(fmt.Sprintf("%sTEST%08d", prefix, o.serial))
}

// id18 adds the three check characters to a 15-character id: each stands for five characters, one bit per upper case
// letter. Source: Salesforce's published conversion of 15 to 18 characters.
func id18(id string) string {
	const table = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
	var suffix strings.Builder
	for block := 0; block < 15; block += 5 {
		bits := 0
		for i := range 5 {
			if c := id[block+i]; c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		suffix.WriteByte(table[bits])
	}
	return id + suffix.String()
}

// newAccessToken makes an opaque access token: the 15-character org id, "!", then word characters. One dot at most, so that
// nobody takes it for a JWT. Source: sfdx-core sfdc.ts (00D\w{12,15}![.\w]*).
func newAccessToken(orgID string) string {
	return orgID[:15] + "!AQ" + random(base62, 1) + random(tokenText, 40) + "." + random(tokenText, 50)
}

// newRefreshToken makes a refresh token in the form real ones have: 5Aep861 and 80 or more characters.
// Source: docs, example token responses.
func newRefreshToken() string {
	return "5Aep861" + random(tokenText, 40) + "." + random(tokenText, 48)
}

// newKey and newSecret make a consumer key and secret in the usual form. Source: trufflehog's detector of consumer keys.
func newKey() string    { return "3MVG9" + random(tokenText, 80) }
func newSecret() string { return random(hexText, 64) }

// newCode makes an authorization code; real ones end in "==", which must be percent-encoded exactly once in the callback.
// Source: docs, web server flow.
func newCode() string { return "aPrx" + random(tokenText, 72) + "==" }
