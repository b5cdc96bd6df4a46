package metadata

import (
	"bytes"
	"encoding/xml"
	"slices"

	"github.com/fullcast/sfauth/internal/secretscan"
)

// besideName is what a value under the name of a secret is called in errors.
const besideName = "what looks like a secret, the value beside the name of one"

// child is an element without children of its own.
type child struct {
	*opened
	text string
	end  int
}

// names tells whether the child's text is the name of what its siblings hold. The app has such names in <key> alone.
func (k child) names() bool { return (k.field == nil || k.name == "key") && namesSecret(k.text) }

// add takes up a child whose siblings may be the name or the value that belongs to it.
func (n *opened) add(k child) {
	if n.ofApp() {
		n.children = append(n.children, k)
		return
	}
	n.namesOther = n.namesOther || k.names()
}

// pairs judges the children of an element of the app, of which one names a secret and another may hold it, in any order.
func (c *cleaner) pairs(n *opened) error {
	for _, known := range []bool{true, false} {
		same := func(k child) bool { return (k.field != nil) == known }
		if !slices.ContainsFunc(n.children, func(k child) bool { return same(k) && k.names() }) {
			continue
		}
		for _, k := range n.children {
			switch {
			case !same(k) || k.names() || !secretscan.IsValue(k.text):
			case known:
				return c.refusal(k.line, "<"+k.name+">", besideName)
			default:
				c.cut(k.start, k.end)
			}
		}
	}
	return nil
}

// attributes leaves out those of a start tag that are a secret by their name or value. A declaration of a namespace cannot go
// without its element.
func (c *cleaner) attributes(n *opened, attrs []xml.Attr, from, to int) error {
	if len(attrs) == 0 {
		return nil
	}
	named := slices.ContainsFunc(attrs, func(a xml.Attr) bool { return namesSecret(a.Value) })
	n.namesOther = named && len(c.open) > 1
	places := attributePlaces(c.data[from:to])
	for i, a := range attrs {
		if i >= len(places) {
			break
		}
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			what := c.known.In(a.Name.Local)
			if what == "" {
				what = c.known.In(a.Value)
			}
			if what != "" && n.ofApp() {
				return c.refusal(n.line, "the namespace of <"+n.name+">", what)
			}
			n.named = n.named || what != ""
			continue
		}
		name := a.Name.Local
		byName := withheld(name) || saysSecret(name) && !secretscan.Setting(name, a.Value)
		if byName || named && secretscan.IsValue(a.Value) || c.known.In(name) != "" || c.known.In(a.Name.Space) != "" || c.known.In(a.Value) != "" {
			c.cut(from+places[i].from, from+places[i].to)
			if byName && len(c.found) < maxKnownSecrets && len(a.Value) >= minSecret {
				c.found = append(c.found, a.Value)
			}
		}
	}
	return nil
}

// attributePlaces returns where the attributes of a well-formed start tag stand, each with the white space before it.
func attributePlaces(tag []byte) []edit {
	var places []edit
	i := bytes.IndexAny(tag, " \t\r\n/>")
	for i >= 0 && i < len(tag) {
		from := i
		for i < len(tag) && isSpace(tag[i]) {
			i++
		}
		equals := bytes.IndexByte(tag[i:], '=')
		if equals < 0 {
			break
		}
		i += equals + 1
		for i < len(tag) && isSpace(tag[i]) {
			i++
		}
		if i >= len(tag) {
			break
		}
		length := bytes.IndexByte(tag[i+1:], tag[i])
		if length < 0 {
			break
		}
		i += length + 2
		places = append(places, edit{from: from, to: i})
	}
	return places
}
