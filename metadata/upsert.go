package metadata

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Upsert creates or updates an app's components one after the other by SOAP, without a deployment. Unlike [Org.Deploy], it may
// change only a part. It stops at the first component that the org refuses. The error is an *[Error] that wraps a
// *[ComponentError] and names that component. The changes before it remain, and Upsert returns them.
//
// If the org has a component under another name, Upsert updates it under that name: Salesforce creates policies itself as soon as
// an app has OAuth settings. If the org refuses ValidUntilRevoked, Upsert sends the component once more with [IdlePolicy], as
// [Org.Deploy] does.
func (o *Org) Upsert(ctx context.Context, a App) ([]ComponentChange, error) {
	if err := a.validParts(); err != nil {
		return nil, err
	}
	known := a.known()
	a = a.portable()
	var changes []ComponentChange
	parts := a.parts()
	data, err := withoutSecrets(parts, known)
	if err != nil {
		return nil, wrap("upsert", a.Name, err)
	}
	for i, p := range parts {
		change, err := o.upsert(ctx, p, data[i])
		if infiniteRefusal(err) != nil && p.setIdlePolicy() { // as Deploy does
			if data, err = withoutSecrets(parts, known); err == nil {
				change, err = o.upsert(ctx, p, data[i])
			}
		}
		if err != nil {
			return changes, wrap("upsert", a.Name, err)
		}
		changes = append(changes, change)
	}
	return changes, nil
}

func (o *Org) upsert(ctx context.Context, p part, data []byte) (ComponentChange, error) {
	none := ComponentChange{}
	if err := p.fits(o.cfg.Version); err != nil {
		return none, err
	}
	if err := o.adoptName(ctx, p); err != nil {
		return none, err
	}
	doc, _, err := parseDocument(data)
	if err != nil {
		return none, err
	}
	var body strings.Builder
	body.WriteString(`<metadata xsi:type="` + p.name + `">` + tag("fullName", p.FullName))
	for _, k := range inSchemaOrder(doc.root.kids) {
		writeRecord(&body, doc, k, "")
	}
	body.WriteString("</metadata>")
	a, err := o.soap(ctx, "upsertMetadata", body.String())
	if err != nil {
		return none, err
	}
	if a.value("result", "success") != "true" {
		e := &ComponentError{Type: p.name, FullName: p.FullName, Problem: "the org's answer has no success"}
		if errs := a.at("result", "errors"); errs != nil {
			e.Problem = a.line(errs.value("message"))
			e.Advice = advise(errs.value("statusCode"), e.Problem)
		}
		return none, e
	}
	return ComponentChange{Type: p.name, FullName: p.FullName, Created: a.value("result", "created") == "true", Changed: true}, nil
}

// adoptName gives a component the name under which the org has it.
func (o *Org) adoptName(ctx context.Context, p part) error {
	if p.name == "ExternalClientApplication" || p.name == "ConnectedApp" {
		return nil
	}
	listed, err := o.listMetadata(ctx, []componentType{p.componentType})
	if err != nil {
		return err
	}
	live, found, err := o.find(ctx, p.componentType, listed, p.appName())
	if found {
		p.FullName = live.FullName
	}
	return err
}

// inSchemaOrder sorts elements as SOAP wants them; a file may have them in another order.
func inSchemaOrder(nodes []*node) []*node {
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b *node) int { return cmp.Compare(a.name, b.name) })
	for i, n := range sorted {
		if len(n.kids) > 0 {
			c := *n
			c.kids = inSchemaOrder(n.kids)
			sorted[i] = &c
		}
	}
	return sorted
}
