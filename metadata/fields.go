package metadata

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/internal/secret"
)

// APIVersion is a version of Salesforce's Metadata API, without the ".0": 66.
type APIVersion int

// String returns the version as Salesforce writes it: "66.0".
func (v APIVersion) String() string { return strconv.Itoa(int(v)) + ".0" }

// field is what the tags of a struct field say.
type field struct {
	index int
	name  string // element
	span  span
	mark  string // required, platform, action or empty
	enum  string // whose words it holds; empty for free text
}

var secretType = reflect.TypeFor[secret.Secret]()

// fields returns what the tags of a struct say, in its order, which is the schema's.
func fields(t reflect.Type) []field {
	if known, ok := componentFields()[t]; ok {
		return known
	}
	return readFields(t)
}

// componentFields are the fields of every type of a component, read once: reading tags takes longer than writing a file.
var componentFields = sync.OnceValue(func() map[reflect.Type][]field {
	all := map[reflect.Type][]field{}
	var add func(t reflect.Type)
	add = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if _, known := all[t]; known || !isStruct(t) {
			return
		}
		all[t] = readFields(t)
		for _, f := range all[t] {
			add(t.Field(f.index).Type)
		}
	}
	add(otherType)
	for _, holder := range []reflect.Type{reflect.TypeFor[App](), reflect.TypeFor[OrgSettings]()} {
		for i := range holder.NumField() {
			if holder.Field(i).Tag.Get("type") != "" {
				add(holder.Field(i).Type)
			}
		}
	}
	return all
})

func readFields(t reflect.Type) []field {
	out := make([]field, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		name := tag.Get("xml")
		if name == "" {
			continue
		}
		f := field{index: i, name: name, enum: tag.Get("enum")}
		versions, mark, _ := strings.Cut(tag.Get("api"), ",")
		f.span, f.mark = readSpan(versions), mark
		out = append(out, f)
	}
	return out
}

// number reads a version in a tag; none is 0.
func number(s string) APIVersion {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return APIVersion(n)
}

// isStruct tells a nested element from a value.
func isStruct(t reflect.Type) bool { return t.Kind() == reflect.Struct && t != secretType }

// isText tells the fields in which an empty element is the same as none.
func isText(t reflect.Type) bool { return t.Kind() == reflect.String || t == secretType }

// fill sets v, a struct, from the children of n. Unknown elements are returned. A value given twice, or one of
// another type, is an error with the node it is about.
func fill(n *node, v reflect.Value) (unknown []*node, bad *node, err error) {
	all := fields(v.Type())
	seen := make([]bool, len(all))
	for _, k := range n.kids {
		i := slices.IndexFunc(all, func(f field) bool { return k.known && f.name == k.name })
		if i < 0 {
			unknown = append(unknown, k)
			continue
		}
		target := v.Field(all[i].index)
		if k.xsiNil {
			continue // says the same as no element
		}
		if target.Kind() == reflect.Slice {
			target.Grow(1)
			target.SetLen(target.Len() + 1)
			target = target.Index(target.Len() - 1)
		} else if seen[i] {
			return nil, k, errors.New("<" + k.name + "> stands here a second time")
		}
		seen[i] = true
		if target.Kind() == reflect.Pointer && isStruct(target.Type().Elem()) {
			target.Set(reflect.New(target.Type().Elem()))
			target = target.Elem()
		}
		if isStruct(target.Type()) {
			more, bad, err := fill(k, target)
			if err != nil {
				return nil, bad, err
			}
			unknown = append(unknown, more...)
			continue
		}
		if len(k.kids) > 0 {
			return nil, k, errors.New("<" + k.name + "> holds elements instead of a value")
		}
		if err := all[i].parse(k.text, target); err != nil {
			return nil, k, fmt.Errorf("<%s> %w", k.name, err)
		}
	}
	return unknown, nil, nil
}

// parse sets a string, a *bool, an *int or a secret from an element's text.
func (f field) parse(text string, v reflect.Value) error {
	switch {
	case v.Type() == secretType:
		v.Set(reflect.ValueOf(secret.New(text)))
	case v.Kind() == reflect.String:
		v.SetString(spelled(f.enum, text))
	case v.Type().Elem().Kind() == reflect.Bool:
		switch salesforce.Trim(text) {
		case "true", "1":
			v.Set(reflect.ValueOf(new(true)))
		case "false", "0":
			v.Set(reflect.ValueOf(new(false)))
		default:
			return errors.New("is neither true nor false" + likeABlank(text))
		}
	default:
		i, err := strconv.ParseInt(salesforce.Trim(text), 10, 32)
		if err != nil {
			return errors.New("is not a whole number" + likeABlank(text))
		}
		v.Set(reflect.ValueOf(new(int(i))))
	}
	return nil
}

// likeABlank says that a value holds what nobody sees in an editor.
func likeABlank(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) && !strings.ContainsRune(salesforce.XMLSpace, r) }) {
		return "; it holds a character that looks like a blank and is none"
	}
	return ""
}

// text is the opposite of parse. A value that is not set gives "".
func (f field) text(v reflect.Value) string {
	switch {
	case v.IsZero():
		return ""
	case v.Type() == secretType:
		return v.Interface().(secret.Secret).Reveal()
	case v.Kind() == reflect.String:
		return spelled(f.enum, v.String())
	case v.Elem().Kind() == reflect.Bool:
		return strconv.FormatBool(v.Elem().Bool())
	default:
		return strconv.FormatInt(v.Elem().Int(), 10)
	}
}

// cloneValue copies what v points to, at any depth. Component is shared: it never changes.
func cloneValue(v reflect.Value) reflect.Value {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil():
		c := reflect.New(v.Type().Elem())
		c.Elem().Set(cloneValue(v.Elem()))
		return c
	case v.Kind() == reflect.Slice && !v.IsNil():
		c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			c.Index(i).Set(cloneValue(v.Index(i)))
		}
		return c
	case isStruct(v.Type()):
		c := reflect.New(v.Type()).Elem()
		c.Set(v)
		for _, f := range fields(v.Type()) {
			c.Field(f.index).Set(cloneValue(v.Field(f.index)))
		}
		return c
	}
	return v
}

// walk calls visit for every field of v that is set, with its path: "oauthConfig/callbackUrl".
func walk(path string, v reflect.Value, visit func(path string, f field, v reflect.Value)) {
	for _, f := range fields(v.Type()) {
		fv := v.Field(f.index)
		p := path + f.name
		visit(p, f, fv)
		switch {
		case fv.Kind() == reflect.Pointer && !fv.IsNil() && isStruct(fv.Type().Elem()):
			walk(p+"/", fv.Elem(), visit)
		case fv.Kind() == reflect.Slice && isStruct(fv.Type().Elem()):
			for i := range fv.Len() {
				walk(p+"/", fv.Index(i), visit)
			}
		}
	}
}
