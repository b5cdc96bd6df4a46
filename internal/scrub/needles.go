package scrub

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/secret"
)

const (
	minSecret = 8  // bytes; a shorter value is a word of any sentence
	window    = 18 // letters and digits of a secret, a digit among them, that betray it
	piece     = 16 // bytes of a secret that betray it in a long text
	rounds    = 3  // encodings, one in the other, that are undone
	minWhole  = 6  // letters and digits of a short secret, below which it would be found everywhere

	// maxLooks is how many places of secrets are compared with one text. Only a text made of parts of one has more: it counts as one
	// that mentions it, since a secret may be made so that the same part stands in it a thousand times.
	maxLooks = 2 * maxRead
)

// needles are what a text is searched for. Both are compared by their letters and digits alone, in lower case: line breaks,
// quotes, escaped slashes and a plus sign for a blank then need no rule of their own.
type needles struct {
	every  bool // there are more than are looked for: any text may hold one
	texts  []telltale
	grams  *gramTable[int] // of texts: every window of one holds at least one of them; the value is the first place, from 1
	places []place
	whole  []string
	pieces *gramTable[struct{}] // of the secrets' spellings in lower case, one after the other
}

// telltale is one spelling of a secret.
type telltale struct {
	text  string
	tells []bool // of the window that begins there: whether it betrays the secret
}

// place is where a gram stands in a telltale, and the next place of the same gram; 0 for none.
type place struct{ text, at, next int }

// A window of a text holds a whole gram when grams begin at every gramStep bytes.
const (
	gramSize = 9
	gramStep = window - gramSize + 1
)

func needlesOf(sent []secret.Secret) *needles {
	size := 0
	for _, s := range sent {
		size += len(s.Reveal())
	}
	n := &needles{grams: newGramTable[int](gramSize, size*7/gramStep), pieces: newGramTable[struct{}](piece, size*7/piece)}
	for _, s := range sent {
		plain := s.Reveal()
		if len(plain) < minSecret {
			continue
		}
		plain = core(plain)
		for _, spelling := range []string{plain, hex.EncodeToString([]byte(plain))} {
			n.cut(spelling)
			n.add(spelling)
		}
		for pad := range 3 { // base64 writes a text in three ways, as its place in a longer one is
			encoded := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:pad] + plain))
			first, last := (pad*8+5)/6, (pad+len(plain))*8/6 // without the characters that its neighbours decide
			encoded = encoded[first:last]
			n.add(encoded)
			n.cut(encoded)
			if strings.ContainsAny(encoded, "+/") {
				n.cut(urlAlphabet.Replace(encoded))
			}
		}
	}
	return n
}

// core is what nobody else knows of a secret: an access token begins with the org's ID.
func core(s string) string {
	if org, token, ok := strings.Cut(s, "!"); ok && strings.HasPrefix(org, "00D") && len(token) >= minSecret {
		return token
	}
	return s
}

// add takes up the windows of a secret that hold a digit, or letters of both cases as no word does, so that words which it
// shares with a sentence do not count, and the whole of it.
func (n *needles) add(plain string) {
	s, cased := squashed(plain), kept(plain, func(r rune) rune { return r })
	if len(s) >= minWhole {
		n.whole = append(n.whole, s)
	}
	if len(s) < window {
		return
	}
	tells := telling(s, cased)
	text := len(n.texts)
	n.texts = append(n.texts, telltale{s, tells})
	for at := 0; at+gramSize <= len(s); at += gramStep {
		if slices.Contains(tells[max(at+gramSize-window, 0):min(at+1, len(tells))], true) {
			gram := s[at : at+gramSize]
			n.places = append(n.places, place{text, at, n.grams.at[gram]})
			n.grams.put(gram, len(n.places))
		}
	}
}

// telling reports of each window of s whether it holds a digit, or at least three letters of each case where cased has them.
func telling(s, cased string) []bool {
	tells := make([]bool, len(s)-window+1)
	digits, upper, lower := 0, 0, 0
	count := func(at, by int) {
		if '0' <= s[at] && s[at] <= '9' {
			digits += by
		}
		if len(cased) != len(s) {
			return
		}
		switch c := cased[at]; {
		case 'A' <= c && c <= 'Z':
			upper += by
		case 'a' <= c && c <= 'z':
			lower += by
		}
	}
	for at := range len(s) {
		count(at, 1)
		if first := at - window + 1; first >= 0 {
			tells[first] = digits > 0 || upper >= 3 && lower >= 3
			count(first, -1)
		}
	}
	return tells
}

// urlAlphabet writes base64 in the alphabet of URLs.
var urlAlphabet = strings.NewReplacer("+", "-", "/", "_")

// cut takes up the pieces of a spelling, all of one length and in lower case; the last may overlap the one before. Of a shorter
// spelling there is none.
func (n *needles) cut(s string) {
	s = lowered(s)
	for at := 0; len(s) >= piece && at < len(s); at += piece {
		from := min(at, len(s)-piece)
		n.pieces.put(s[from:from+piece], struct{}{})
	}
}

// mentions looks for the needles in text as it is, and with its encodings undone, one after the other.
func (s Scrubber) mentions(text string) bool {
	if s.sent == nil {
		return false
	}
	if s.sent.every {
		return true
	}
	for range rounds + 1 {
		if s.sent.in(squashed(text)) {
			return true
		}
		plain := Decoded(text)
		if plain == text {
			return false
		}
		text = plain
	}
	return false
}

func (n *needles) in(text string) bool {
	for _, w := range n.whole {
		if strings.Contains(text, w) {
			return true
		}
	}
	looked := 0
	return n.grams.find(text, func(at, first int) bool {
		for next := first; next > 0; {
			p := n.places[next-1]
			if looked++; looked > maxLooks || n.texts[p.text].betrayed(p.at, text, at) {
				return true
			}
			next = p.next
		}
		return false
	})
}

// betrayed reports whether a window that tells, and holds the gram at own, stands around the same gram of text.
func (t telltale) betrayed(own int, text string, at int) bool {
	first, last := 0, gramSize // what both have in common, counted from the gram
	for first > gramSize-window && own+first > 0 && at+first > 0 && t.text[own+first-1] == text[at+first-1] {
		first--
	}
	for last < window && own+last < len(t.text) && at+last < len(text) && t.text[own+last] == text[at+last] {
		last++
	}
	for ; last-first >= window; first++ {
		if t.tells[own+first] {
			return true
		}
	}
	return false
}

// lowered is s with the letters of ASCII in lower case, so that every byte stays in its place.
func lowered(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + ('a' - 'A')
		}
	}
	return string(b)
}

// squashed keeps the letters and digits of s, in lower case, and its bytes that are no text.
func squashed(s string) string { return kept(s, unicode.ToLower) }

// kept keeps the letters and digits of s in a case, and its bytes that are no text.
func kept(s string, letterCase func(rune) rune) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteByte(s[i])
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(letterCase(r))
		}
		i += size
	}
	return b.String()
}

// escapes begin what Decoded undoes.
const escapes = `%\&`

// Decoded undoes once the encodings under which a request travels and is repeated: those of URLs, JSON and XML.
func Decoded(s string) string {
	if !strings.ContainsAny(s, escapes) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		size, char := escape(s[i:])
		if size == 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(char)
		i += size
	}
	return html.UnescapeString(b.String())
}

// escape reads an escape at the beginning of s: its size, 0 when there is none, and what it stands for.
func escape(s string) (size int, char string) {
	switch {
	case len(s) >= 3 && s[0] == '%':
		if n, err := strconv.ParseUint(s[1:3], 16, 8); err == nil {
			return 3, string([]byte{byte(n)})
		}
	case len(s) >= 2 && s[0] == '\\':
		switch s[1] {
		case 'u':
			if len(s) >= 6 {
				if n, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
					return 6, string(rune(n))
				}
			}
		case 'x': // of JavaScript and others; JSON has none
			if len(s) >= 4 {
				if n, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
					return 4, string([]byte{byte(n)})
				}
			}
		case 'n', 'r', 't', 'b', 'f':
			return 2, " "
		}
		return 2, s[1:2]
	}
	return 0, ""
}
