package metadata

import (
	"cmp"
	"context"
	"slices"
)

// Listed is an app in the list of an org.
type Listed struct {
	Kind      Kind
	Name      string // API name, with the namespace of a packaged app
	ID        string // record ID
	Namespace string // of a packaged app, else empty
}

// List returns all apps of the org, ordered by kind and name.
func (o *Org) List(ctx context.Context) ([]Listed, error) {
	external, _ := typeNamed("ExternalClientApplication")
	connected, _ := typeNamed("ConnectedApp")
	found, err := o.listMetadata(ctx, []componentType{external, connected})
	if err != nil {
		return nil, wrap("list", "apps", err)
	}
	var out []Listed
	for _, r := range found {
		kind := KindExternalClientApp
		if r.typeName == connected.name {
			kind = KindConnectedApp
		}
		out = append(out, Listed{kind, r.fullName, r.id, r.namespace})
	}
	slices.SortFunc(out, func(a, b Listed) int { return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name)) })
	return out, nil
}

// fileProperties is one component in a listMetadata answer.
type fileProperties struct{ typeName, fullName, id, namespace string }

// listMetadata lists all components of some types.
func (o *Org) listMetadata(ctx context.Context, types []componentType) ([]fileProperties, error) {
	var out []fileProperties
	for batch := range slices.Chunk(types, maxListQueries) {
		body := ""
		for _, t := range batch {
			body += "<queries>" + tag("type", t.name) + "</queries>"
		}
		a, err := o.soap(ctx, "listMetadata", body+tag("asOfVersion", o.cfg.Version.String()))
		if err != nil {
			return nil, err
		}
		for _, r := range a.kids {
			if r.name == "result" && !r.xsiNil {
				out = append(out, fileProperties{r.value("type"), r.value("fullName"), r.value("id"), r.value("namespacePrefix")})
			}
		}
	}
	return out, nil
}
