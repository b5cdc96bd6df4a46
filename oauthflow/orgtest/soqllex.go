package orgtest

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// lexeme is a word of a query: a name, a literal or a mark.
type lexeme struct {
	kind lexemeKind
	text string // as it stands in the query; of a string what is between the quotes
	at   int    // in bytes
}

type lexemeKind int

const (
	endLexeme lexemeKind = iota
	nameLexeme
	stringLexeme
	numberLexeme
	dateLexeme
	dateTimeLexeme
	markLexeme
)

// is compares a name or a mark; names ignore case. Source: docs, SOQL and SOSL reference.
func (l lexeme) is(words ...string) bool {
	for _, w := range words {
		if (l.kind == nameLexeme || l.kind == markLexeme) && strings.EqualFold(l.text, w) {
			return true
		}
	}
	return false
}

// shapes of what stands in a query, tried in this order. Source: docs, SOQL reference: date formats, quoted string escape sequences;
// that a number has no exponent is assumed.
var shapes = []struct {
	kind lexemeKind
	form *regexp.Regexp
}{
	{dateTimeLexeme, regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)`)},
	{dateLexeme, regexp.MustCompile(`^\d{4}-\d\d-\d\d`)},
	{numberLexeme, regexp.MustCompile(`^[+-]?\d+(\.\d+)?`)},
	{nameLexeme, regexp.MustCompile(`^[A-Za-z]\w*`)},
	{stringLexeme, regexp.MustCompile(`^'(?:[^'\\]|\\(?s:.))*'`)},
	{markLexeme, regexp.MustCompile(`^(<=|>=|!=|<>|(?s:.))`)},
}

// lex cuts a query into its words. A string that is not closed ends the query.
func lex(query string) []lexeme {
	var out []lexeme
	for at := 0; at < len(query); {
		if strings.ContainsRune(" \t\r\n\f", rune(query[at])) {
			at++
			continue
		}
		for _, s := range shapes {
			text := s.form.FindString(query[at:])
			if text == "" {
				continue
			}
			l := lexeme{kind: s.kind, text: text, at: at}
			if s.kind == stringLexeme {
				l.text = text[1 : len(text)-1]
			}
			if text == "'" { // of a string without an end
				at = len(query)
				break
			}
			out = append(out, l)
			at += len(text)
			break
		}
	}
	return append(out, lexeme{kind: endLexeme, text: "<EOF>", at: len(query)})
}

// literal is a value that a condition compares with.
type literal struct {
	kind   valueKind
	text   string // of a string as it is written
	number float64
	time   time.Time
	truth  bool
}

// valueKind is the type of a value or of a column.
type valueKind string

const (
	anyValue      valueKind = "" // null, or a column that never had another value
	textValue     valueKind = "string"
	numberValue   valueKind = "double"
	booleanValue  valueKind = "boolean"
	dateValue     valueKind = "date"
	dateTimeValue valueKind = "dateTime"
	relationship  valueKind = "relationship"
)

// dateForms are how a date and a time are written; Salesforce answers with the second.
var dateForms = map[valueKind][]string{
	dateValue:     {"2006-01-02"},
	dateTimeValue: {time.RFC3339Nano, salesforceTime, "2006-01-02T15:04:05.999999999Z0700"},
}

const salesforceTime = "2006-01-02T15:04:05.000-0700"

// readTime reads a date or a time, false where it is none.
func readTime(kind valueKind, text string) (time.Time, bool) {
	for _, form := range dateForms[kind] {
		if t, err := time.Parse(form, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// value reads the literal of a lexeme, false where it is none.
func (l lexeme) value() (v literal, ok bool) {
	switch {
	case l.kind == stringLexeme:
		return literal{kind: textValue, text: l.text}, true
	case l.kind == numberLexeme:
		n, err := strconv.ParseFloat(l.text, 64)
		return literal{kind: numberValue, number: n}, err == nil
	case l.kind == dateLexeme:
		t, ok := readTime(dateValue, l.text)
		return literal{kind: dateValue, time: t}, ok
	case l.kind == dateTimeLexeme:
		t, ok := readTime(dateTimeValue, l.text)
		return literal{kind: dateTimeValue, time: t}, ok
	case l.is("true", "false"):
		return literal{kind: booleanValue, truth: l.is("true")}, true
	case l.is("null"):
		return literal{}, true
	}
	return literal{}, false
}

// escapes of a quoted string. Source: docs, SOQL reference, quoted string escape sequences.
var escapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", 'b': "\b", 'f': "\f", '"': `"`, '\'': "'", '\\': `\`}

// plainText reads a string, patternText a pattern of LIKE, where a backslash before one of three characters stays. bad is the
// first sequence that means nothing.
func plainText(raw string) (text, bad string)   { return unquote(raw, "") }
func patternText(raw string) (text, bad string) { return unquote(raw, `\_%`) }

func unquote(raw, kept string) (text, bad string) {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			b.WriteByte(raw[i])
			continue
		}
		i++ // the form of a string lets none end in a backslash
		plain, known := escapes[raw[i]]
		switch code, err := strconv.ParseUint(raw[i+1:min(i+5, len(raw))], 16, 16); {
		case strings.IndexByte(kept, raw[i]) >= 0:
			b.WriteString(raw[i-1 : i+1])
		case known:
			b.WriteString(plain)
		case raw[i] == 'u' && len(raw) > i+4 && err == nil:
			b.WriteRune(rune(code))
			i += 4
		default:
			r, _ := utf8.DecodeRuneInString(raw[i:])
			return "", `\` + string(r)
		}
	}
	return b.String(), ""
}

// likePattern makes a regular expression of a pattern, which ignores case: % stands for any characters, _ for one. Source: docs, SOQL reference,
// comparison operators.
func likePattern(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?is)^")
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			b.WriteString(regexp.QuoteMeta(string(r)))
			escaped = false
		case r == '\\':
			escaped = true
		case r == '%':
			b.WriteString(".*")
		case r == '_':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile(b.String() + "$")
}
