package orgtest

import (
	"cmp"
	"strings"
)

type writeMode int

const (
	create writeMode = iota
	update
	upsert
)

// createMetadata refuses a name that is taken. Source: WSDL, see write.
func (o *Org) createMetadata(call *node, s *session, version int) (string, *fault) {
	return o.write(call, s, version, create)
}

// updateMetadata refuses a name that is not there. Source: WSDL, see write.
func (o *Org) updateMetadata(call *node, s *session, version int) (string, *fault) {
	return o.write(call, s, version, update)
}

// upsertMetadata does either. Source: WSDL, see write.
func (o *Org) upsertMetadata(call *node, s *session, version int) (string, *fault) {
	return o.write(call, s, version, upsert)
}

// write is create, update and upsert: components of one type, matched by fullName, each on its own unless
// AllOrNoneHeader says otherwise (docs, CRUD-based calls; this org saves each on its own). That an update replaces the whole
// component, and the texts of both refusals, are assumed.
func (o *Org) write(call *node, s *session, version int, mode writeMode) (string, *fault) {
	list := call.all("metadata")
	typ := ""
	for _, n := range list {
		t := xsiType(n)
		if typ != "" && t != typ {
			return "", &fault{"INVALID_TYPE", "INVALID_TYPE: all components in a call must be of one type"}
		}
		typ = t
	}
	k, f := crudType(typ, len(list), version)
	if f != nil {
		return "", f
	}
	var b strings.Builder
	for _, n := range list {
		body := n.clone()
		fullName := body.value("fullName")
		body.remove("fullName")
		old := o.components.find(k.typ, fullName)
		r := result{change: change{kind: k, fullName: fullName, body: body}}
		switch {
		case mode == create && old != nil:
			r.problem = n.problem("DUPLICATE_DEVELOPER_NAME", "The name "+fullName+" is already in use")
		case mode == update && old == nil:
			r.problem = n.problem("INVALID_CROSS_REFERENCE_KEY", "In field: fullName - no "+typ+" named "+fullName+" found")
		default:
			r = o.commit([]change{r.change}, rules{version: version, ignoreWarnings: true}, deployOptions{RollbackOnError: true})[0]
		}
		saved(&b, r, mode)
		o.record(Entry{Event: "deploy", User: s.user.Username, Detail: typ + " " + fullName, Outcome: cmp.Or(r.status(), "ok")})
	}
	return b.String(), nil
}

// deleteMetadata removes components by name, each on its own. Source: WSDL, deleteMetadata; docs, CRUD-based calls.
func (o *Org) deleteMetadata(call *node, s *session, version int) (string, *fault) {
	names := call.texts("fullNames")
	k, f := crudType(call.value("type"), len(names), version)
	if f != nil {
		return "", f
	}
	var b strings.Builder
	for _, name := range names {
		r := o.commit([]change{{kind: k, fullName: name}}, rules{version: version}, deployOptions{RollbackOnError: true})[0]
		saved(&b, r, update)
		o.record(Entry{Event: "deploy", User: s.user.Username, Detail: "delete " + k.typ + " " + name, Outcome: cmp.Or(r.status(), "ok")})
	}
	return b.String(), nil
}

func (r result) status() string {
	if r.problem == nil {
		return ""
	}
	return r.problem.status
}

// saved writes a SaveResult, UpsertResult or DeleteResult. Source: WSDL.
func saved(b *strings.Builder, r result, mode writeMode) {
	b.WriteString("<result>")
	if mode == upsert {
		b.WriteString("<created>" + boolean(r.created && r.problem == nil) + "</created>")
	}
	if r.problem != nil {
		b.WriteString("<errors><message>" + escape(r.problem.text) + "</message><statusCode>" + r.problem.status + "</statusCode></errors>")
	}
	b.WriteString("<fullName>" + escape(r.fullName) + "</fullName><success>" + boolean(r.problem == nil) + "</success></result>")
}

// xsiType is the type a metadata element claims, without its prefix.
func xsiType(n *node) string {
	for _, a := range n.attributes {
		if a.Name.Local == "type" {
			return a.Value[strings.LastIndex(a.Value, ":")+1:]
		}
	}
	return ""
}
