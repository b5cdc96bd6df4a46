package sqlstore

import (
	"fmt"
	"strings"
)

// A statement is SQL with its arguments, where the dialect has them apart.
type statement struct {
	text strings.Builder
	args []any
}

// bind adds an argument and returns its number, from 1.
func (s *statement) bind(v any) int {
	s.args = append(s.args, v)
	return len(s.args)
}

// sql builds a statement from text, in which values stand between pieces of SQL: each string is SQL, everything else
// a value.
func (g *grammar) sql(parts ...any) *statement {
	s := &statement{}
	g.add(s, parts...)
	return s
}

func (g *grammar) add(s *statement, parts ...any) {
	for _, part := range parts {
		switch v := part.(type) {
		case string:
			s.text.WriteString(v)
		case key:
			g.value(s, string(v))
		default:
			g.value(s, v)
		}
	}
}

// A key is an id as a value, or the beginning or end of a range of ids.
type key string

func (s *Store) insertion(id key, due int64, data []byte, timeline string) *statement {
	if s.writable != "" {
		return s.grammar.sql(s.grammar.insert, " ", s.table, " (id, version, due, data) SELECT ",
			id, ", 1, ", due, ", ", data, " FROM DUAL WHERE ", s.writable)
	}
	if s.compares(timeline) {
		st := s.grammar.sql(s.grammar.insert, " ", s.table, " (id, version, due, data) SELECT CAST(",
			id, " AS text), 1, CAST(", due, " AS bigint), CAST(", data, " AS bytea) WHERE TRUE")
		s.inHistory(st, timeline)
		s.grammar.add(st, " ", s.grammar.otherwise)
		return st
	}
	return s.grammar.sql(s.grammar.insert, " ", s.table, " (id, version, due, data) VALUES (",
		id, ", 1, ", due, ", ", data, ") ", s.grammar.otherwise)
}

// update changes every row that it finds, at least by the version: MySQL counts those that are changed.
func (s *Store) update(id key, version int64, due int64, data []byte, timeline string) *statement {
	st := s.grammar.sql("UPDATE ", s.table, " SET version = ", version+1, ", due = ", due, ", data = ", data,
		" WHERE id = ", id, " AND version = ", version, s.ifWritable())
	s.inHistory(st, timeline)
	return st
}

func (s *Store) deletion(id key, version int64, timeline string) *statement {
	st := s.grammar.sql("DELETE FROM ", s.table, " WHERE id = ", id, " AND version = ", version, s.ifWritable())
	s.inHistory(st, timeline)
	return st
}

// inHistory adds to the condition of a write that the server is still in the history in which the caller decided. The
// write and the question are one statement: a promotion between two would go unseen.
func (s *Store) inHistory(st *statement, timeline string) {
	if s.compares(timeline) {
		s.grammar.add(st, " AND ", s.timeline, " = ", key(timeline))
	}
}

// compares reports whether a write with the given timeline asks for the server's.
func (s *Store) compares(timeline string) bool { return timeline != "" && s.timeline != noTimeline }

// noTimeline is the expression of the timeline where there is none.
const noTimeline = "''"

// ifWritable ends the condition of a write.
func (s *Store) ifWritable() string {
	if s.writable == "" {
		return ""
	}
	return " AND " + s.writable
}

// data returns the expression of a column with data.
func (s *Store) data(column string) string { return fmt.Sprintf(s.grammar.data, column) }

// andVisible ends a condition so that the statement fails when rows are hidden from who asks, rather than to find none. It is
// evaluated once, also where there is no row; [hiddenRows] is how it fails.
func (s *Store) andVisible() string {
	if s.hides == "" {
		return ""
	}
	return " AND 1 / CASE WHEN " + s.hides + " THEN 0 ELSE 1 END = 1"
}

// where is andVisible as a condition of its own.
func (s *Store) where() string {
	if s.hides == "" {
		return ""
	}
	return " WHERE TRUE" + s.andVisible()
}

// selection selects one row, of which all but the timeline is NULL where there is no record.
func (s *Store) selection(id key) *statement {
	return s.grammar.sql("SELECT r.id, r.version, r.due, ", s.data("r.data"), ", s.timeline FROM (SELECT ", s.timeline, " AS timeline", s.where(), ") AS s LEFT JOIN ",
		s.table, " AS r ON r.id = ", id)
}

// within adds the condition that an id has the prefix, as a range.
func (s *Store) within(st *statement, prefix string) {
	// Every byte of an id is below the one that ends this range.
	s.grammar.add(st, " WHERE id >= ", key(prefix), " AND id < ", key(prefix+"\x7f"))
}

// first selects the first records of a prefix by id, each with the number of records that have it, as far as it goes.
func (s *Store) first(prefix string, limit, countLimit int64) *statement {
	g := s.grammar
	st := g.sql("SELECT id, version, due, ", s.data("data"), ", (SELECT COUNT(*) FROM (SELECT id FROM ", s.table)
	s.within(st, prefix)
	g.add(st, " LIMIT ", countLimit, ") AS counted) FROM ", s.table)
	s.within(st, prefix)
	g.add(st, s.andVisible(), " ORDER BY id LIMIT ", limit)
	return st
}

// page selects the next records in order of due and id along the index of that order: no planner may take the comparison
// of the prefix for a reason to go by id, or believe that it leaves so little that it may as well read and sort all, as
// PostgreSQL does of an equality that it knows nothing about.
func (s *Store) page(prefix string, last int64, after spot) *statement {
	st := s.grammar.sql("SELECT id, version, due, ", s.data("data"), " FROM ", s.table, " WHERE TRUE")
	if prefix != "" {
		s.grammar.add(st, " AND CASE WHEN SUBSTR(id, 1, ", int64(len(prefix)), ") = ", key(prefix), " THEN TRUE ELSE FALSE END")
	}
	s.inOrder(st, "due", last, after)
	return st
}

// pageByID selects the same, but looks at all records of the prefix and at no others: no planner may take the order of an
// index on a sum.
func (s *Store) pageByID(prefix string, last int64, after spot) *statement {
	st := s.grammar.sql("SELECT id, version, due, ", s.data("data"), " FROM ", s.table)
	s.within(st, prefix)
	s.inOrder(st, "due + 0", last, after)
	return st
}

// inOrder ends the statement of a page with its place in the order of due and id. A page begins in the index where the one before
// has ended, also among records that are due at once: else each page would read all of these again.
func (s *Store) inOrder(st *statement, due string, last int64, after spot) {
	g := s.grammar
	g.add(st, s.andVisible(), " AND ")
	switch {
	case after.id == "":
		g.add(st, due, " <= ", last)
	case g.ranges:
		g.add(st, "(", due, " = ", after.due, " AND id > ", key(after.id), " OR ", due, " > ", after.due, " AND ", due, " <= ", last, ")")
	default:
		g.add(st, due, " <= ", last, " AND (", due, ", id) > (", after.due, ", ", key(after.id), ")")
	}
	g.add(st, " ORDER BY ", due, ", id LIMIT ", int64(pageSize))
}
