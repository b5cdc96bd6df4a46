package orgtest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// found is the result of a query, kept for the pages that are asked for later.
type found struct {
	user     *person
	resource string // "query" or "tooling/query"
	records  []map[string]any
	size     int // of a page
}

var batchSize = regexp.MustCompile(`(?i)(?:^|[,;\s])batchSize\s*=\s*(\d+)`)

// pageSize is how many records a page has: 2,000, or what the request asks for from 200 to 2,000. Source: docs, REST API, query
// options header; that a number beyond is taken for the nearest is assumed.
func pageSize(in *request, otherwise int) int {
	m := batchSize.FindStringSubmatch(in.Header.Get("Sforce-Query-Options"))
	if m == nil {
		return otherwise
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		n = 2000
	}
	return min(max(n, 200), 2000)
}

// query answers SOQL, see soqlReader for how much of it. Source: docs, REST API, query and query more results; docs, Tooling API; docs, REST API
// error codes; that a cursor is the caller's own, and the text about one that is not, are assumed.
func (o *Org) query(in *request, s *session, version int, resource, locator string) answer {
	if in.Method != http.MethodGet {
		return methodNotAllowed(in.Method, "GET")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if locator != "" {
		id, offset, _ := strings.Cut(locator, "-")
		f, n := o.results[id], 0
		if at, err := strconv.Atoi(offset); err == nil {
			n = at
		}
		if f == nil || f.user != s.user || f.resource != resource || n <= 0 || n >= len(f.records) {
			return restError(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator")
		}
		return f.page(version, id, n, pageSize(in, f.size))
	}
	if in.query.Has("explain") {
		return unsimulatedREST("explain of a query")
	}
	text := in.query.Get("q")
	sel, e := readSOQL(text)
	if e == nil {
		var t *table
		if t, e = o.tableOf(resource, sel.object); e == nil {
			var records []map[string]any
			var fields []selected
			records, fields, e = t.run(sel, version, resource)
			switch {
			case e != nil:
			case in.query.Get("columns") == "true":
				return columnAnswer(t, fields)
			case sel.count:
				return jsonAnswer(http.StatusOK, map[string]any{"totalSize": len(records), "done": true, "records": []any{}})
			default:
				f := &found{user: s.user, resource: resource, records: records, size: pageSize(in, 2000)}
				id := ""
				if len(records) > f.size {
					id = o.newID("01g")
					o.results[id] = f
				}
				return f.page(version, id, 0, f.size)
			}
		}
	}
	return restError(http.StatusBadRequest, e.code, e.message(text))
}

// page is a part of a result. Source: docs, REST API, query more results.
func (f *found) page(version int, id string, from, size int) answer {
	to := min(from+size, len(f.records))
	body := map[string]any{"totalSize": len(f.records), "done": to == len(f.records), "records": f.records[from:to]}
	if to < len(f.records) {
		body["nextRecordsUrl"] = fmt.Sprintf("/services/data/v%d.0/%s/%s-%d", version, f.resource, id, to)
	}
	return jsonAnswer(http.StatusOK, body)
}

// columnAnswer is what the sf CLI reads of a query with columns=true (captured); it has more members.
func columnAnswer(t *table, fields []selected) answer {
	list := []map[string]any{}
	for _, f := range fields {
		name := strings.Join(f.names, ".")
		list = append(list, map[string]any{"columnName": name, "displayName": name, "aggregate": false, "joinColumns": []any{}})
	}
	return jsonAnswer(http.StatusOK, map[string]any{"columnMetadata": list, "entityName": t.name})
}

// tableOf finds the object of a query. Source: captured calls: sf looks for ScratchOrgInfo to see whether the org is a Dev Hub, and an
// ordinary org answers so; the text is reported, without the advice that follows it.
func (o *Org) tableOf(resource string, object lexeme) (*table, *soqlError) {
	all := o.records
	if resource == "tooling/query" {
		all = o.toolingRecords
	}
	if t := all.table(object.text); t != nil {
		return t, nil
	}
	return nil, &soqlError{"INVALID_TYPE", "sObject type '" + object.text + "' is not supported.", object.at}
}

// run carries a query out. Source: docs, SOQL reference, SELECT, LIMIT and OFFSET; that a field is refused twice is reported.
func (t *table) run(s selection, version int, resource string) (records []map[string]any, fields []selected, err *soqlError) {
	seen := map[string]bool{}
	for _, path := range s.fields {
		f, err := t.find(path)
		if err != nil {
			return nil, nil, err
		}
		key := strings.Join(f.keys, ".")
		if seen[key] {
			return nil, nil, &soqlError{malformed, "duplicate field selected: " + strings.Join(f.names, "."), path[0].at}
		}
		seen[key] = true
		fields = append(fields, f)
	}
	holds, err := t.test(s.where)
	if err != nil {
		return nil, nil, err
	}
	rows := slices.DeleteFunc(slices.Clone(t.rows), func(row map[string]any) bool { return !holds(row) })
	if err := t.arrange(rows, s.order); err != nil {
		return nil, nil, err
	}
	rows = rows[min(max(s.offset, 0), len(rows)):]
	if s.limit >= 0 {
		rows = rows[:min(s.limit, len(rows))]
	}
	records = []map[string]any{}
	for _, row := range rows {
		records = append(records, t.record(row, fields, version, resource))
	}
	return records, fields, nil
}

// record is a row as an answer has it. That the type of a record behind a relationship is the relationship's name is assumed; on a real
// org it is that of its object. Source: docs, REST API, query.
func (t *table) record(row map[string]any, fields []selected, version int, resource string) map[string]any {
	at := fmt.Sprintf("/services/data/v%d.0/%ssobjects/%s/%s", version, strings.TrimSuffix(resource, "query"), t.name, row["id"])
	out := map[string]any{"attributes": map[string]any{"type": t.name, "url": at}}
	for _, f := range fields {
		from, to := row, out
		for i, key := range f.keys {
			if i == len(f.keys)-1 {
				to[f.names[i]] = from[key]
				break
			}
			below, _ := from[key].(map[string]any)
			if below == nil {
				to[f.names[i]] = nil
				break
			}
			if to[f.names[i]] == nil {
				to[f.names[i]] = map[string]any{"attributes": map[string]any{"type": strings.TrimSuffix(f.names[i], "__r")}}
			}
			from, to = below, to[f.names[i]].(map[string]any)
		}
	}
	return out
}
