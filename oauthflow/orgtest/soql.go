package orgtest

import (
	"fmt"
	"strconv"
	"strings"
)

// selection is a query that was read.
type selection struct {
	count         bool // SELECT COUNT()
	fields        []fieldPath
	object        lexeme
	where         *clause
	order         []ordering
	limit, offset int // -1 for none
}

// fieldPath names a field, through relationships: Profile.Name.
type fieldPath []lexeme

func (p fieldPath) String() string {
	var names []string
	for _, l := range p {
		names = append(names, l.text)
	}
	return strings.Join(names, ".")
}

// clause is a condition: parts joined by AND or OR, one part under NOT, or a comparison.
type clause struct {
	word   string // "AND", "OR", "NOT" or "" for a comparison
	parts  []*clause
	field  fieldPath
	sign   string // "=", "!=", "<", ">", "<=", ">=", "LIKE", "IN", "NOT IN"
	values []literal
}

type ordering struct {
	field                 fieldPath
	descending, nullsLast bool
}

// soqlError is why a query cannot be answered. It begins at a place in the query, or at none if that is negative.
type soqlError struct {
	code, text string
	at         int
}

const malformed = "MALFORMED_QUERY"

// soqlReader goes through the words of a query. Source: docs, SOQL reference: SELECT syntax; condition expressions, by whose
// grammar AND and OR are not mixed without parentheses and NOT stands before one expression only.
type soqlReader struct {
	words []lexeme
	err   *soqlError
}

func (r *soqlReader) next() lexeme {
	l := r.words[0]
	if l.kind != endLexeme {
		r.words = r.words[1:]
	}
	return l
}

// take reads a word if it comes next.
func (r *soqlReader) take(words ...string) bool {
	if r.words[0].is(words...) {
		r.next()
		return true
	}
	return false
}

func (r *soqlReader) fail(e *soqlError) {
	if r.err == nil {
		r.err = e
	}
	r.words = r.words[len(r.words)-1:]
}

// unexpected refuses the word that comes next, in the words of reported errors (NebulaLogger#131).
func (r *soqlReader) unexpected() {
	l := r.words[0]
	r.fail(&soqlError{malformed, "unexpected token: '" + l.text + "'", l.at})
}

// unread refuses what is SOQL and is not simulated.
func (r *soqlReader) unread(what string, at int) {
	r.fail(&soqlError{malformed, notSimulated + what, at})
}

func (r *soqlReader) expect(word string) {
	if !r.take(word) {
		r.unexpected()
	}
}

// readSOQL reads a query. Source: see soqlReader; the refusal of an empty query is reported (Salesforce-Inspector-Advanced#284), the
// code and text of a large OFFSET are of the docs.
func readSOQL(query string) (selection, *soqlError) {
	s := selection{limit: -1, offset: -1}
	r := &soqlReader{words: lex(query)}
	if r.words[0].kind == endLexeme {
		return s, &soqlError{malformed, "SOQL statements cannot be empty or null", -1}
	}
	r.expect("SELECT")
	r.list(&s)
	r.expect("FROM")
	if s.object = r.words[0]; s.object.kind != nameLexeme {
		r.unexpected()
	}
	r.next()
	r.source()
	if r.take("WHERE") {
		s.where = r.condition()
	}
	switch l := r.words[0]; {
	case l.is("GROUP"):
		r.unread("GROUP BY", l.at)
	case l.is("WITH", "HAVING"):
		r.unread(strings.ToUpper(l.text), l.at)
	}
	if r.take("ORDER") {
		r.expect("BY")
		s.order = r.orderings()
	}
	if r.take("LIMIT") {
		s.limit = r.whole()
	}
	if r.take("OFFSET") {
		if s.offset = r.whole(); s.offset > 2000 {
			r.fail(&soqlError{"NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000", -1})
		}
	}
	switch at := r.words[0].at; {
	case r.take("FOR"), r.take("UPDATE"):
		r.unread("FOR", at)
	case r.take("ALL"):
		r.unread("ALL ROWS", at)
	case r.words[0].kind != endLexeme:
		r.unexpected()
	}
	return s, r.err
}

// list reads what stands between SELECT and FROM.
func (r *soqlReader) list(s *selection) {
	for {
		first := r.words[0]
		switch {
		case first.is("("):
			r.unread("a subquery", first.at)
		case first.is("TYPEOF") && r.words[1].kind == nameLexeme && !r.words[1].is("FROM"):
			r.unread("TYPEOF", first.at)
		case first.is("COUNT") && r.words[1].is("("):
			r.next()
			r.next()
			if !r.take(")") {
				r.unread("COUNT() of a field", first.at)
			}
			s.count = true
			return
		}
		s.fields = append(s.fields, r.path())
		if l := r.words[0]; l.kind == nameLexeme && !l.is("FROM") {
			r.fail(&soqlError{malformed, "only aggregate expressions use field aliasing", l.at})
		}
		if !r.take(",") {
			return
		}
	}
}

// path reads the name of a field.
func (r *soqlReader) path() fieldPath {
	var p fieldPath
	for {
		l := r.words[0]
		if l.kind != nameLexeme || len(p) == 0 && l.is("FROM", "NOT", "AND", "OR", "WHERE", "ORDER", "LIMIT") {
			r.unexpected()
			return p
		}
		r.next()
		p = append(p, l)
		if r.words[0].is("(") {
			r.unread("the function "+l.text, l.at)
		}
		if !r.take(".") {
			return p
		}
	}
}

// source refuses what may follow the object's name and is not simulated.
func (r *soqlReader) source() {
	switch l := r.words[0]; {
	case l.is(","):
		r.unread("more than one object", l.at)
	case l.is("USING"):
		r.unread("USING", l.at)
	case l.kind == nameLexeme && !l.is("WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "ALL"):
		r.unread("an alias of the object", l.at)
	}
}

// orderings reads what follows ORDER BY; nulls come first unless it says otherwise. Source: docs, SOQL reference, ORDER BY.
func (r *soqlReader) orderings() []ordering {
	var list []ordering
	for {
		o := ordering{field: r.path()}
		if r.take("DESC") {
			o.descending = true
		} else {
			r.take("ASC")
		}
		if r.take("NULLS") {
			o.nullsLast = r.words[0].is("LAST")
			if !r.take("FIRST", "LAST") {
				r.unexpected()
			}
		}
		list = append(list, o)
		if !r.take(",") {
			return list
		}
	}
}

// whole reads a number without sign or fraction.
func (r *soqlReader) whole() int {
	n, err := strconv.ParseUint(r.words[0].text, 10, 31)
	if r.words[0].kind != numberLexeme || err != nil {
		r.unexpected()
		return 0
	}
	r.next()
	return int(n)
}

// message tells the place of an error as Salesforce does: the line, a mark below it, row and column. Source: errors of SOSL and
// SOQL in public issues (restforce#688). What is not simulated says so first.
func (e *soqlError) message(query string) string {
	if e.at < 0 {
		return e.text
	}
	before := query[:e.at]
	row := strings.Count(before, "\n")
	column := len([]rune(before[strings.LastIndex(before, "\n")+1:]))
	if strings.HasPrefix(e.text, notSimulated) {
		return fmt.Sprintf("%s (row %d, column %d)", e.text, row+1, column+1)
	}
	line := strings.Split(query, "\n")[row]
	return fmt.Sprintf("\n%s\n%s^\nERROR at Row:%d:Column:%d\n%s", line, strings.Repeat(" ", column), row+1, column+1, e.text)
}
