package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"expvar"
	"fmt"
	"log"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/fullcast/sfauth/internal/secret"
)

const canary = "c4n4ry!5Aep861.KUndoc"

type exported struct {
	Name  string
	Token secret.Secret
}

type unexported struct {
	Name  string
	token secret.Secret
}

type plain struct{ Text string }

type nested struct {
	Inner *unexported
	Map   map[string]secret.Secret
	Slice []secret.Secret
	Any   any
}

// channels are the ways in which a value becomes text or bytes.
var channels = []struct {
	name string
	show func(v any) string
}{
	{"%v", func(v any) string { return fmt.Sprintf("%v", v) }},
	{"%+v", func(v any) string { return fmt.Sprintf("%+v", v) }},
	{"%#v", func(v any) string { return fmt.Sprintf("%#v", v) }},
	{"%s", func(v any) string { return fmt.Sprintf("%s", v) }},
	{"%q", func(v any) string { return fmt.Sprintf("%q", v) }},
	{"%x", func(v any) string { return fmt.Sprintf("%x", v) }},
	{"%d", func(v any) string { return fmt.Sprintf("%d", v) }},
	{"Errorf", func(v any) string { return fmt.Errorf("failed with %v", v).Error() }},
	{"errors.Join", func(v any) string { return errors.Join(fmt.Errorf("%+v", v)).Error() }},
	{"json", func(v any) string { b, err := json.Marshal(v); return fmt.Sprint(string(b), err) }},
	{"xml", func(v any) string { b, err := xml.Marshal(v); return fmt.Sprint(string(b), err) }},
	{"gob", func(v any) string {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(v)
		return fmt.Sprint(b.String(), err)
	}},
	{"slog text", func(v any) string {
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", v)
		return b.String()
	}},
	{"slog json", func(v any) string {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("m", "v", v)
		return b.String()
	}},
	{"log", func(v any) string {
		var b bytes.Buffer
		log.New(&b, "", 0).Print(v)
		return b.String()
	}},
	{"template", func(v any) string {
		var b bytes.Buffer
		err := template.Must(template.New("").Parse("{{.}}")).Execute(&b, v)
		return fmt.Sprint(b.String(), err)
	}},
	{"panic", func(v any) (out string) {
		defer func() { out = fmt.Sprint(recover()) }()
		panic(v)
	}},
	{"expvar", func(v any) string { return expvar.Func(func() any { return v }).String() }},
	{"a dump by reflection that follows every pointer", func(v any) string {
		var b strings.Builder
		dump(&b, reflect.ValueOf(v), 0)
		return b.String()
	}},
}

// dump prints as debuggers' pretty printers do: into unexported fields and through pointers.
func dump(b *strings.Builder, v reflect.Value, depth int) {
	if depth > 10 || !v.IsValid() {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		dump(b, v.Elem(), depth+1)
	case reflect.Struct:
		for i := range v.NumField() {
			dump(b, v.Field(i), depth+1)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			dump(b, v.Index(i), depth+1)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			dump(b, v.MapIndex(k), depth+1)
		}
	default:
		fmt.Fprintf(b, "%v ", v)
	}
}

func TestASecretLeaksThroughNoChannel(t *testing.T) {
	s := secret.New(canary)
	carriers := []struct {
		name string
		v    any
	}{
		{"bare", s},
		{"pointer", &s},
		{"exported field", exported{"n", s}},
		{"unexported field", unexported{"n", s}},
		{"pointer to a struct", &exported{"n", s}},
		{"pointer to a struct with an unexported field", &unexported{"n", s}},
		{"nested", nested{&unexported{"n", s}, map[string]secret.Secret{"k": s}, []secret.Secret{s}, s}},
	}
	forms := map[string]string{
		"plain":  canary,
		"hex":    hex.EncodeToString([]byte(canary)),
		"HEX":    strings.ToUpper(hex.EncodeToString([]byte(canary))),
		"base64": base64.StdEncoding.EncodeToString([]byte(canary)),
		"bytes":  strings.Trim(fmt.Sprint([]byte(canary)), "[]"),
	}
	for _, ch := range channels {
		for _, c := range carriers {
			out := ch.show(c.v)
			for form, text := range forms {
				if strings.Contains(out, text) {
					t.Errorf("%s of a %s shows the secret (%s): %s", ch.name, c.name, form, out)
				}
			}
		}
	}
}

func TestTheChannelsSeeAPlainString(t *testing.T) {
	for _, ch := range channels {
		if ch.name == "gob" { // writes the text, too
			continue
		}
		out := ch.show(plain{canary})
		if !strings.Contains(out, canary) && !strings.Contains(out, hex.EncodeToString([]byte(canary))) && !strings.Contains(out, "%!d") {
			t.Errorf("%s would not notice a leak: %s", ch.name, out)
		}
	}
}

func TestRevealIsTheOnlyWayOut(t *testing.T) {
	s := secret.New(canary)
	if got := s.Reveal(); got != canary {
		t.Errorf("Reveal() = %q, want %q", got, canary)
	}
	if got := (secret.Secret{}).Reveal(); got != "" {
		t.Errorf("zero Reveal() = %q, want empty", got)
	}
	if !secret.New("").IsZero() || s.IsZero() {
		t.Error("IsZero does not tell the empty secret from another")
	}
	if !s.Equal(secret.New(canary)) || s.Equal(secret.New(canary+"x")) || s.Equal(secret.Secret{}) {
		t.Error("Equal is wrong")
	}
}

func TestRedactedTextIsNotReadBackAsASecret(t *testing.T) {
	b, err := json.Marshal(exported{"n", secret.New(canary)})
	if err != nil {
		t.Fatal(err)
	}
	var back exported
	if err := json.Unmarshal(b, &back); err == nil {
		t.Errorf("decoding %s gave the secret %q, want an error", b, back.Token.Reveal())
	}
}

func TestSecretsCannotBeComparedWithTheOperator(t *testing.T) {
	if reflect.TypeFor[secret.Secret]().Comparable() {
		t.Error("== compiles, and takes a time that tells of the texts; use Equal")
	}
}
