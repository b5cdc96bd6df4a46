// Package scrub makes text that others wrote fit to be shown: in an error, a log line, a report, on a terminal.
//
// A server may repeat the request in its answer, and the request holds secrets. So every package that reads an answer
// tells a [Scrubber] what it sent, and shows no word of the answer but through it.
package scrub

import (
	"strings"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/secret"
)

// Redacted stands in the place of text that is withheld.
const Redacted = "[redacted]"

// maxRead is how many bytes of a text are read, in the search for secrets and for what is shown. Everything that is
// shown was searched; the rest of the text is dropped before any work is spent on it.
const maxRead = 4 << 10

// maxSent is how many secrets are looked for: each costs work for each text. Browsers send 180 cookies at most.
const maxSent = 512

// A Scrubber knows what was sent. The zero Scrubber knows nothing of it, and still bounds and cleans a text. It does not
// change and may be used by many goroutines. No method holds on to a text.
type Scrubber struct{ sent *needles }

// New returns a Scrubber for the answer to a request that carried these secrets. Empty and very short ones are left out.
// Of more than a request of any program carries, every text counts as one that mentions one.
func New(sent ...secret.Secret) Scrubber {
	if len(sent) > maxSent {
		return Scrubber{&needles{every: true}}
	}
	n := needlesOf(sent)
	if len(n.whole) == 0 {
		return Scrubber{}
	}
	return Scrubber{n}
}

// Mentions reports whether text holds something that was sent, or a part of it of 18 letters and digits with a digit among
// them: as it is, or as URLs, JSON, XML, hex or base64 write it. Of text that is longer than 4 KiB it is assumed.
func (s Scrubber) Mentions(text string) bool { return len(text) > maxRead || s.mentions(text) }

// Repeats reports whether a body, of any length, holds something that was sent, or a part of it of 31 characters: as it is,
// in another case, or as URLs, JSON, XML, hex or base64 write it. A success that does is no answer to be read on: what was sent could stand in any of
// its values. The time it takes grows with the length alone.
func (s Scrubber) Repeats(body []byte) bool {
	if s.sent == nil {
		return false
	}
	if s.sent.every {
		return true
	}
	text := string(body)
	for range rounds + 1 {
		if s.sent.pieces.find(lowered(text), func(int, struct{}) bool { return true }) {
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

// Value returns a name or another value that an answer holds, unchanged; only one that mentions what was sent, or is longer
// than 4 KiB, is withheld.
func (s Scrubber) Value(text string) string {
	if s.Mentions(text) {
		return Redacted
	}
	return text
}

// Line returns text as one printable line of at most limit bytes. Text that mentions what was sent is withheld as a whole;
// of other text the words are withheld that have the form of Salesforce's tokens, codes or consumer keys. Names and values
// stay as they are.
func (s Scrubber) Line(text string, limit int) string {
	return s.line(text, limit, withoutTokens)
}

// Sentence is [Scrubber.Line] for text that quotes no names, such as an error_description: URLs end after their host, and
// long words that no language has are withheld, too.
func (s Scrubber) Sentence(text string, limit int) string {
	return s.line(text, limit, plainWord)
}

func (s Scrubber) line(text string, limit int, show func(word string) string) string {
	text, cut := bounded(text)
	if s.mentions(text) {
		return Redacted
	}
	words := strings.Fields(Printable(text))
	for i, w := range words {
		words[i] = show(w)
	}
	text = strings.Join(words, " ")
	if cut || len(text) > limit {
		text = prefix(text, limit-len("…")) + "…"
	}
	return text
}

// bounded returns the beginning of text that is read, and whether something was cut off. It ends before a word that does
// not fit, since half of a secret is not recognised as one.
func bounded(text string) (head string, cut bool) {
	if len(text) <= maxRead {
		return text, false
	}
	text = text[:maxRead]
	if i := strings.LastIndexAny(text, " \t\r\n"); i >= 0 {
		return text[:i], true
	}
	return "", true
}

// prefix returns at most n bytes of s, and no half of a rune.
func prefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// withoutTokens withholds a word that has the form of a secret of Salesforce's.
func withoutTokens(w string) string {
	if looksLikeToken(w) {
		return Redacted
	}
	return w
}

// plainWord returns a word of a sentence as it may be shown: a URL without all that follows its host, a secret not at all.
func plainWord(w string) string {
	scheme, rest, isURL := strings.Cut(w, "://")
	if isURL {
		if i := strings.IndexAny(rest, "/?#\\"); i >= 0 && rest[i:] != "/" {
			rest = rest[:i] + "/…"
		}
		w = scheme + "://" + rest
	}
	if looksLikeToken(w) || len(w) > 48 || len(w) > 20 && !isURL && strings.ContainsAny(w, "0123456789+%=") {
		return Redacted
	}
	return w
}

// looksLikeToken recognises access tokens (00D…!…), refresh tokens (5Aep…), consumer keys (3MVG9…), codes (aPrx…) and JWTs
// (eyJ…), by how they begin, also where they are encoded.
func looksLikeToken(w string) bool {
	for range rounds + 1 {
		if beginsToken(w) || encoded(w) {
			return true
		}
		plain := Decoded(w)
		if plain == w {
			return false
		}
		w = plain
	}
	return false
}

// encoded recognises base64 and hex of more than thirty bytes by letters and digits that no sign separates; those of names are
// words.
func encoded(w string) bool {
	run, digits, letters := 0, 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case '0' <= c && c <= '9':
			digits++
		case alphanumeric(c), c == '+', c == '=':
			letters++
		default:
			run, digits, letters = 0, 0, 0
			continue
		}
		if run++; run > 40 && digits > 1 && letters > 1 {
			return true
		}
	}
	return false
}

func beginsToken(w string) bool {
	for _, mark := range []string{"5Aep", "3MVG9", "aPrx", "eyJ"} {
		for rest := w; ; {
			i := strings.Index(rest, mark)
			if i < 0 {
				break
			}
			if i == 0 || !alphanumeric(rest[i-1]) { // else it is a syllable, such as that of surveyJob
				return true
			}
			rest = rest[i+len(mark):]
		}
	}
	_, after, org := strings.Cut(w, "00D")
	return org && strings.Contains(after, "!")
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
