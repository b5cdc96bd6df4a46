package oauthflow

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
)

const (
	redacted       = "[redacted]"
	maxDescription = 200
	minSecret      = 8 // shorter values are words of any sentence
)

// scrub makes somebody else's words fit to be shown: one line, bounded, without queries and without anything that looks
// like a token. Text that holds something we sent, in whatever encoding, is withheld as a whole.
func scrub(text string, sent ...Secret) string {
	for _, s := range sent {
		if plain := s.Reveal(); len(plain) >= minSecret && mentions(text, plain) {
			return redacted
		}
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = showable(w)
	}
	text = strings.Join(words, " ")
	if len(text) > maxDescription {
		text = strings.ToValidUTF8(text[:maxDescription-len("…")], "") + "…"
	}
	return text
}

// showable returns a word as it may be shown: a URL without all that follows its host, a token not at all.
func showable(w string) string {
	if scheme, rest, ok := strings.Cut(w, "://"); ok {
		if i := strings.IndexAny(rest, "/?#\\"); i >= 0 && rest[i:] != "/" {
			rest = rest[:i] + "/…"
		}
		w = scheme + "://" + rest
	}
	if looksSecret(w) {
		return redacted
	}
	return w
}

// looksSecret recognises access tokens (00D…!…), refresh tokens (5Aep…), consumer keys, codes, JWTs and long words
// that no language has: names of errors are long, but are letters joined by _ or a dot.
func looksSecret(w string) bool {
	for _, mark := range []string{"5Aep", "3MVG9", "aPrx", "eyJ"} {
		if strings.Contains(w, mark) {
			return true
		}
	}
	if strings.Contains(w, "00D") && strings.Contains(w, "!") {
		return true
	}
	return len(w) > 48 || len(w) > 20 && strings.ContainsAny(w, "0123456789+%=") && !strings.Contains(w, "://")
}

// mentions reports whether text holds secret: plain, or encoded as a URL, JSON, hex or base64 would, at any offset.
func mentions(text, secret string) bool {
	forms := []string{text, strings.Join(strings.Fields(text), ""), jsonUnescape(text)}
	for _, unescape := range []func(string) (string, error){url.QueryUnescape, url.PathUnescape} {
		if once, err := unescape(lenient(text)); err == nil {
			forms = append(forms, once)
			if twice, err := unescape(lenient(once)); err == nil {
				forms = append(forms, twice)
			}
		}
	}
	hexed := hex.EncodeToString([]byte(secret))
	needles := append(base64Cores(secret), secret)
	for _, f := range forms {
		if strings.Contains(strings.ToLower(f), hexed) {
			return true
		}
		for _, n := range needles {
			if strings.Contains(f, n) {
				return true
			}
		}
	}
	return false
}

// lenient escapes every % that begins no escape, so that unescaping the rest does not fail for it.
func lenient(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] != '%' {
			continue
		}
		if i+2 >= len(s) {
			b.WriteString("25")
		} else if _, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err != nil {
			b.WriteString("25")
		}
	}
	return b.String()
}

// jsonUnescape resolves the escapes of JSON strings wherever they stand.
func jsonUnescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if s[i] == 'u' && i+4 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+5], 16, 16); err == nil {
				b.WriteRune(rune(n))
				i += 4
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// base64Cores returns what base64, plain and for URLs, makes of s wherever it stands in an encoded text, without the
// characters that its neighbours decide.
func base64Cores(s string) []string {
	var out []string
	for pad := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:pad] + s))
		first := (pad*8 + 5) / 6
		last := (pad + len(s)) * 8 / 6
		core := encoded[first:last]
		out = append(out, core, strings.NewReplacer("+", "-", "/", "_").Replace(core))
	}
	return out
}
