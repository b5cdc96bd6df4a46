package orgtest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const metadataNamespace = "http://soap.sforce.com/2006/04/metadata"

// node is one XML element: either text or children. Namespaces are checked at the root and then dropped.
type node struct {
	name, space  string
	text         string
	children     []*node
	attributes   []xml.Attr
	line, column int
}

// problem is what a deploy reports about one component.
type problem struct {
	status       string // Salesforce's status code, for SOAP errors
	text         string
	line, column int
}

// problem is one of this element. Source: WSDL, DeployMessage, for line and column; each caller cites its text.
func (n *node) problem(status, text string) *problem {
	return &problem{status: status, text: text, line: n.line, column: n.column}
}

// parseXML reads one document. It keeps the position of each element for error messages and trims text, as "the API trims
// any leading and trailing whitespace" (docs, upsertMetadata).
func parseXML(data []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var root *node
	var open []*node
	var texts [][]byte // of the open elements: comments may cut one into a million pieces
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.Directive:
			return nil, errors.New("DOCTYPE is not allowed")
		case xml.StartElement:
			n := &node{name: t.Name.Local, space: t.Name.Space, attributes: slices.Clone(t.Attr)}
			n.line, n.column = d.InputPos()
			if len(open) > 0 {
				top := open[len(open)-1]
				top.children = append(top.children, n)
			} else if root != nil {
				return nil, errors.New("more than one root element")
			} else {
				root = n
			}
			open, texts = append(open, n), append(texts, nil)
			if len(open) > 50 {
				return nil, errors.New("nested too deeply")
			}
		case xml.CharData:
			if len(open) > 0 {
				texts[len(texts)-1] = append(texts[len(texts)-1], t...)
			}
		case xml.EndElement:
			top := open[len(open)-1]
			top.text = strings.TrimSpace(string(texts[len(texts)-1]))
			open, texts = open[:len(open)-1], texts[:len(texts)-1]
		}
	}
	if root == nil {
		return nil, errors.New("premature end of file")
	}
	return root, nil
}

// at follows a path such as "oauthConfig/isPkceRequired" and returns nil when there is nothing.
func (n *node) at(path string) *node {
	for name := range strings.SplitSeq(path, "/") {
		if n == nil {
			return nil
		}
		i := slices.IndexFunc(n.children, func(c *node) bool { return c.name == name })
		if i < 0 {
			return nil
		}
		n = n.children[i]
	}
	return n
}

// value is the text at a path, "" when there is nothing.
func (n *node) value(path string) string {
	if n = n.at(path); n == nil {
		return ""
	}
	return n.text
}

func (n *node) is(path string) bool {
	v := n.value(path)
	return v == "true" || v == "1"
}

func (n *node) all(name string) []*node {
	var out []*node
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			out = append(out, c)
		}
	}
	return out
}

func (n *node) texts(name string) []string {
	var out []string
	for _, c := range n.all(name) {
		out = append(out, c.text)
	}
	return out
}

// set puts a text at a path, making the elements on the way; fill does so only where nothing is.
func (n *node) set(path, text string) {
	first, rest, nested := strings.Cut(path, "/")
	child := n.at(first)
	if child == nil {
		child = &node{name: first}
		n.children = append(n.children, child)
	}
	if nested {
		child.set(rest, text)
		return
	}
	child.text, child.children = text, nil
}

func (n *node) fill(path, text string) {
	if n.at(path) == nil {
		n.set(path, text)
	}
}

// remove takes every element at a path away.
func (n *node) remove(path string) {
	first, rest, nested := strings.Cut(path, "/")
	if nested {
		if child := n.at(first); child != nil {
			child.remove(rest)
		}
		return
	}
	n.children = slices.DeleteFunc(n.children, func(c *node) bool { return c.name == first })
}

func (n *node) clone() *node {
	c := *n
	c.children = make([]*node, len(n.children))
	for i, child := range n.children {
		c.children[i] = child.clone()
	}
	return &c
}

// write appends the children as XML, four spaces an indent. Line feeds in text stay raw, as retrieved callback URLs have them.
func (n *node) write(b *strings.Builder, indent string) {
	for _, c := range n.children {
		fmt.Fprintf(b, "%s<%s>", indent, c.name)
		if len(c.children) > 0 {
			b.WriteString("\n")
			c.write(b, indent+"    ")
			b.WriteString(indent)
		} else {
			b.WriteString(escape(c.text))
		}
		fmt.Fprintf(b, "</%s>\n", c.name)
	}
}

// escape quotes the three characters that text may not hold.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// file is a component as Salesforce retrieves it. Source: retrieved files in public repositories.
func (n *node) file(typ string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%s\">\n", typ, metadataNamespace)
	n.write(&b, "    ")
	fmt.Fprintf(&b, "</%s>\n", typ)
	return []byte(b.String())
}
