package metadata

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
)

// Retrieve reads all apps of the org with one SOAP retrieve. The result holds the package files as Salesforce writes them: all
// components, including types without a Go struct, if the org has such types.
//
// As with [Parse], the returned apps are usable even if the error is not nil. The error joins one *[Error] for each component
// that the org could not return, or that could not be read. For example, an org lists connected apps of other orgs and cannot
// return them.
func (o *Org) Retrieve(ctx context.Context) ([]App, error) {
	data, notes, said, err := o.retrieve(ctx)
	if err != nil {
		return nil, wrap("retrieve", "apps", err)
	}
	apps, err := ParseZip(data)
	if zipRepeats(data, apps, said) {
		return nil, wrap("retrieve", "apps", errRepeats)
	}
	return apps, errors.Join(append(notes, err)...)
}

// zipRepeats reports whether a zip holds what was sent: in the name of a file, which its error tells, or in an app.
func zipRepeats(data []byte, apps []App, said scrub.Scrubber) bool {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return false // nor is there an app, or a name in an error
	}
	if slices.ContainsFunc(r.File, func(f *zip.File) bool { return said.Repeats([]byte(f.Name)) }) {
		return true
	}
	return slices.ContainsFunc(apps, func(a App) bool {
		return slices.ContainsFunc(a.parts(), func(p part) bool {
			doc := p.Component.source().doc
			return said.Repeats(doc.data) || said.Repeats(doc.texts())
		})
	})
}

func (o *Org) retrieve(ctx context.Context) (data []byte, notes []error, said scrub.Scrubber, err error) {
	body := "<retrieveRequest>" + tag("apiVersion", o.cfg.Version.String()) + tag("singlePackage", "true") + "<unpackaged>"
	for _, t := range componentTypes {
		if t.since <= o.cfg.Version {
			body += "<types>" + tag("members", "*") + tag("name", t.name) + "</types>"
		}
	}
	a, err := o.soap(ctx, "retrieve", body+tag("version", o.cfg.Version.String())+"</unpackaged></retrieveRequest>")
	if err != nil {
		return nil, nil, said, err
	}
	id := a.value("result", "id")
	if id == "" {
		return nil, nil, said, errors.New("the org gave the retrieve no ID")
	}
	for pause := firstPoll; ; pause = min(2*pause, longestPoll) {
		if err := sleep(ctx, pause); err != nil {
			return nil, nil, said, err
		}
		a, err := o.soap(ctx, "checkRetrieveStatus", tag("asyncProcessId", id)+tag("includeZip", "true"))
		if err != nil {
			return nil, nil, said, err
		}
		r := a.at("result")
		if r == nil {
			return nil, nil, said, errors.New("the org's answer has no result")
		}
		if r.value("done") != "true" {
			continue
		}
		for _, m := range r.kids {
			if m.name == "messages" && !typeIsLacking(m.value("problem")) {
				notes = append(notes, &Error{Op: "retrieve", Name: a.line(m.value("fileName")), Err: errors.New(a.line(m.value("problem")))})
			}
		}
		if r.value("success") != "true" {
			return nil, nil, said, &answerError{code: a.line(r.value("errorStatusCode")), message: a.line(r.value("errorMessage"))}
		}
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(r.value("zipFile")), ""))
		if err != nil {
			return nil, nil, said, fmt.Errorf("the org's zip is not base64: %w", err)
		}
		return data, notes, a.said, nil
	}
}

// typeIsLacking tells the message on a type that not every org has, which is no fault: such an org has no component of it.
//
// Source: logs of Salesforce's migration tool: "Entity type: 'X' is unknown", "Entity type 'X' is not available in this api
// version".
func typeIsLacking(problem string) bool {
	return strings.HasPrefix(problem, "Entity type") && slices.ContainsFunc(componentTypes, func(t componentType) bool {
		return !t.typed() && strings.Contains(problem, "'"+t.name+"'")
	})
}
