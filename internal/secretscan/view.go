package secretscan

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/fullcast/sfauth/internal/scrub"
)

// rounds is how many encodings, one in the other, are undone.
const rounds = 3

// eachView calls look with a text as it is, then with its letters as they are read, then with its encodings undone one after
// the other, until it returns false. A view that equals the one before is left out.
func eachView(text string, look func(string) bool) {
	if !look(text) {
		return
	}
	for round := range rounds + 1 {
		next := nextView(text, round)
		if next == text && round > 0 {
			return
		}
		if next != text && !look(next) {
			return
		}
		text = next
	}
}

// nextView returns the view of a text that follows in a round.
func nextView(text string, round int) string {
	if round > 0 {
		text = scrub.Decoded(text)
	}
	if strings.Contains(text, "<![CDATA[") {
		text = strings.NewReplacer("<![CDATA[", "", "]]>", "").Replace(text)
	}
	return folded(text)
}

// folded returns a text in the letters that a reader takes it for: without what has no width, and full-width letters, no-break
// spaces, typographic quotes, dashes and arrows as the ASCII ones.
//
// Source: Unicode, UAX #15, NFKC; UAX #44, Default_Ignorable_Code_Point.
func folded(text string) string {
	if isASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '“', '”', '„', '«', '»', '‹', '›':
			return '"'
		case '‘', '’', '‚':
			return '\''
		case '–', '—', '−', '‑':
			return '-'
		case '→', '⇒', '➜', '➔', '⟶', '⇨':
			return '>'
		}
		if unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
