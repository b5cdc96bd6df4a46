package policy

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/metadata"
)

// metadataNamespace is the one that the elements of a component are in.
const metadataNamespace = "http://soap.sforce.com/2006/04/metadata"

// unknown are the elements and components that package metadata does not know, each with a digest of what they hold: what is
// inside may be a secret, and all that is asked is whether it is the same. side stands for the inside of a component that
// cannot be written, so that it never passes for the same as the other side's.
func unknown(a metadata.App, side string) map[element]string {
	all := map[element]string{}
	for name, c := range components(a) {
		names := c.(interface{ Unknown() []string }).Unknown()
		if len(names) == 0 {
			continue
		}
		files, err := alone(a, name).Files()
		var inside map[string]string
		if err == nil {
			inside, _, err = digests(files[0].Data, reflect.TypeOf(c).Elem())
		}
		if err != nil {
			for _, n := range names {
				all[element{name, n}] = side
			}
		}
		for n, digest := range inside {
			all[element{name, n}] = digest
		}
	}
	for _, o := range a.Other {
		whole := side
		files, err := metadata.App{Kind: a.Kind, Name: a.Name, Other: []metadata.OtherComponent{o}}.Files()
		if err == nil {
			if _, digest, err := digests(files[0].Data, nil); err == nil {
				whole = digest
			}
		}
		all[element{o.Type, "(whole component)"}] = whole
	}
	return all
}

// alone returns an app with one of its components.
func alone(a metadata.App, component string) metadata.App {
	one := metadata.App{Kind: a.Kind, Name: a.Name}
	from, to := reflect.ValueOf(a), reflect.ValueOf(&one).Elem()
	for i := range from.NumField() {
		if from.Type().Field(i).Tag.Get("type") == component {
			to.Field(i).Set(from.Field(i))
		}
	}
	return one
}

// digests reads a component's file and returns a digest of what the elements that known does not have hold, by name, those
// of one name together in their order, and one of the whole. known is the component's struct. Digests do not depend on the
// order of names, on comments or on white space around texts, so that an org's answer and a file compare. One pass is enough:
// a digest is made of those of the elements inside.
func digests(data []byte, known reflect.Type) (unknown map[string]string, whole string, err error) {
	unknown = map[string]string{}
	found := map[string][]byte{}
	open := []*openElement{{}} // the first holds the root
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, "", err
		}
		top := open[len(open)-1]
		switch t := tok.(type) {
		case xml.StartElement:
			child := &openElement{name: t.Name.Local}
			switch {
			case len(open) == 1:
				child.kind, child.known = known, true
			case top.kind != nil && t.Name.Space == metadataNamespace:
				child.kind, child.known = fieldType(top.kind, t.Name.Local)
			}
			open = append(open, child)
		case xml.CharData:
			if len(top.inside) == 0 {
				top.text = append(top.text, t...)
			}
		case xml.EndElement:
			open = open[:len(open)-1]
			above := open[len(open)-1]
			digest := top.digest()
			above.inside = append(above.inside, digested{top.name, digest})
			if above.known && !top.known {
				found[top.name] = append(found[top.name], digest[:]...)
			}
		}
	}
	for name, all := range found {
		unknown[name] = fmt.Sprintf("%x", sha256.Sum256(all))
	}
	return unknown, fmt.Sprintf("%x", open[0].digest()), nil
}

// openElement is an element whose end has not been read yet.
type openElement struct {
	name   string
	kind   reflect.Type // the struct that its children fill; nil where they are unknown, or where it holds a value
	known  bool         // package metadata has it
	text   []byte
	inside []digested
}

type digested struct {
	name   string
	digest [sha256.Size]byte
}

func (e *openElement) digest() [sha256.Size]byte {
	if len(e.inside) == 0 {
		return sha256.Sum256(append([]byte("text "), bytes.Trim(e.text, salesforce.XMLSpace)...))
	}
	slices.SortStableFunc(e.inside, func(a, b digested) int { return cmp.Compare(a.name, b.name) })
	h := sha256.New()
	for _, k := range e.inside {
		fmt.Fprintf(h, "%d %s ", len(k.name), k.name)
		h.Write(k.digest[:])
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// fieldType tells whether a struct of package metadata has an element, and the struct that the element's children fill.
func fieldType(t reflect.Type, name string) (kind reflect.Type, known bool) {
	f, known := fieldByTag(t, name)
	if !known {
		return nil, false
	}
	kind = f.Type
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct || strings.Contains(f.Tag.Get("api"), "platform") {
		return nil, true
	}
	return kind, true
}
