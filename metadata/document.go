package metadata

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// Limits of one XML document. The largest real app file is below 20 KiB.
const (
	maxDocument = 8 << 20
	maxDepth    = 64
	maxElements = 30_000
)

const (
	namespace    = "http://soap.sforce.com/2006/04/metadata"
	xsiNamespace = "http://www.w3.org/2001/XMLSchema-instance"
)

// document is XML as it was read, with the place of each element in it, so that a change can be spliced into the
// bytes and everything else stays as it is. It never changes.
type document struct {
	data []byte
	root *node
}

// node is one element:
//
//	⎵⎵<a>…</a>
//	↑ ↑  ↑ ↑  ↑
//	lead start open close end
//
// In a self-closing element open, close and end are one.
type node struct {
	name                          string // local name
	known                         bool   // in the metadata namespace
	xsiNil                        bool   // xsi:nil="true"
	xsiType                       string // local part of xsi:type
	text                          string // character data of an element without children
	lead, start, open, close, end int
	line                          int // of start, from 1
	kids                          []*node
}

// parseDocument reads one XML document. It refuses directives (so no DTD, no entities of its own), text outside
// the root, anything after it, and what exceeds the limits. The error carries a line when there is one.
func parseDocument(data []byte) (*document, int, error) {
	d := &document{data: data}
	if len(data) > maxDocument {
		return nil, 0, fmt.Errorf("larger than %d MiB", maxDocument>>20)
	}
	if encoding := wideEncoding(data); encoding != "" {
		return nil, 1, encodingError(encoding)
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	var open []*node
	var text []byte // of the innermost element, which comments may cut into a million pieces
	elements := 0
	for {
		at := int(dec.InputOffset())
		line, _ := dec.InputPos()
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, _ := dec.InputPos()
			return nil, line, syntaxError(err)
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, d.line(at), errors.New("a directive (<!…>) has no place in metadata")
		case xml.CharData:
			if len(open) > 0 {
				text = append(text, t...)
			} else if len(bytes.Trim(t, " \t\r\n\ufeff")) > 0 {
				return nil, d.line(at), errors.New("text outside the root element")
			}
		case xml.StartElement:
			if elements++; elements > maxElements {
				return nil, d.line(at), fmt.Errorf("more than %d elements", maxElements)
			}
			if len(open) == maxDepth {
				return nil, d.line(at), fmt.Errorf("elements nested deeper than %d", maxDepth)
			}
			n := &node{name: t.Name.Local, known: t.Name.Space == namespace, lead: at, start: at, open: int(dec.InputOffset()), line: line}
			for n.lead > 0 && isSpace(data[n.lead-1]) {
				n.lead--
			}
			n.attributes(t.Attr)
			switch {
			case len(open) > 0:
				top := open[len(open)-1]
				top.kids = append(top.kids, n)
			case d.root != nil:
				return nil, d.line(at), errors.New("a second root element")
			default:
				d.root = n
			}
			open, text = append(open, n), text[:0]
		case xml.EndElement:
			n := open[len(open)-1]
			if len(n.kids) == 0 {
				n.text = string(text)
			}
			n.close, n.end = at, int(dec.InputOffset())
			open = open[:len(open)-1]
		}
	}
	if d.root == nil {
		return nil, 0, errors.New("no element in it")
	}
	return d, 0, nil
}

// syntaxTexts are what encoding/xml says of a document without quoting from it.
var syntaxTexts = []string{
	"unexpected EOF", "expected element name after <", "expected target name after <?", "invalid sequence <!- not part of <!--",
	`invalid sequence "--" not allowed in comments`, "invalid <![ sequence", "expected /> in element", "expected attribute name in element",
	"attribute name without = in element", "unquoted or missing attribute value in element", "unescaped ]]> not in CDATA section",
	"unescaped < inside quoted string", "invalid UTF-8", "illegal character code U+",
}

// syntaxError says what is wrong with a document, in words of its own where encoding/xml quotes: what looks like a name may
// be the rest of a secret with a "<" or a "&" in it.
func syntaxError(err error) error {
	var syntax *xml.SyntaxError
	if !errors.As(err, &syntax) {
		if strings.HasPrefix(err.Error(), "xml: encoding") {
			return declaredEncoding(err)
		}
		return errors.New("its XML declaration is not that of version 1.0")
	}
	for _, text := range syntaxTexts {
		if strings.HasPrefix(syntax.Msg, text) {
			return errors.New(oneLine(syntax.Msg))
		}
	}
	switch {
	case strings.HasPrefix(syntax.Msg, "invalid character entity"):
		return errors.New(`an "&" that begins no entity; write &amp;`)
	case strings.HasPrefix(syntax.Msg, "element <"), strings.HasPrefix(syntax.Msg, "unexpected end element"):
		return errors.New("an end tag that is not that of the element before it")
	}
	return errors.New("a tag that is not well-formed")
}

func (n *node) attributes(attrs []xml.Attr) {
	for _, a := range attrs {
		if a.Name.Space != xsiNamespace {
			continue
		}
		switch a.Name.Local {
		case "nil":
			n.xsiNil = a.Value == "true" || a.Value == "1"
		case "type":
			n.xsiType = a.Value[strings.LastIndexByte(a.Value, ':')+1:]
		}
	}
}

// selfClosing tells <a/> from <a></a>.
func (n *node) selfClosing() bool { return n.open == n.end }

// child returns the first element of that name, or nil.
func (n *node) child(name string) *node {
	for _, k := range n.kids {
		if k.known && k.name == name {
			return k
		}
	}
	return nil
}

// at follows a path of local names, whatever their namespaces; nil when one is missing.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		i := slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
		if i < 0 {
			return nil
		}
		n = n.kids[i]
	}
	return n
}

// value returns the trimmed text at a path; "" when there is none.
func (n *node) value(path ...string) string {
	if k := n.at(path...); k != nil {
		return salesforce.Trim(k.text)
	}
	return ""
}

// texts returns what the elements hold, one after the other: what comments, instructions or CDATA cut apart in the bytes is one
// piece there.
func (d *document) texts() []byte {
	var all []byte
	var add func(*node)
	add = func(n *node) {
		all = append(append(all, n.text...), 0)
		for _, k := range n.kids {
			add(k)
		}
	}
	add(d.root)
	return all
}

// line returns the line of an offset, from 1.
func (d *document) line(offset int) int { return 1 + bytes.Count(d.data[:offset], []byte("\n")) }

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }
