package metadata

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// spelling is which words a file that was read is written with.
type spelling uint8

const (
	asRead      spelling = iota // those it has
	asTheServer                 // the server's: it may refuse others
)

// splice returns the document with the fields of v, a component, in place of those that were read from it. Only the
// bytes of elements whose value changed differ; new elements go to their place in the schema's order.
func splice(doc *document, v reflect.Value, words spelling) ([]byte, error) {
	s := splicer{doc: doc, words: words, eol: "\n", unit: "    "}
	if bytes.Contains(doc.data, []byte("\r\n")) {
		s.eol = "\r\n"
	}
	raw := doc.data[doc.root.start+1 : doc.root.open]
	if i := bytes.IndexAny(raw, ": \t\r\n/>"); i >= 0 && raw[i] == ':' {
		s.prefix = string(raw[:i+1])
	}
	if len(doc.root.kids) > 0 {
		if lead := s.lead(doc.root.kids[0]); len(lead) > len(s.eol) {
			s.unit = lead[len(s.eol):]
		}
	}
	s.element(doc.root, v)
	if s.err != nil {
		return nil, s.err
	}
	if len(s.edits) == 0 {
		return slices.Clone(doc.data), nil
	}
	slices.SortStableFunc(s.edits, func(a, b edit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return a.to - b.to // an insertion comes before what replaces the bytes behind it
	})
	var out bytes.Buffer
	size := len(doc.data)
	for _, e := range s.edits {
		size += len(e.text)
	}
	out.Grow(size)
	at := 0
	for _, e := range s.edits {
		out.Write(doc.data[at:e.from])
		out.WriteString(e.text)
		at = e.to
	}
	out.Write(doc.data[at:])
	return out.Bytes(), nil
}

type edit struct {
	from, to int
	text     string
}

type splicer struct {
	doc               *document
	edits             []edit
	prefix, eol, unit string // how this file names elements, ends lines and indents
	words             spelling
	err               error
}

// element compares the fields of v with the children of n.
func (s *splicer) element(n *node, v reflect.Value) {
	var added []edit // by position; one element may take several
	for _, f := range fields(v.Type()) {
		var nodes, nils []*node
		for _, k := range n.kids {
			switch {
			case !k.known || k.name != f.name:
			case k.xsiNil:
				nils = append(nils, k)
			default:
				nodes = append(nodes, k)
			}
		}
		fv := v.Field(f.index)
		var values []reflect.Value
		switch {
		case fv.IsZero() && isText(fv.Type()) && len(nodes) == 1 && nodes[0].text == "":
			continue // the element says the same as none
		case fv.Kind() == reflect.Slice:
			for i := range fv.Len() {
				values = append(values, fv.Index(i))
			}
		case fv.Kind() == reflect.Pointer && isStruct(fv.Type().Elem()):
			if !fv.IsNil() {
				values = append(values, fv.Elem())
			}
		case !fv.IsZero():
			values = append(values, fv)
		}
		if len(nodes) == 0 && len(nils) > 0 && len(values) > 0 {
			nodes = nils[:1] // a nil element says the same as none, but keeps the place
		}
		if len(values) > 0 || len(nodes) > 0 {
			added = append(added, s.list(n, f, nodes, values)...)
		}
	}
	s.insert(n, added)
}

// list makes the elements of one name hold values: equal ends stay, the middle is changed in place, what is left
// over is removed or returned for insertion.
func (s *splicer) list(n *node, f field, nodes []*node, values []reflect.Value) (added []edit) {
	after := s.place(n, f.name)
	if len(nodes) > 0 {
		after = nodes[len(nodes)-1].end
	}
	for len(nodes) > 0 && len(values) > 0 && s.same(nodes[0], f, values[0]) {
		nodes, values = nodes[1:], values[1:]
	}
	for len(nodes) > 0 && len(values) > 0 && s.same(nodes[len(nodes)-1], f, values[len(values)-1]) {
		after = nodes[len(nodes)-1].lead
		nodes, values = nodes[:len(nodes)-1], values[:len(values)-1]
	}
	for len(nodes) > 0 && len(values) > 0 {
		s.change(nodes[0], f, values[0])
		nodes, values = nodes[1:], values[1:]
	}
	for _, k := range nodes {
		s.edits = append(s.edits, edit{k.lead, k.end, ""})
	}
	lead := s.childLead(n)
	for _, v := range values {
		added = append(added, edit{after, after, s.rendered(f, v, lead)})
	}
	return added
}

// same tells whether an element already says v.
func (s *splicer) same(n *node, f field, v reflect.Value) bool {
	sub := splicer{doc: s.doc, prefix: s.prefix, eol: s.eol, unit: s.unit, words: s.words}
	sub.change(n, f, v)
	return sub.err == nil && len(sub.edits) == 0
}

// change makes an element say v.
func (s *splicer) change(n *node, f field, v reflect.Value) {
	if isStruct(v.Type()) && !n.xsiNil {
		s.element(n, v)
		return
	}
	if !n.xsiNil && len(n.kids) == 0 {
		was := reflect.New(v.Type()).Elem()
		if f.parse(n.text, was) == nil && f.text(was) == f.text(v) && s.mayStay(n, f) {
			return
		}
	}
	if n.selfClosing() || n.xsiNil {
		lead := s.lead(n)
		s.edits = append(s.edits, edit{n.start, n.end, s.rendered(f, v, lead)[len(lead):]})
		return
	}
	s.edits = append(s.edits, edit{n.open, n.close, s.escape(f.name, f.text(v))})
}

// mayStay tells whether an element that says what is wanted keeps its bytes.
func (s *splicer) mayStay(n *node, f field) bool {
	text := salesforce.Trim(n.text)
	return s.words == asRead || f.enum == "" || spelled(f.enum, text) == text
}

// insert puts new elements into n. A self-closing n is opened for them.
func (s *splicer) insert(n *node, added []edit) {
	if len(added) == 0 {
		return
	}
	if !n.selfClosing() {
		s.edits = append(s.edits, added...)
		if len(n.kids) == 0 && !bytes.Contains(s.doc.data[n.open:n.close], []byte("\n")) {
			s.edits = append(s.edits, edit{n.close, n.close, s.ending(n)})
		}
		return
	}
	var b strings.Builder
	tag := strings.TrimRight(strings.TrimSuffix(string(s.doc.data[n.start:n.open]), "/>"), " \t\r\n")
	b.WriteString(tag + ">")
	for _, e := range added {
		b.WriteString(e.text)
	}
	name := tag[1:]
	if i := strings.IndexAny(name, " \t\r\n"); i >= 0 {
		name = name[:i]
	}
	b.WriteString(s.ending(n) + "</" + name + ">")
	s.edits = append(s.edits, edit{n.start, n.end, b.String()})
}

// ending is the white space before the end tag of an element that had no children.
func (s *splicer) ending(n *node) string {
	if n == s.doc.root {
		return s.eol
	}
	return s.lead(n)
}

// place returns where a new child of that name belongs: after the last one that the schema puts before it.
func (s *splicer) place(n *node, name string) int {
	at := n.open
	for _, k := range n.kids {
		if k.known && k.name <= name {
			at = k.end
		}
	}
	return at
}

// maxIndent is more than any indentation that somebody reads, in bytes. A longer one is not repeated for new elements.
const maxIndent = 400

// lead returns the line end and indentation before an element; "" when it does not begin a line.
func (s *splicer) lead(n *node) string {
	space := s.doc.data[n.lead:n.start]
	if i := bytes.LastIndexByte(space, '\n'); i >= 0 && len(space)-i <= maxIndent {
		return s.eol + string(space[i+1:])
	}
	return ""
}

// childLead returns the same for a new child of n.
func (s *splicer) childLead(n *node) string {
	switch {
	case len(n.kids) > 0:
		return s.lead(n.kids[0])
	case n == s.doc.root:
		return s.eol + s.unit
	case s.lead(n) != "":
		return s.lead(n) + s.unit
	}
	return ""
}

// rendered is a new element behind its lead.
func (s *splicer) rendered(f field, v reflect.Value, lead string) string {
	var b bytes.Buffer
	s.render(&b, f, v, lead)
	return b.String()
}

// render writes a new element behind its lead. Without a lead there is no white space inside either.
func (s *splicer) render(b *bytes.Buffer, f field, v reflect.Value, lead string) {
	b.WriteString(lead)
	b.WriteByte('<')
	b.WriteString(s.prefix)
	b.WriteString(f.name)
	b.WriteByte('>')
	if isStruct(v.Type()) {
		inner := lead
		if lead != "" {
			inner += s.unit
		}
		s.renderFields(b, v, inner)
		b.WriteString(lead)
	} else {
		b.WriteString(s.escape(f.name, f.text(v)))
	}
	b.WriteString("</")
	b.WriteString(s.prefix)
	b.WriteString(f.name)
	b.WriteByte('>')
}

// renderFields writes the elements that are set in v, each behind the lead.
func (s *splicer) renderFields(b *bytes.Buffer, v reflect.Value, lead string) {
	for _, f := range fields(v.Type()) {
		fv := v.Field(f.index)
		switch {
		case fv.IsZero():
		case fv.Kind() == reflect.Slice:
			for i := range fv.Len() {
				s.render(b, f, fv.Index(i), lead)
			}
		case fv.Kind() == reflect.Pointer && isStruct(fv.Type().Elem()):
			s.render(b, f, fv.Elem(), lead)
		default:
			s.render(b, f, fv, lead)
		}
	}
}

// escape writes text as retrieved files have it: a line feed stays a line feed.
func (s *splicer) escape(name, text string) string {
	if !utf8.ValidString(text) {
		s.err = cmp.Or(s.err, fmt.Errorf("<%s> is not valid UTF-8", name))
	}
	for _, r := range text {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF' {
			s.err = cmp.Or(s.err, fmt.Errorf("<%s> holds the control character %U, which XML cannot carry", name, r))
		}
	}
	return escaper.Replace(text)
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")

// fresh writes v, a new component, as Salesforce writes its own files.
func fresh(typeName string, v reflect.Value) ([]byte, error) {
	s := splicer{eol: "\n", unit: "    "}
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + typeName + ` xmlns="` + namespace + `">`)
	s.renderFields(&b, v, s.eol+s.unit)
	b.WriteString("\n</" + typeName + ">\n")
	return b.Bytes(), s.err
}
