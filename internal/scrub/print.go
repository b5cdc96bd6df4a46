package scrub

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns text as one line that steers no terminal and forges no log line: white space of any kind is a blank, and
// all that has no shape of its own is U+FFFD. That is C0, DEL, C1, marks of direction, characters of no width, private and
// unassigned ones, separators of lines, and bytes that are no UTF-8.
func Printable(text string) string {
	if plainASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		switch {
		case Visible(r):
			return r
		case r == ' ', r == '\n', r == '\r', r == '\t', r == '\u0085', unicode.Is(unicode.Zs, r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
			return ' '
		}
		return unicode.ReplacementChar
	}, text)
}

// Visible reports whether a rune has a shape of its own, so that it shows what it is.
func Visible(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r) && r != unicode.ReplacementChar &&
		!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && !unicode.Is(unicode.Variation_Selector, r) &&
		r != '\u2800' // the braille pattern without a dot
}

func plainASCII(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Word returns an identifier, such as a tenant, as it may stand in a sentence or path: as it is where it consists of
// ASCII letters, digits and ._-@+ alone, else quoted and in ASCII. Two that differ never read the same, since no other
// character looks like an ASCII one then.
func Word(id string) string {
	for i := range len(id) {
		if c := id[i]; !alphanumeric(c) && strings.IndexByte("._-@+", c) < 0 {
			return strconv.QuoteToASCII(id)
		}
	}
	if id == "" {
		return `""`
	}
	return id
}

// Name is [Word] for names of files and components, which may hold blanks between their words, slashes and other
// punctuation of ASCII but quotes, backslashes and colons.
func Name(name string) string {
	if name == "" || strings.TrimSpace(name) != name || strings.Contains(name, "  ") || strings.ContainsAny(name, `"\:`+"`'") || !plainASCII(name) {
		return strconv.QuoteToASCII(name)
	}
	return name
}

// JSON returns JSON text with every character that is not visible, nor white space between values, as an escape. Its
// values stay the same.
func JSON(text []byte) []byte {
	if plainJSON(text) {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r < utf8.RuneSelf && r != 0x7f, Visible(r):
			out = append(out, text[:size]...)
		case r > 0xffff:
			r -= 0x10000
			out = appendEscape(appendEscape(out, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			out = appendEscape(out, r)
		}
		text = text[size:]
	}
	return out
}

func plainJSON(text []byte) bool {
	for _, c := range text {
		if c >= 0x7f {
			return false
		}
	}
	return true
}

func appendEscape(out []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
