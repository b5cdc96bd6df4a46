package orgtest

import (
	"regexp"
	"strings"
)

// condition reads one of: NOT x; x AND y AND …; x OR y OR ….
func (r *soqlReader) condition() *clause {
	if r.take("NOT") {
		return &clause{word: "NOT", parts: []*clause{r.simple()}}
	}
	first := r.simple()
	word := strings.ToUpper(r.words[0].text)
	if word != "AND" && word != "OR" || r.words[0].kind != nameLexeme {
		return first
	}
	all := &clause{word: word, parts: []*clause{first}}
	for r.take(word) {
		all.parts = append(all.parts, r.simple())
	}
	return all
}

// simple reads a comparison, or a condition in parentheses.
func (r *soqlReader) simple() *clause {
	if r.take("(") {
		inner := r.condition()
		r.expect(")")
		return inner
	}
	c := &clause{field: r.path()}
	sign := r.words[0]
	switch {
	case sign.is("=", "!=", "<>", "<", ">", "<=", ">=", "LIKE"):
		r.next()
		if c.sign = strings.ToUpper(sign.text); c.sign == "<>" {
			c.sign = "!="
		}
		read := plainText
		if c.sign == "LIKE" {
			read = patternText
		}
		c.values = append(c.values, r.value(read))
	case sign.is("IN"), sign.is("NOT") && r.words[1].is("IN"):
		c.sign = "IN"
		if r.take("NOT") {
			c.sign = "NOT IN"
		}
		r.next()
		r.members(c)
	case sign.is("INCLUDES", "EXCLUDES"):
		r.unread(strings.ToUpper(sign.text), sign.at)
	default:
		r.unexpected()
	}
	return c
}

// members reads the list after IN.
func (r *soqlReader) members(c *clause) {
	if r.words[0].is(":") {
		r.value(plainText)
		return
	}
	r.expect("(")
	if l := r.words[0]; l.is("SELECT") {
		r.unread("a subquery", l.at)
	}
	for {
		c.values = append(c.values, r.value(plainText))
		if !r.take(",") {
			break
		}
	}
	r.expect(")")
}

var (
	dateWord     = regexp.MustCompile(`(?i)^(TODAY|YESTERDAY|TOMORROW|(LAST|THIS|NEXT)_(WEEK|MONTH|(FISCAL_)?(QUARTER|YEAR)|90_DAYS)|(LAST|NEXT)_N_\w+|N_\w+_AGO)$`)
	currencyWord = regexp.MustCompile(`^[A-Z]{3}\d+$`)
)

// value reads a literal. Source: docs, SOQL reference: date literals, currency; the text about a bind variable is Apex's, reported.
func (r *soqlReader) value(read func(raw string) (text, bad string)) literal {
	l := r.words[0]
	v, ok := l.value()
	switch {
	case ok && v.kind == textValue:
		text, bad := read(v.text)
		if bad != "" {
			r.fail(&soqlError{malformed, "Invalid string literal '" + v.text + "'. Illegal character sequence '" + bad + "' in string literal.", l.at})
		}
		v.text = text
	case ok:
	case l.is(":"):
		r.fail(&soqlError{malformed, "Bind variables only allowed in Apex code", l.at})
	case l.kind == nameLexeme && dateWord.MatchString(l.text):
		r.unread("the date literal "+strings.ToUpper(l.text), l.at)
	case l.kind == nameLexeme && currencyWord.MatchString(l.text):
		r.unread("the currency literal "+l.text, l.at)
	default:
		r.unexpected()
	}
	r.next()
	return v
}
