package fullcast_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// adminDocument is docs/admin-api.json, as far as answers can be compared with it.
type adminDocument struct {
	Paths      map[string]map[string]documentedCall
	Components struct{ Schemas map[string]any }
}

type documentedCall struct {
	OperationID string `json:"operationId"`
	Right       string `json:"x-right"`
	RequestBody struct {
		Content map[string]documentedBody
	}
	Responses map[string]struct {
		Content map[string]documentedBody
		Headers map[string]any
	}
}

type documentedBody struct{ Schema any }

func readAdminDocument(t *testing.T) *adminDocument {
	t.Helper()
	text, err := os.ReadFile("../docs/admin-api.json")
	if err != nil {
		t.Fatal(err)
	}
	var d adminDocument
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// call returns what is documented of a request, by its path with {name}.
func (d *adminDocument) call(method, path string) (documentedCall, bool) {
	if method == "HEAD" {
		method = "GET"
	}
	c, ok := d.Paths[path][strings.ToLower(method)]
	return c, ok
}

// against returns what differs between a value of JSON and a schema. It reads the keywords that the document uses, and refuses others.
//
// Source: JSON Schema 2020-12, Core and Validation.
func (d *adminDocument) against(at string, schema, value any) []string {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": no schema"}
	}
	if ref, ok := s["$ref"].(string); ok {
		return d.against(at, d.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")], value)
	}
	var wrong []string
	refuse := func(format string, args ...any) { wrong = append(wrong, at+": "+fmt.Sprintf(format, args...)) }
	for word := range s {
		if !slices.Contains([]string{"type", "description", "properties", "required", "additionalProperties", "items", "enum", "format", "minimum"}, word) {
			refuse("the keyword %s is not read", word)
		}
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, value) {
		refuse("%v is none of %v", value, enum)
	}
	switch v := value.(type) {
	case map[string]any:
		if s["type"] != "object" {
			refuse("is an object, not %v", s["type"])
		}
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, ok := v[name.(string)]; !ok {
				refuse("lacks %s", name)
			}
		}
		for name, inner := range v {
			if of, ok := properties[name]; ok {
				wrong = append(wrong, d.against(at+"."+name, of, inner)...)
			} else if more, ok := s["additionalProperties"]; !ok || more != false {
				refuse("the schema leaves it open what an object holds")
			} else {
				refuse("holds %s", name)
			}
		}
	case []any:
		if s["type"] != "array" {
			refuse("is an array, not %v", s["type"])
		}
		for i, inner := range v {
			wrong = append(wrong, d.against(at+"["+strconv.Itoa(i)+"]", s["items"], inner)...)
		}
	case string:
		if s["type"] != "string" {
			refuse("is a string, not %v", s["type"])
		}
		if _, err := time.Parse("2006-01-02T15:04:05Z", v); s["format"] == "date-time" && err != nil {
			refuse("%q is no time in UTC", v)
		}
	case bool:
		if s["type"] != "boolean" {
			refuse("is a boolean, not %v", s["type"])
		}
	case json.Number:
		n, err := v.Int64()
		if s["type"] != "integer" || err != nil {
			refuse("is %s, not %v", v, s["type"])
		}
		if least, ok := s["minimum"].(float64); ok && float64(n) < least {
			refuse("%d is less than %v", n, least)
		}
	default:
		refuse("is %v", v)
	}
	return wrong
}

// parsedJSON keeps numbers as they are written.
func parsedJSON(text []byte) (value any, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err = d.Decode(&value)
	return value, err
}

func TestTheReaderOfSchemasFindsWhatDiffers(t *testing.T) {
	d := &adminDocument{}
	d.Components.Schemas = map[string]any{"One": map[string]any{
		"type": "object", "required": []any{"a"}, "additionalProperties": false, "properties": map[string]any{
			"a": map[string]any{"type": "string", "enum": []any{"x", "y"}},
			"b": map[string]any{"type": "array", "items": map[string]any{"type": "integer", "minimum": 1.0}},
			"c": map[string]any{"type": "string", "format": "date-time"},
			"d": map[string]any{"type": "boolean"},
		},
	}}
	one := map[string]any{"$ref": "#/components/schemas/One"}
	for text, want := range map[string]int{
		`{"a":"x"}`: 0, `{"a":"y","b":[1,2],"c":"2026-11-30T00:00:00Z","d":true}`: 0,
		`{}`: 1, `{"a":"z"}`: 1, `{"a":1}`: 2, `{"a":null}`: 2, `{"a":"x","e":1}`: 1, `[]`: 1, `"x"`: 1,
		`{"a":"x","b":[0]}`: 1, `{"a":"x","b":[1.5]}`: 2, `{"a":"x","b":{}}`: 1, `{"a":"x","c":"today"}`: 1, `{"a":"x","d":"true"}`: 1,
	} {
		value, err := parsedJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.against("", one, value); len(got) != want {
			t.Errorf("%s: %q, want %d", text, got, want)
		}
	}
}
