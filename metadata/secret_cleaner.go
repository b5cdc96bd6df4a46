package metadata

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/secretscan"
)

// cleaner takes secrets out of one component's file.
type cleaner struct {
	part  part
	data  []byte
	known secretscan.Known
	found []string // values of secrets, from elements that were left out; the first few

	open []*opened
	cuts []edit
}

// opened is an element whose end has not been read yet.
type opened struct {
	name       string
	start      int
	line       int
	kind       reflect.Type // the struct that holds its children; nil in an element that this package does not know
	field      *field       // nil for the root and for an element that this package does not know
	leaf       bool
	named      bool // its own name, or that of its namespace, is a secret
	text       []byte
	pieces     []edit // of the text, as they stand in the file
	children   []child
	namesOther bool // a child's text or an attribute is the name of a secret: <name>clientSecret</name><value>…</value>
}

func (c *cleaner) clean() ([]byte, error) {
	dec := xml.NewDecoder(bytes.NewReader(c.data))
	for {
		at := int(dec.InputOffset())
		line, _ := dec.InputPos()
		tok, err := dec.Token()
		if err == io.EOF {
			return without(c.data, c.cuts), nil
		}
		if err != nil {
			return nil, &Error{Op: "package", Name: c.part.label(), Line: line, Err: syntaxError(err)}
		}
		end := int(dec.InputOffset())
		switch t := tok.(type) {
		case xml.StartElement:
			err = c.begin(t, at, end, line)
		case xml.EndElement:
			err = c.end(end)
		case xml.CharData:
			if n := len(c.open); n > 0 && len(t) > 0 {
				top := c.open[n-1]
				top.text = append(top.text, t...)
				top.pieces = append(top.pieces, edit{from: at, to: end})
			}
		case xml.Comment:
			c.judgeRemark(string(t), at, end)
		case xml.ProcInst:
			if t.Target != "xml" {
				c.judgeRemark(t.Target+" "+string(t.Inst), at, end)
			}
		}
		if err != nil {
			return nil, err
		}
	}
}

func (c *cleaner) cut(from, to int) { c.cuts = append(c.cuts, edit{from: from, to: to}) }

// refusal is the error about a secret in what is part of the app.
func (c *cleaner) refusal(line int, where, what string) error {
	return &Error{Op: "package", Name: c.part.label(), Line: line,
		Err: fmt.Errorf("%s holds %s, which no package carries; the owner of the file or app must take it out there", where, what)}
}

func (c *cleaner) begin(t xml.StartElement, at, end, line int) error {
	n := &opened{name: t.Name.Local, start: at, line: line, leaf: true}
	if len(c.open) == 0 {
		n.kind = c.part.v.Type()
	} else {
		above := c.open[len(c.open)-1]
		above.leaf = false
		if above.kind != nil && t.Name.Space == namespace {
			all := fields(above.kind)
			if i := slices.IndexFunc(all, func(f field) bool { return f.name == t.Name.Local }); i >= 0 {
				n.field = &all[i]
				n.kind = structOf(above.kind.Field(n.field.index).Type)
			}
		}
	}
	c.open = append(c.open, n)
	if n.ofApp() {
		return c.attributes(n, t.Attr, at, end)
	}
	n.named = c.known.In(t.Name.Local) != "" || t.Name.Space != namespace && c.known.In(t.Name.Space) != ""
	return c.attributes(n, t.Attr, at, end)
}

// ofApp tells the root and the elements that are part of the app from those that this package does not know.
func (n *opened) ofApp() bool { return n.field != nil || n.kind != nil }

// structOf returns the struct that a field's elements fill; nil where they hold values.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if isStruct(t) {
		return t
	}
	return nil
}

func (c *cleaner) end(end int) error {
	n := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	text := strings.TrimSpace(string(n.text))
	switch {
	case len(c.open) > 0 && c.leavesOut(n, text):
		if n.leaf && len(c.found) < maxKnownSecrets && len(text) >= minSecret {
			c.found = append(c.found, text)
		}
		from := n.start
		for from > 0 && isSpace(c.data[from-1]) {
			from--
		}
		c.cut(from, end)
	case n.field != nil && n.kind == nil:
		if what := c.secretOf(n, text); what != "" {
			return c.refusal(n.line, "<"+n.name+">", what)
		}
	case !n.leaf || len(c.open) == 0:
		c.mixed(n)
		if err := c.pairs(n); err != nil {
			return err
		}
	}
	if len(c.open) > 0 && n.leaf {
		above := c.open[len(c.open)-1]
		above.add(child{n, text, end})
	}
	return nil
}

// secretOf says what secret the text of an element of the app is.
func (c *cleaner) secretOf(n *opened, text string) string {
	known := c.known
	if isEncoded[n.name] {
		known.HasKey = false // all of it looks like a secret
	}
	if what := known.In(text); what != "" {
		return what
	}
	if n.namesOther && secretscan.IsValue(text) {
		return besideName
	}
	return ""
}

// isEncoded are the elements that hold base64.
var isEncoded = map[string]bool{"certificate": true, "encryptionCertificate": true, "applicationBinaryFile": true}

// leavesOut tells whether an element is left out.
func (c *cleaner) leavesOut(n *opened, text string) bool {
	if n.field != nil {
		return n.field.mark == "platform" || n.field.mark == "action"
	}
	return n.named || withheld(n.name) || saysSecret(n.name) && !(n.leaf && secretscan.Setting(n.name, text)) ||
		n.namesOther || n.leaf && c.known.May(text)
}

// mixed leaves out text between the children of an element where it may be a secret.
func (c *cleaner) mixed(n *opened) {
	if len(bytes.TrimSpace(n.text)) > 0 && c.known.May(string(n.text)) {
		c.cuts = append(c.cuts, n.pieces...)
	}
}

// judgeRemark leaves out a comment or a processing instruction that may tell a secret.
func (c *cleaner) judgeRemark(text string, at, end int) {
	about := len(c.open) > 0 && c.open[len(c.open)-1].field == nil && saysSecret(c.open[len(c.open)-1].name)
	if about || c.known.May(text) {
		c.cut(at, end)
	}
}
