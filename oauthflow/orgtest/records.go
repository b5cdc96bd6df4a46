package orgtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// SetRecords makes records all that a query of an object finds, and sobjects/Object/id of a GET. A value is nil, a string, a
// boolean, a number, a [time.Time], or a map of the fields of a record that a relationship leads to: {"Profile": {"Name": …}}.
// A string like 2026-11-30 or 2026-11-30T08:00:00Z is a date or a time where every record has such a one. A record
// without Id gets one. Records are copied.
//
// The columns of an object are Id and each field that a record of this call or an earlier one has; names ignore case. So
// SetRecords without records leaves an object that is known and empty. The objects Account, Organization, User and
// ExternalClientApplication are there from the start; setting them changes queries only, not who may log in or which apps there are.
//
// The error names object, record and field: a name or a value that cannot be, two types in one column.
//
// Source: docs, REST API query and SOQL reference, for what a query makes of records.
func (o *Org) SetRecords(object string, records ...map[string]any) error {
	return o.setRecords("SetRecords", o.records, object, records)
}

// SetToolingRecords is [Org.SetRecords] for the Tooling API, whose query has objects of its own. None is there from the start.
//
// Source: docs, Tooling API, query resource.
func (o *Org) SetToolingRecords(object string, records ...map[string]any) error {
	return o.setRecords("SetToolingRecords", o.toolingRecords, object, records)
}

func (o *Org) setRecords(call string, all objects, object string, records []map[string]any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !fieldName.MatchString(object) {
		return fmt.Errorf("orgtest: %s: %q is no name of an object", call, object)
	}
	old := all.table(object)
	if old == nil {
		old = newTable(object)
	}
	t := &table{name: old.name, columns: old.columns.clone()}
	t.columns.forget()
	for i, r := range records {
		row, err := t.columns.row("", r)
		if err != nil {
			return fmt.Errorf("orgtest: %s: %s: record %d: %w", call, object, i, err)
		}
		if row["id"] == nil {
			row["id"] = o.newID(keyPrefix(object))
		} else if id, ok := row["id"].(string); !ok || !recordID.MatchString(id) {
			return fmt.Errorf("orgtest: %s: %s: record %d: the field Id has 15 or 18 letters and digits", call, object, i)
		} else {
			row["id"] = fullID(id)
		}
		t.rows = append(t.rows, row)
	}
	t.columns.settle(t.rows)
	t.columns.restore(old.columns)
	all.set[strings.ToLower(object)] = t
	return nil
}

// keyPrefix begins the ids of an object. Source: published lists of standard key prefixes; a0X stands for all others.
func keyPrefix(object string) string {
	known := map[string]string{"account": "001", "contact": "003", "user": "005", "opportunity": "006", "lead": "00Q", "case": "500"}
	if p := known[strings.ToLower(object)]; p != "" {
		return p
	}
	return "a0X"
}

// table is what a query sees of an object. Rows have lower-case names.
type table struct {
	name    string
	columns *columns
	rows    []map[string]any
}

func newTable(name string) *table {
	c := &columns{list: map[string]*column{}}
	c.list["id"] = &column{name: "Id", kind: textValue}
	return &table{name: name, columns: c}
}

// columns are the fields of an object, by lower-case name.
type columns struct{ list map[string]*column }

type column struct {
	name  string
	kind  valueKind
	below *columns // of a relationship
}

func (c *columns) clone() *columns {
	if c == nil {
		return nil
	}
	out := &columns{list: map[string]*column{}}
	for k, v := range c.list {
		out.list[k] = &column{v.name, v.kind, v.below.clone()}
	}
	return out
}

// forget drops the types of all columns, so that the next records decide them. restore returns the former type to each column
// that the next records left undecided.
func (c *columns) forget() {
	for _, v := range c.list {
		if v.kind != relationship {
			v.kind = anyValue
		} else {
			v.below.forget()
		}
	}
}

func (c *columns) restore(before *columns) {
	for k, v := range before.list {
		switch now := c.list[k]; {
		case now.kind == anyValue:
			now.kind, now.below = v.kind, v.below.clone()
		case now.kind == relationship && v.kind == relationship:
			now.below.restore(v.below)
		}
	}
}

var recordID = regexp.MustCompile(`^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$`)

// fullID is an id with 18 characters.
func fullID(id string) string {
	if len(id) == 15 {
		return id18(id)
	}
	return id
}

var fieldName = regexp.MustCompile(`^[A-Za-z](_?[A-Za-z0-9])*(__[A-Za-z0-9]+)*$`)

// row checks a record, notes its fields as columns, and copies it.
func (c *columns) row(path string, record map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(record)) {
		key, at := strings.ToLower(name), path+name
		if !fieldName.MatchString(name) {
			return nil, fmt.Errorf("%q is no name of a field", at)
		}
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("the field %s is there twice", at)
		}
		if c.list[key] == nil {
			c.list[key] = &column{name: name}
		}
		col := c.list[key]
		value, kind, err := plainValue(record[name])
		if err != nil {
			return nil, fmt.Errorf("the field %s: %w", at, err)
		}
		if kind == anyValue {
			out[key] = nil
			continue
		}
		if col.kind != anyValue && col.kind != kind {
			return nil, fmt.Errorf("the field %s is a %s here and a %s in another record", at, kind, col.kind)
		}
		col.kind, out[key] = kind, value
		if kind == relationship {
			if col.below == nil {
				col.below = &columns{list: map[string]*column{}}
			}
			if out[key], err = col.below.row(at+".", record[name].(map[string]any)); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// plainValue is a value as JSON has it, with its type.
func plainValue(value any) (any, valueKind, error) {
	switch v := value.(type) {
	case nil:
		return nil, anyValue, nil
	case string:
		return v, textValue, nil
	case bool:
		return v, booleanValue, nil
	case time.Time:
		return v.UTC().Format(salesforceTime), textValue, nil
	case map[string]any:
		return v, relationship, nil
	case int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, json.Number:
		n := json.Number(fmt.Sprint(v))
		if _, err := n.Float64(); err != nil {
			return nil, anyValue, err
		}
		return n, numberValue, nil
	}
	return nil, anyValue, fmt.Errorf("%T is none of nil, string, bool, number, time.Time and map[string]any", value)
}

// settle makes columns of dates and times of those whose every text is one.
func (c *columns) settle(rows []map[string]any) {
	for key, col := range c.list {
		var below []map[string]any
		all := map[valueKind]bool{dateValue: true, dateTimeValue: true}
		for _, row := range rows {
			switch v := row[key].(type) {
			case map[string]any:
				below = append(below, v)
			case string:
				for kind := range all {
					if _, ok := readTime(kind, v); !ok {
						delete(all, kind)
					}
				}
			}
		}
		if col.kind == relationship {
			col.below.settle(below)
		}
		for kind := range all {
			if col.kind == textValue && key != "id" {
				col.kind = kind
			}
		}
	}
}
