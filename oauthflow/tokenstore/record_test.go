package tokenstore_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func TestARecordIsValidatedByItsRulesAndEachFieldAtFaultIsNamed(t *testing.T) {
	good := tokenstore.Record{ID: "connection/acme/main", Due: time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), Data: []byte("sealed")}
	change := func(f func(r *tokenstore.Record)) tokenstore.Record { r := good; f(&r); return r }
	for name, tt := range map[string]struct {
		r    tokenstore.Record
		want string // fields at fault
	}{
		"a good one":               {good, ""},
		"the longest id":           {change(func(r *tokenstore.Record) { r.ID = strings.Repeat("x", 255) }), ""},
		"a blank in the id":        {change(func(r *tokenstore.Record) { r.ID = "connection/acme/main 2" }), ""},
		"no data":                  {change(func(r *tokenstore.Record) { r.Data = nil }), ""},
		"64 KiB":                   {change(func(r *tokenstore.Record) { r.Data = make([]byte, tokenstore.MaxRecordData) }), ""},
		"the earliest due time":    {change(func(r *tokenstore.Record) { r.Due = time.Unix(0, 0) }), ""},
		"the latest, in a zone":    {change(func(r *tokenstore.Record) { r.Due = time.Date(10000, 1, 1, 0, 30, 0, 0, time.FixedZone("", 3600)) }), ""},
		"the last version":         {change(func(r *tokenstore.Record) { r.Version = math.MaxUint64 - 1 }), ""},
		"no id":                    {change(func(r *tokenstore.Record) { r.ID = "" }), "Record.ID"},
		"an id that is too long":   {change(func(r *tokenstore.Record) { r.ID = strings.Repeat("x", 256) }), "Record.ID"},
		"a control character":      {change(func(r *tokenstore.Record) { r.ID = "connection/\x1b[2J" }), "Record.ID"},
		"more than ASCII":          {change(func(r *tokenstore.Record) { r.ID = "connection/Müller" }), "Record.ID"},
		"no due time":              {change(func(r *tokenstore.Record) { r.Due = time.Time{} }), "Record.Due"},
		"a due time after 9999":    {change(func(r *tokenstore.Record) { r.Due = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), "Record.Due"},
		"a byte too many":          {change(func(r *tokenstore.Record) { r.Data = make([]byte, tokenstore.MaxRecordData+1) }), "Record.Data"},
		"no successor":             {change(func(r *tokenstore.Record) { r.Version = math.MaxUint64 }), "Record.Version"},
		"nothing is as it must be": {tokenstore.Record{Version: math.MaxUint64, Data: make([]byte, 1<<20)}, "Record.ID Record.Version Record.Due Record.Data"},
	} {
		err := tt.r.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !errors.Is(err, tokenstore.ErrInvalidRecord) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		for _, field := range strings.Fields(tt.want) {
			if !strings.Contains(err.Error(), field+": ") {
				t.Errorf("%s: %v does not name %s", name, err, field)
			}
		}
		if err == nil {
			continue
		}
		var first *tokenstore.FieldError
		if !errors.As(err, &first) || first.Field != strings.Fields(tt.want)[0] || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%s: %q is no line that wraps its field", name, err)
		}
	}
}
