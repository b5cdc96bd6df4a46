// Package search finds secrets in text, however they are encoded. The gate looks with it through all that tests print, and
// tests through all that is shown of an answer.
package search

import (
	"regexp"
	"strings"
)

// shapes are the forms of Salesforce's secrets, which the simulator keeps to.
var shapes = []struct {
	name string
	re   *regexp.Regexp
}{
	{"an access token", regexp.MustCompile(`00D\w{12,15}!\S?[\w.]{20,}`)},
	{"a refresh token", regexp.MustCompile(`5Aep861[\w.]{20,}`)},
	{"an authorization code", regexp.MustCompile(`aPrx[\w.]{20,}`)},
	{"a JWT", regexp.MustCompile(`eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}`)},
	{"a consumer secret", regexp.MustCompile(`(?:^|[^0-9A-F])[0-9A-F]{64}(?:$|[^0-9A-F])`)},
}

// A known secret is found when window bytes of it are, from a place that step divides: so any part of 15 bytes is.
const (
	window = 12
	step   = 4
)

// Finder looks for secrets in text.
type Finder struct {
	parts map[string]struct{} // of known secrets
}

// New returns a Finder of these secrets, and of all that have the form of one of Salesforce's.
func New(known []string) *Finder {
	f := &Finder{parts: map[string]struct{}{}}
	for _, s := range known {
		s = core(s)
		for at := 0; at+window <= len(s); at += step {
			if part := s[at : at+window]; telling(part) {
				f.parts[part] = struct{}{}
			}
		}
	}
	return f
}

// core is what nobody else knows of a secret: the beginning of an access token is the org's ID.
func core(s string) string {
	if org, token, ok := strings.Cut(s, "!"); ok && strings.HasPrefix(org, "00D") {
		return token
	}
	return s
}

// telling reports whether a part of a secret can be told from filling.
func telling(part string) bool {
	seen := map[byte]bool{}
	for i := range len(part) {
		seen[part[i]] = true
	}
	return len(seen) > window/2
}

const deepest = 2 // encodings, one in the other

// Find returns which secret is in text, and how it is encoded; or "".
func (f *Finder) Find(text string) string {
	type form struct{ text, how string }
	forms := []form{{text, ""}}
	for depth := 0; ; depth++ {
		var next []form
		for _, t := range forms {
			if what := f.plain(t.text); what != "" {
				return what + t.how
			}
			if depth == deepest {
				continue
			}
			for _, d := range decoders {
				for _, decoded := range d.decode(t.text) {
					if len(decoded) >= window && decoded != t.text {
						next = append(next, form{decoded, t.how + ", as " + d.name})
					}
				}
			}
		}
		if len(next) == 0 {
			return ""
		}
		forms = next
	}
}

// plain returns which secret is in text as it is, or "".
func (f *Finder) plain(text string) string {
	for _, s := range shapes {
		if s.re.MatchString(text) {
			return s.name
		}
	}
	if len(f.parts) > 0 {
		for at := 0; at+window <= len(text); at++ {
			if _, ok := f.parts[text[at:at+window]]; ok {
				return "a known secret"
			}
		}
	}
	return ""
}
