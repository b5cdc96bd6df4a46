package sqlstore

import "strings"

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

func (s *Store) insertion(id key, due int64, data []byte) *statement {
	if s.writable != "" {
		return s.grammar.sql(s.grammar.insert, " ", s.table, " (id, version, due, data) SELECT ",
			id, ", 1, ", due, ", ", data, " FROM DUAL WHERE ", s.writable)
	}
	return s.grammar.sql(s.grammar.insert, " ", s.table, " (id, version, due, data) VALUES (",
		id, ", 1, ", due, ", ", data, ") ", s.grammar.otherwise)
}

// update changes every row that it finds, at least by the version: MySQL counts those that are changed.
func (s *Store) update(id key, version int64, due int64, data []byte) *statement {
	return s.grammar.sql("UPDATE ", s.table, " SET version = ", version+1, ", due = ", due, ", data = ", data,
		" WHERE id = ", id, " AND version = ", version, s.ifWritable())
}

func (s *Store) deletion(id key, version int64) *statement {
	return s.grammar.sql("DELETE FROM ", s.table, " WHERE id = ", id, " AND version = ", version, s.ifWritable())
}

// ifWritable ends the condition of a write.
func (s *Store) ifWritable() string {
	if s.writable == "" {
		return ""
	}
	return " AND " + s.writable
}

// selection selects one row, of which all but the timeline is NULL where there is no record.
func (s *Store) selection(id key) *statement {
	return s.grammar.sql("SELECT r.id, r.version, r.due, r.data, s.timeline FROM (SELECT ", s.timeline, " AS timeline) AS s LEFT JOIN ",
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
	st := g.sql("SELECT id, version, due, data, (SELECT COUNT(*) FROM (SELECT id FROM ", s.table)
	s.within(st, prefix)
	g.add(st, " LIMIT ", countLimit, ") AS counted) FROM ", s.table)
	s.within(st, prefix)
	g.add(st, " ORDER BY id LIMIT ", limit)
	return st
}

// page selects the next records in order of due and id along the index of that order: no planner may take the comparison
// of the prefix for a reason to go by id, or believe that it leaves so little that it may as well read and sort all, as
// PostgreSQL does of an equality that it knows nothing about.
func (s *Store) page(prefix string, before int64, after spot) *statement {
	st := s.grammar.sql("SELECT id, version, due, data FROM ", s.table, " WHERE TRUE")
	if prefix != "" {
		s.grammar.add(st, " AND CASE WHEN SUBSTR(id, 1, ", int64(len(prefix)), ") = ", key(prefix), " THEN TRUE ELSE FALSE END")
	}
	s.inOrder(st, "due", before, after)
	return st
}

// pageByID selects the same, but looks at all records of the prefix and at no others: no planner may take the order of an
// index on a sum.
func (s *Store) pageByID(prefix string, before int64, after spot) *statement {
	st := s.grammar.sql("SELECT id, version, due, data FROM ", s.table)
	s.within(st, prefix)
	s.inOrder(st, "due + 0", before, after)
	return st
}

// inOrder ends the statement of a page. The row after which it goes on is compared in two steps because MySQL finds no
// range in a comparison of rows.
func (s *Store) inOrder(st *statement, due string, before int64, after spot) {
	g := s.grammar
	g.add(st, " AND ", due, " < ", before)
	if after.id != "" {
		g.add(st, " AND ", due, " >= ", after.due, " AND (", due, " > ", after.due, " OR id > ", key(after.id), ")")
	}
	g.add(st, " ORDER BY ", due, ", id LIMIT ", int64(pageSize))
}
