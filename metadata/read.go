package metadata

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
)

// Limits of Salesforce's calls.
const (
	maxListQueries = 3
	maxReadNames   = 10
)

// Read reads one app from the org. For an external client app, Read lists the components and selects those that name the app,
// whatever their own names are. It does not read components of types without a Go struct, because only a comparison or a move
// needs them; use [Org.ReadOther].
//
// If the org has no such app, the error wraps [ErrNotFound]. If the org refuses every session, it wraps [ErrSession] or
// [ErrJWTSession].
func (o *Org) Read(ctx context.Context, kind Kind, apiName string) (App, error) {
	app, err := o.read(ctx, kind, apiName)
	return app, wrap("read", string(kind)+" "+apiName, err)
}

func (o *Org) read(ctx context.Context, kind Kind, apiName string) (App, error) {
	header, satellites := "ExternalClientApplication", []componentType(nil)
	switch kind {
	case KindConnectedApp:
		header = "ConnectedApp"
	case KindExternalClientApp:
		for _, t := range componentTypes[1:] {
			if t.typed() && t.name != "ConnectedApp" && t.since <= o.cfg.Version {
				satellites = append(satellites, t)
			}
		}
	default:
		return App{}, fmt.Errorf("the kind %+q is neither of the two kinds of app", kind)
	}
	t, _ := typeNamed(header)
	parts, err := o.readMetadata(ctx, t, []string{apiName})
	if err != nil {
		return App{}, err
	}
	if len(parts) == 0 {
		return App{}, ErrNotFound
	}
	app := App{Kind: kind, Name: parts[0].FullName} // Salesforce finds names in any case; this is the right one
	app.setPart(parts[0])
	listed, err := o.listMetadata(ctx, satellites)
	if err != nil {
		return App{}, err
	}
	for _, t := range satellites {
		p, found, err := o.find(ctx, t, listed, app.Name)
		if err != nil {
			return App{}, err
		}
		if found {
			app.setPart(p)
		}
	}
	return app, nil
}

// ReadOther reads the components of an external client app that [Org.Read] does not read, for App.Other: canvas, mobile, push,
// SAML and notification components. It makes one or more calls for each type. The parameter apiName is the App.Name that Read
// returned. ReadOther skips a type that the org does not have. Salesforce does not return some values, such as a private key. So
// do not add these components to an app that you deploy to the same org.
//
// Source: Metadata API, listMetadata; INVALID_TYPE for a type that an org lacks as in logs of Salesforce's tools.
func (o *Org) ReadOther(ctx context.Context, apiName string) ([]OtherComponent, error) {
	var all []OtherComponent
	for _, t := range componentTypes {
		if t.typed() || t.since > o.cfg.Version {
			continue
		}
		p, found, err := o.readOther(ctx, t, apiName)
		if err != nil {
			return nil, wrap("read", string(KindExternalClientApp)+" "+apiName, err)
		}
		if found {
			all = append(all, p.v.Interface().(OtherComponent))
		}
	}
	return all, nil
}

func (o *Org) readOther(ctx context.Context, t componentType, apiName string) (part, bool, error) {
	listed, err := o.listMetadata(ctx, []componentType{t}) // alone: one type that is lacking refuses the call
	var refused *answerError
	if errors.As(err, &refused) && refused.code == "INVALID_TYPE" {
		return part{}, false, nil
	}
	if err != nil {
		return part{}, false, err
	}
	return o.find(ctx, t, listed, apiName)
}

// find reads the listed components of one type until one names the app. Those that look like it by their name are
// read first: an org may have hundreds.
func (o *Org) find(ctx context.Context, t componentType, listed []fileProperties, apiName string) (part, bool, error) {
	var names []string
	for _, l := range listed {
		if l.typeName == t.name {
			names = append(names, l.fullName)
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return unlike(a, apiName) - unlike(b, apiName)
	})
	for batch := range slices.Chunk(names, maxReadNames) {
		parts, err := o.readMetadata(ctx, t, batch)
		if err != nil {
			return part{}, false, err
		}
		for _, p := range parts {
			if p.appName() == apiName {
				return p, true, nil
			}
		}
	}
	return part{}, false, nil
}

func unlike(name, apiName string) int {
	if strings.HasPrefix(name, apiName) {
		return 0
	}
	return 1
}

// readMetadata returns those of the named components that the org has.
func (o *Org) readMetadata(ctx context.Context, t componentType, names []string) ([]part, error) {
	body := tag("type", t.name)
	for _, n := range names {
		body += tag("fullNames", n)
	}
	a, err := o.soap(ctx, "readMetadata", body)
	if err != nil {
		return nil, err
	}
	result := a.at("result")
	if result == nil {
		return nil, nil
	}
	var parts []part
	for _, r := range result.kids {
		name := r.value("fullName")
		if r.name != "records" || r.xsiNil || name == "" {
			continue
		}
		p := newPart(t)
		p.FullName = name
		if _, err := p.read(recordFile(a.doc, r, t.name)); err != nil {
			return nil, fmt.Errorf("%s %s: %w", t.name, scrub.Name(name), err)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// recordFile makes a record of a SOAP answer a file as a retrieve would write it, with every element it has.
func recordFile(doc *document, record *node, typeName string) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n<" + typeName + ` xmlns="` + namespace + `">` + "\n")
	for _, k := range record.kids {
		if k.name != "fullName" {
			writeRecord(&b, doc, k, "    ")
		}
	}
	b.WriteString("</" + typeName + ">\n")
	return []byte(b.String())
}

func writeRecord(b *strings.Builder, doc *document, n *node, in string) {
	if n.xsiNil {
		return
	}
	b.WriteString(in + "<" + n.name + ">")
	if len(n.kids) == 0 {
		b.Write(doc.data[n.open:n.close])
	} else {
		b.WriteString("\n")
		for _, k := range n.kids {
			writeRecord(b, doc, k, in+"    ")
		}
		b.WriteString(in)
	}
	b.WriteString("</" + n.name + ">\n")
}
