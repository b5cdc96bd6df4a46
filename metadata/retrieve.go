package metadata

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Retrieve reads all apps of the org in one go, by SOAP, with the package files as Salesforce writes them: all components,
// also those of types without a Go struct of their own, as far as the org has such types.
//
// Like [Parse] it returns what it could read even when the error is not nil: the error joins one [*Error] for each
// component that the org could not give (connected apps of other orgs are listed but not readable) or that could not
// be read.
func (o *Org) Retrieve(ctx context.Context) ([]App, error) {
	data, notes, err := o.retrieve(ctx)
	if err != nil {
		return nil, wrap("retrieve", "apps", err)
	}
	apps, err := ParseZip(data)
	return apps, errors.Join(append(notes, err)...)
}

func (o *Org) retrieve(ctx context.Context) (data []byte, notes []error, err error) {
	body := "<retrieveRequest>" + tag("apiVersion", o.cfg.Version.String()) + tag("singlePackage", "true") + "<unpackaged>"
	for _, t := range componentTypes {
		if t.since <= o.cfg.Version {
			body += "<types>" + tag("members", "*") + tag("name", t.name) + "</types>"
		}
	}
	a, err := o.soap(ctx, "retrieve", body+tag("version", o.cfg.Version.String())+"</unpackaged></retrieveRequest>")
	if err != nil {
		return nil, nil, err
	}
	id := a.value("result", "id")
	if id == "" {
		return nil, nil, errors.New("the org gave the retrieve no ID")
	}
	for pause := firstPoll; ; pause = min(pause*3/2, longestPoll) {
		if err := sleep(ctx, pause); err != nil {
			return nil, nil, err
		}
		a, err := o.soap(ctx, "checkRetrieveStatus", tag("asyncProcessId", id)+tag("includeZip", "true"))
		if err != nil {
			return nil, nil, err
		}
		r := a.at("result")
		if r == nil {
			return nil, nil, errors.New("the org's answer has no result")
		}
		if r.value("done") != "true" {
			continue
		}
		for _, m := range r.kids {
			if m.name == "messages" && !typeIsLacking(m.value("problem")) {
				notes = append(notes, &Error{Op: "retrieve", Name: oneLine(m.value("fileName")), Err: errors.New(oneLine(m.value("problem")))})
			}
		}
		if r.value("success") != "true" {
			return nil, nil, &answerError{code: oneLine(r.value("errorStatusCode")), message: oneLine(r.value("errorMessage"))}
		}
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(r.value("zipFile")), ""))
		if err != nil {
			return nil, nil, fmt.Errorf("the org's zip is not base64: %w", err)
		}
		return data, notes, nil
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
