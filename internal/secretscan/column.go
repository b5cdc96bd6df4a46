package secretscan

import "strings"

// eachCell calls found for each cell of a table that stands in a column with the name of a secret, until it returns false. The
// cells of a table are separated by "|", tabs, semicolons or commas.
func eachCell(text string, found func(named) bool) {
	var head row
	for at := 0; at < len(text); {
		end := len(text)
		if i := strings.IndexByte(text[at:], '\n'); i >= 0 {
			end = at + i
		}
		line := text[at:end]
		switch {
		case head.separator != 0 && strings.Count(line, string(head.separator)) == head.count:
			if !head.judge(line, at, found) {
				return
			}
		default:
			head = headOf(line)
		}
		at = end + 1
	}
}

// row is the first row of a table.
type row struct {
	separator byte
	count     int   // of separators
	columns   []int // those of secrets
}

func headOf(line string) row {
	for _, separator := range []byte("|\t;,") {
		count := strings.Count(line, string(separator))
		if count == 0 {
			continue
		}
		head := row{separator: separator, count: count}
		column := 0
		for cell := range strings.SplitSeq(line, string(separator)) {
			if len(cell) < maxName && NamesInWords(strings.Trim(cell, " \t\r\"'`*_")) {
				head.columns = append(head.columns, column)
			}
			column++
		}
		if len(head.columns) > 0 {
			return head
		}
	}
	return row{}
}

func (r row) judge(line string, at int, found func(named) bool) bool {
	column, next := 0, 0
	for cell := range strings.SplitSeq(line, string(r.separator)) {
		if next < len(r.columns) && r.columns[next] == column {
			next++
			from := at + len(cell) - len(strings.TrimLeft(cell, " \t\"'`*"))
			value := strings.Trim(cell, " \t\r\"'`*")
			n := named{sign: assigned, need: opaque, degree: degreeOf(value[:min(len(value), maxLook)]), from: from, to: from + len(value)}
			if value != "" && !found(n) {
				return false
			}
		}
		at += len(cell) + 1
		column++
	}
	return true
}
