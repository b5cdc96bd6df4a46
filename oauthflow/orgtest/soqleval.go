package orgtest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// selected is a path that was found among the columns of an object.
type selected struct {
	keys   []string // lower case
	column *column
	names  []string // as the org writes them
}

// find looks a path up. The first name may be the object's own. Source: docs, REST API error codes, INVALID_FIELD; the texts as
// reported in many public issues, without the advice that follows them.
func (t *table) find(path fieldPath) (selected, *soqlError) {
	if len(path) == 0 { // refused already
		return selected{column: &column{}}, nil
	}
	var f selected
	columns, entity := t.columns, t.name
	if len(path) > 1 && path[0].is(t.name) && columns.list[strings.ToLower(path[0].text)] == nil {
		path = path[1:]
	}
	for i, l := range path {
		col, last := columns.list[strings.ToLower(l.text)], i == len(path)-1
		if last && (col == nil || col.kind == relationship) {
			return f, &soqlError{"INVALID_FIELD", "No such column '" + l.text + "' on entity '" + entity + "'.", path[0].at}
		}
		if !last && (col == nil || col.kind != relationship) {
			return f, &soqlError{"INVALID_FIELD", "Didn't understand relationship '" + l.text + "' in field path.", path[0].at}
		}
		f.keys, f.names, f.column = append(f.keys, strings.ToLower(l.text)), append(f.names, col.name), col
		columns, entity = col.below, col.name
	}
	return f, nil
}

// of is the field's value in a record, nil if a relationship on the way is empty. Source: docs, SOQL reference, relationship queries.
func (f selected) of(row map[string]any) any {
	for _, k := range f.keys[:len(f.keys)-1] {
		row, _ = row[k].(map[string]any)
	}
	return row[f.keys[len(f.keys)-1]]
}

// test is a condition that can be tried on a record.
type test func(row map[string]any) bool

// test checks a condition against the columns. Source: docs, SOQL reference, condition expressions.
func (t *table) test(c *clause) (test, *soqlError) {
	if c == nil {
		return func(map[string]any) bool { return true }, nil
	}
	if c.word == "" {
		return t.comparison(c)
	}
	var parts []test
	for _, p := range c.parts {
		one, err := t.test(p)
		if err != nil {
			return nil, err
		}
		parts = append(parts, one)
	}
	return func(row map[string]any) bool {
		holds := func(one test) bool { return one(row) }
		switch c.word {
		case "AND":
			return !slices.ContainsFunc(parts, func(one test) bool { return !one(row) })
		case "OR":
			return slices.ContainsFunc(parts, holds)
		}
		return !parts[0](row)
	}, nil
}

// comparison checks the types of a comparison. Source: docs, SOQL reference, comparison operators, and REST API error codes; the texts
// as reported; which operators a type refuses is assumed.
func (t *table) comparison(c *clause) (test, *soqlError) {
	f, err := t.find(c.field)
	if err != nil {
		return nil, err
	}
	kind := f.column.kind
	ranged := slices.Contains([]string{"<", ">", "<=", ">="}, c.sign)
	for _, v := range c.values {
		switch {
		case v.kind == anyValue && (ranged || c.sign == "LIKE"), ranged && kind == booleanValue,
			c.sign == "LIKE" && kind != textValue && kind != anyValue:
			return nil, &soqlError{"INVALID_QUERY_FILTER_OPERATOR", "invalid operator on " + cmp.Or(string(kind), "null") + " field", c.field[0].at}
		case v.kind == anyValue || kind == anyValue || v.kind == kind:
		case kind == textValue:
			return nil, &soqlError{"INVALID_FIELD", fmt.Sprintf("value of filter criterion for field '%s' must be of type string and should be enclosed in quotes", f.column.name), c.field[0].at}
		default:
			return nil, &soqlError{"INVALID_FIELD", fmt.Sprintf("value of filter criterion for field '%s' must be of type %s and should not be enclosed in quotes", f.column.name, kind), c.field[0].at}
		}
	}
	among := func(row map[string]any) bool {
		return slices.ContainsFunc(c.values, func(v literal) bool { return f.equal(f.of(row), v) })
	}
	switch c.sign {
	case "=", "IN":
		return among, nil
	case "!=", "NOT IN":
		return func(row map[string]any) bool { return !among(row) }, nil
	case "LIKE":
		pattern := likePattern(c.values[0].text)
		return func(row map[string]any) bool {
			text, _ := f.of(row).(string)
			return pattern.MatchString(text)
		}, nil
	}
	return func(row map[string]any) bool {
		have := f.of(row)
		if have == nil {
			return false
		}
		n := compareValues(kind, have, c.values[0])
		return n == 0 && strings.HasSuffix(c.sign, "=") || n < 0 && c.sign[0] == '<' || n > 0 && c.sign[0] == '>'
	}, nil
}

// equal compares a value with a literal: texts ignore case, an empty text is null, an id has 15 or 18 characters. Source: docs,
// SOQL reference, comparison operators; docs, field types.
func (f selected) equal(have any, v literal) bool {
	null := have == nil || have == ""
	if v.kind == anyValue || v.kind == textValue && v.text == "" || null {
		return null && (v.kind == anyValue || v.kind == textValue && v.text == "")
	}
	if id, _ := have.(string); strings.HasSuffix(f.keys[len(f.keys)-1], "id") && recordID.MatchString(id) && recordID.MatchString(v.text) {
		return sameID(v.text, fullID(id))
	}
	return compareValues(v.kind, have, v) == 0
}

// compareValues orders a value, which is not null, and a literal of the same type.
func compareValues(kind valueKind, have any, v literal) int {
	switch have := have.(type) {
	case json.Number:
		n, _ := have.Float64()
		return cmp.Compare(n, v.number)
	case bool:
		switch {
		case have == v.truth:
			return 0
		case v.truth:
			return -1
		}
		return 1
	case string:
		if t, ok := readTime(kind, have); ok {
			return t.Compare(v.time)
		}
		return strings.Compare(strings.ToLower(have), strings.ToLower(v.text))
	}
	return 1
}

// arrange sorts rows, which are in the order of SetRecords before. Source: docs, SOQL reference, ORDER BY; that texts sort by
// their lower-case characters, whatever the locale, and false before true, is assumed.
func (t *table) arrange(rows []map[string]any, order []ordering) *soqlError {
	var fields []selected
	for _, o := range order {
		f, err := t.find(o.field)
		if err != nil {
			return err
		}
		fields = append(fields, f)
	}
	slices.SortStableFunc(rows, func(a, b map[string]any) int {
		for i, o := range order {
			x, y := fields[i].of(a), fields[i].of(b)
			n := 0
			switch {
			case x == nil && y == nil:
			case x == nil || y == nil:
				if n = 1; (x == nil) != o.nullsLast {
					n = -1
				}
			case o.descending:
				n = compareValues(fields[i].column.kind, y, literalOf(fields[i].column.kind, x))
			default:
				n = compareValues(fields[i].column.kind, x, literalOf(fields[i].column.kind, y))
			}
			if n != 0 {
				return n
			}
		}
		return 0
	})
	return nil
}

// literalOf is a value as a query would write it.
func literalOf(kind valueKind, value any) literal {
	v := literal{kind: kind}
	switch value := value.(type) {
	case json.Number:
		v.number, _ = value.Float64()
	case bool:
		v.truth = value
	case string:
		v.text = value
		v.time, _ = readTime(kind, value)
	}
	return v
}
