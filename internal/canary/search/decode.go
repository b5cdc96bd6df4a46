package search

import (
	"encoding/base64"
	"encoding/hex"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// escapers is how many of the decoders, the first ones, undo escapes within a text.
const escapers = 3

// decoders undo an encoding wherever in a text it may stand.
var decoders = []struct {
	name   string
	decode func(string) []string
}{
	{"a URL", func(s string) []string { return whole(s, "%", percents) }},
	{"JSON or Go", func(s string) []string { return whole(s, `\`, escapes) }},
	{"HTML", func(s string) []string { return whole(s, "&", html.UnescapeString) }},
	{"hex", hexes},
	{"bytes", bytes},
	{"base64", base64s},
}

// Unescaped returns text, and what it is when the escapes of URLs, JSON, Go and HTML in it are undone, one after the other.
func Unescaped(text string) []string {
	forms := []string{text}
	for depth, last := 0, forms; depth < deepest; depth++ {
		var next []string
		for _, s := range last {
			for _, d := range decoders[:escapers] {
				if plain := d.decode(s); len(plain) > 0 && plain[0] != s {
					next = append(next, plain[0])
				}
			}
		}
		forms, last = append(forms, next...), next
	}
	return forms
}

func whole(s, mark string, decode func(string) string) []string {
	if !strings.Contains(s, mark) {
		return nil
	}
	return []string{decode(s)}
}

var percent = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

// percents decodes %41 and leaves other percent signs alone.
func percents(s string) string {
	return percent.ReplaceAllStringFunc(s, func(e string) string { return number(e[1:], 16) })
}

var escape = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|.)`)

// escapes decodes the escapes of JSON, JavaScript and Go.
func escapes(s string) string {
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		switch {
		case len(e) == 2 && strings.Contains("abfnrtv", e[1:]):
			return " "
		case len(e) == 2:
			return e[1:]
		case e[1] == 'u':
			r, _ := strconv.ParseUint(e[2:], 16, 32)
			return string(rune(r))
		case e[1] == 'x':
			return number(e[2:], 16)
		}
		return number(e[1:], 8)
	})
}

func number(digits string, base int) string {
	n, err := strconv.ParseUint(digits, base, 8)
	if err != nil {
		return digits
	}
	return string([]byte{byte(n)})
}

var (
	hexRun    = regexp.MustCompile(`(?:0x)?[0-9a-fA-F]{2}(?:[ ,:]{0,2}(?:0x|\\x)?[0-9a-fA-F]{2}){11,}[0-9a-fA-F]?`)
	notHex    = regexp.MustCompile(`0x|\\x|[ ,:]`)
	byteRun   = regexp.MustCompile(`\d{1,3}(?:[ ,]{1,2}\d{1,3}){11,}`)
	notByte   = regexp.MustCompile(`[ ,]+`)
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{20,}`)
)

// hexes decodes what %x, % x, %#v and dumps write.
func hexes(s string) (out []string) {
	for _, run := range hexRun.FindAllString(s, -1) {
		run = notHex.ReplaceAllString(run, "")
		for phase := range 2 {
			even := run[phase : phase+(len(run)-phase)/2*2]
			if decoded, err := hex.DecodeString(even); err == nil {
				out = append(out, string(decoded))
			}
		}
	}
	return out
}

// bytes decodes a list of bytes in decimals, as %v and %d write it.
func bytes(s string) (out []string) {
	for _, run := range byteRun.FindAllString(s, -1) {
		var b strings.Builder
		for _, n := range notByte.Split(run, -1) {
			b.WriteString(number(n, 10))
		}
		out = append(out, b.String())
	}
	return out
}

// base64s decodes both alphabets.
func base64s(s string) (out []string) {
	for _, run := range base64Run.FindAllString(s, -1) {
		run = strings.NewReplacer("-", "+", "_", "/").Replace(run)
		for phase := range 4 { // the run may begin before the encoding does
			rest := run[phase:]
			if len(rest)%4 == 1 {
				rest = rest[:len(rest)-1]
			}
			if decoded, err := base64.RawStdEncoding.DecodeString(rest); err == nil {
				out = append(out, string(decoded))
			}
		}
	}
	return out
}
