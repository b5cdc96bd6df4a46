package orgtest

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// oldestAPI and newestAPI are the API versions that are known here; [Config.Release] decides up to which the org serves them.
// Older ones exist but know no external client app.
const (
	oldestAPI = 57
	newestAPI = 68
)

// anyAPI stands for no version in particular: metadata the org has already, whenever it came.
const anyAPI = -1

//go:embed schema.txt
var schemaText string

// span is the range of API versions that know a thing.
type span struct{ first, last int }

func (s span) has(version int) bool {
	return version == anyAPI || s.first <= version && version <= s.last
}

// field is one element of a metadata type.
type field struct {
	name, kind         string // kind: string, boolean, int, base64Binary, or the name of a type or enum
	required, repeated bool
	span               span
}

type typeSchema []field

// knows finds a field by element name, in the eyes of an API version.
func (t typeSchema) knows(name string, version int) (field, bool) {
	i := slices.IndexFunc(t, func(f field) bool { return f.name == name && f.span.has(version) })
	if i < 0 {
		return field{}, false
	}
	return t[i], true
}

type enumSchema map[string]span

type metadataSchema struct {
	types map[string]typeSchema
	enums map[string]enumSchema
}

var schema = sync.OnceValue(func() metadataSchema {
	s := metadataSchema{types: map[string]typeSchema{}, enums: map[string]enumSchema{}}
	var typ, enum string
	for line := range strings.Lines(schemaText) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "#":
		case words[0] == "type":
			typ, enum = words[1], ""
		case words[0] == "enum":
			typ, enum = "", words[1]
			s.enums[enum] = enumSchema{}
		case enum != "":
			for _, w := range words {
				word, versions := cutSpan(w)
				s.enums[enum][word] = versions
			}
		default:
			for _, w := range words {
				s.types[typ] = append(s.types[typ], parseField(w))
			}
		}
	}
	return s
})

func parseField(text string) field {
	text, versions := cutSpan(text)
	name, kind, _ := strings.Cut(text, ":")
	f := field{name: name, span: versions}
	kind, f.repeated = strings.CutSuffix(kind, "*")
	f.kind, f.required = strings.CutSuffix(kind, "!")
	return f
}

// cutSpan takes "@59" or "@61-63" off the end of a word.
func cutSpan(text string) (string, span) {
	text, versions, found := strings.Cut(text, "@")
	s := span{0, 1000}
	if found {
		first, last, closed := strings.Cut(versions, "-")
		s.first, _ = strconv.Atoi(first)
		if closed {
			s.last, _ = strconv.Atoi(last)
		}
	}
	return text, s
}

// check reports what is wrong with an element's children in the eyes of an API version, as Salesforce words it: the first
// problem only. Order is free, as docs samples and hand-written files that deploy show. The texts for unknown, repeated and
// missing elements are assumed, and so are the codes, which an upsert shows; the enum text was reported from a live org.
func (m metadataSchema) check(typ string, n *node, version int) *problem {
	fields := m.types[typ]
	seen := map[string]bool{}
	for _, child := range n.children {
		f, ok := fields.knows(child.name, version)
		if !ok {
			return child.problem("INVALID_TYPE", fmt.Sprintf("Element {%s}%s invalid at this location in type %s", metadataNamespace, child.name, typ))
		}
		if seen[f.name] && !f.repeated {
			return child.problem("INVALID_TYPE", fmt.Sprintf("Element %s is duplicated at this location in type %s", child.name, typ))
		}
		seen[f.name] = true
		if p := m.checkValue(f, child, version); p != nil {
			return p
		}
	}
	for _, f := range fields {
		if f.required && f.span.has(version) && !seen[f.name] {
			return n.problem("REQUIRED_FIELD_MISSING", "Required field is missing: "+f.name)
		}
	}
	return nil
}

// checkValue checks one element's text. Source: the enum text and its form were reported from a live org; that of the other
// kinds, and of an element with children, is assumed to be alike.
func (m metadataSchema) checkValue(f field, n *node, version int) *problem {
	if _, nested := m.types[f.kind]; nested {
		return m.check(f.kind, n, version)
	}
	if len(n.children) > 0 {
		return n.problem("INVALID_TYPE", fmt.Sprintf("Element %s holds text, not elements", n.name))
	}
	if enum, ok := m.enums[f.kind]; ok {
		if s, ok := enum[n.text]; !ok || !s.has(version) {
			return n.problem("INVALID_TYPE", fmt.Sprintf("'%s' is not a valid value for the enum '%s'", n.text, f.kind))
		}
		return nil
	}
	switch f.kind {
	case "boolean":
		if !slices.Contains([]string{"true", "false", "1", "0"}, n.text) {
			return n.problem("INVALID_TYPE", fmt.Sprintf("'%s' is not a valid value for the type xsd:boolean", n.text))
		}
	case "int":
		if _, err := strconv.ParseInt(n.text, 10, 32); err != nil {
			return n.problem("INVALID_TYPE", fmt.Sprintf("'%s' is not a valid value for the type xsd:int", n.text))
		}
	}
	return nil
}

// only keeps of a component what an API version knows, in schema order, nested types included.
func (m metadataSchema) only(typ string, n *node, version int) *node {
	out := &node{name: n.name, text: n.text}
	for _, f := range m.types[typ] {
		if !f.span.has(version) {
			continue
		}
		for _, child := range n.all(f.name) {
			if _, nested := m.types[f.kind]; nested {
				child = m.only(f.kind, child, version)
			}
			out.children = append(out.children, child)
		}
	}
	return out
}
