package interop_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// published is what Salesforce publishes of its metadata types, generated from the newest API.
type published struct {
	Types map[string][]publishedField
	Enums map[string][]string
}

type publishedField struct {
	Name, Type     string
	Many, Optional bool
}

func publishedTypes(t *testing.T) published {
	t.Helper()
	answer, err := nodeCommand(t, "types.mjs").Output()
	if err != nil {
		t.Fatal(err)
	}
	var p published
	if err := json.Unmarshal(answer, &p); err != nil || len(p.Types) == 0 || len(p.Enums) == 0 {
		t.Fatalf("%d types and %d enums, %v", len(p.Types), len(p.Enums), err)
	}
	return p
}

// Differences that are Salesforce's: what its published types leave out, and real orgs have.
var unpublished = map[string]string{
	"ConnectedApp.pluginExecutionUser": "in the schema of every version up to 66",
}

// inPart are the types of which only some fields decide about an app; the rest of a file is kept as it was read.
var inPart = map[string]bool{"SecuritySettings": true, "SessionSettings": true}

func TestSalesforcesPublishedTypesHaveOurFieldsAndNoOthers(t *testing.T) {
	p := publishedTypes(t)
	fields := 0
	for _, holder := range []reflect.Type{reflect.TypeFor[metadata.App](), reflect.TypeFor[metadata.OrgSettings]()} {
		for i := range holder.NumField() {
			name := holder.Field(i).Tag.Get("type")
			if name == "" {
				continue
			}
			t.Run(name, func(t *testing.T) { fields += p.compare(t, name, holder.Field(i).Type.Elem()) })
		}
	}
	if fields < 200 {
		t.Errorf("compared %d fields, want all of some 200", fields)
	}
	for difference, why := range unpublished {
		name, field, _ := strings.Cut(difference, ".")
		if slices.ContainsFunc(p.Types[name], func(f publishedField) bool { return f.Name == field }) {
			t.Errorf("%s is published by now, and is excused as %q", difference, why)
		}
	}
}

// compare compares a Go type with a published one, and what is inside both.
func (p published) compare(t *testing.T, name string, ours reflect.Type) (fields int) {
	theirs, ok := p.Types[name]
	if !ok {
		t.Errorf("there is no type %s", name)
		return 0
	}
	left := map[string]reflect.StructField{}
	for i := range ours.NumField() {
		if tag := ours.Field(i).Tag.Get("xml"); tag != "" {
			left[tag] = ours.Field(i)
		}
	}
	for _, f := range theirs {
		if f.Name == "fullName" {
			continue
		}
		mine, ok := left[f.Name]
		if !ok && inPart[name] {
			continue
		}
		if !ok {
			t.Errorf("%s.%s has no Go field", name, f.Name)
			continue
		}
		delete(left, f.Name)
		fields++
		versions, mark, _ := strings.Cut(mine.Tag.Get("api"), ",")
		if strings.Contains(versions, "-") {
			t.Errorf("%s.%s: until %s, and is published", name, f.Name, versions)
		}
		if required := mark == "required"; required == (f.Optional || f.Many) {
			t.Errorf("%s.%s: required %t, they say optional %t", name, f.Name, required, f.Optional)
		}
		base := mine.Type
		if f.Many {
			if base.Kind() != reflect.Slice {
				t.Errorf("%s.%s is one %v, they have a list", name, f.Name, base)
				continue
			}
			base = base.Elem()
		}
		if base.Kind() == reflect.Pointer {
			base = base.Elem()
		}
		_, isType := p.Types[f.Type]
		switch want := p.kind(f.Type); {
		case isType && base.Kind() == reflect.Struct:
			fields += p.compare(t, f.Type, base)
		case base == reflect.TypeFor[oauthflow.Secret]() && want == reflect.String:
		case base.Kind() != want:
			t.Errorf("%s.%s is %v, they say %s", name, f.Name, mine.Type, f.Type)
		}
	}
	for field, f := range left {
		if _, excused := unpublished[name+"."+field]; !excused && !strings.Contains(f.Tag.Get("api"), "-") {
			t.Errorf("%s.%s is not published", name, field)
		}
	}
	return fields
}

// kind is how a published type is held in Go.
func (p published) kind(name string) reflect.Kind {
	switch name {
	case "boolean":
		return reflect.Bool
	case "number":
		return reflect.Int
	}
	if _, ok := p.Types[name]; ok {
		return reflect.Struct
	}
	return reflect.String // a text or an enum
}

func TestEveryEnumValueThatWeWriteIsPublished(t *testing.T) {
	p := publishedTypes(t)
	judged := 0
	for name, spec := range product() {
		app := reflect.ValueOf(spec.New())
		for i := range app.NumField() {
			typ := app.Type().Field(i).Tag.Get("type")
			if typ == "" || app.Field(i).IsNil() {
				continue
			}
			t.Run(fmt.Sprintf("%s, %s", name, typ), func(t *testing.T) { judged += p.judge(t, typ, app.Field(i).Elem()) })
		}
	}
	if judged < 2*8 {
		t.Errorf("judged %d values", judged)
	}
}

// judge wants each value of an enum field to be one of the published ones.
func (p published) judge(t *testing.T, name string, v reflect.Value) (judged int) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("xml")
		at := slices.IndexFunc(p.Types[name], func(f publishedField) bool { return f.Name == tag })
		if at < 0 || v.Field(i).IsZero() {
			continue
		}
		f, values := p.Types[name][at], []reflect.Value{v.Field(i)}
		if f.Many {
			values = nil
			for k := range v.Field(i).Len() {
				values = append(values, v.Field(i).Index(k))
			}
		}
		for _, value := range values {
			if value.Kind() == reflect.Pointer {
				value = value.Elem()
			}
			if value.Kind() == reflect.Struct {
				judged += p.judge(t, f.Type, value)
			} else if enum, ok := p.Enums[f.Type]; ok {
				judged++
				if !slices.Contains(enum, value.String()) {
					t.Errorf("%s.%s: %q is none of %q", name, tag, value, enum)
				}
			}
		}
	}
	return judged
}
