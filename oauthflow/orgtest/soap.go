package orgtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var soapPath = regexp.MustCompile(`^/services/Soap/m/(\d+)(\.0)?(/\w+)?/?$`)

// operation is one call of the Metadata API over SOAP; it returns the inner XML of the response element.
type operation func(o *Org, call *node, s *session, version int) (string, *fault)

var operations = map[string]operation{
	"listMetadata":           (*Org).listMetadata,
	"readMetadata":           (*Org).readMetadata,
	"createMetadata":         (*Org).createMetadata,
	"updateMetadata":         (*Org).updateMetadata,
	"upsertMetadata":         (*Org).upsertMetadata,
	"deleteMetadata":         (*Org).deleteMetadata,
	"describeMetadata":       (*Org).describeMetadata,
	"deploy":                 (*Org).soapDeploy,
	"checkDeployStatus":      (*Org).checkDeployStatus,
	"cancelDeploy":           (*Org).cancelDeploy,
	"deployRecentValidation": (*Org).deployRecentValidation,
	"retrieve":               (*Org).soapRetrieve,
	"checkRetrieveStatus":    (*Org).checkRetrieveStatus,
}

// fault is a SOAP fault.
type fault struct{ code, text string }

// soap is the Metadata API endpoint. The session is in the SessionHeader, not in an HTTP header; an expired one is HTTP 500
// with faultcode sf:INVALID_SESSION_ID. Elements are matched by local name in any order, as clients differ.
// Source: WSDL; captured calls of jsforce and the sf CLI.
func (o *Org) soap(in *request) answer {
	m := soapPath.FindStringSubmatch(in.path)
	if m == nil || in.Method != http.MethodPost {
		return soapFault(&fault{"UNKNOWN_EXCEPTION", "Destination URL not reset"})
	}
	version, err := apiVersion(m[1], o.newest())
	if err != nil {
		return soapFault(&fault{"UNSUPPORTED_API_VERSION", err.Error()})
	}
	envelope, err := parseXML(in.body)
	if err != nil || envelope.name != "Envelope" || envelope.at("Body") == nil || len(envelope.at("Body").children) != 1 {
		return soapFault(&fault{"UNKNOWN_EXCEPTION", "The request is not a SOAP envelope with one call"})
	}
	call := envelope.at("Body").children[0]
	o.mu.Lock()
	defer o.mu.Unlock()
	e := Entry{Event: "api", Detail: "SOAP " + call.name, Outcome: "INVALID_SESSION_ID"}
	defer func() { o.record(e) }()
	s, why := o.sessionOf(in, envelope.value("Header/SessionHeader/sessionId"))
	if why != "" || !has(s.scopes, "api", "full", "web") || isJWT(s.token) {
		return soapFault(&fault{"INVALID_SESSION_ID", "INVALID_SESSION_ID: Invalid Session ID found in SessionHeader: Illegal Session"})
	}
	if !o.spend() { // docs, API request limits
		e.Outcome = "REQUEST_LIMIT_EXCEEDED"
		return soapFault(&fault{"REQUEST_LIMIT_EXCEEDED", "REQUEST_LIMIT_EXCEEDED: TotalRequests Limit exceeded."})
	}
	e.User, e.Outcome = s.user.Username, "ok"
	if s.user.Profile != administrator {
		e.Outcome = "INSUFFICIENT_ACCESS"
		return soapFault(&fault{"INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS: use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions"})
	}
	op := operations[call.name]
	switch unread := unreadSOAP(envelope.at("Header"), call.name); {
	case unread != "":
		e.Outcome = notSimulated + unread
		return soapFault(unsimulatedSOAP(unread))
	case op == nil:
		e.Outcome = "unknown operation"
		return soapFault(&fault{"UNKNOWN_EXCEPTION", "UNKNOWN_EXCEPTION: No operation available for request " + call.name})
	}
	inner, f := op(o, call, s, version)
	if f != nil {
		e.Outcome = f.code
		return soapFault(f)
	}
	return soapAnswer(http.StatusOK, fmt.Sprintf("<%[1]sResponse>%[2]s</%[1]sResponse>", call.name, inner))
}

const soapEnvelope = `<?xml version="1.0" encoding="UTF-8"?>` +
	`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="` + metadataNamespace + `" ` +
	`xmlns:sf="` + metadataNamespace + `" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>%s</soapenv:Body></soapenv:Envelope>`

func soapAnswer(status int, body string) answer {
	return answer{status, http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, fmt.Appendf(nil, soapEnvelope, body)}
}

func soapFault(f *fault) answer {
	return soapAnswer(http.StatusInternalServerError, "<soapenv:Fault><faultcode>sf:"+f.code+"</faultcode><faultstring>"+
		escape(f.text)+"</faultstring></soapenv:Fault>")
}

// listMetadata gives FileProperties; nothing in them links a satellite to its app (docs).
func (o *Org) listMetadata(call *node, _ *session, version int) (string, *fault) {
	var b strings.Builder
	if len(call.all("queries")) > 3 { // docs: at most three queries in a call
		return "", &fault{"EXCEEDED_ID_LIMIT", "EXCEEDED_ID_LIMIT: only 3 queries can be specified"}
	}
	version, f := o.asOf(call, version)
	if f != nil {
		return "", f
	}
	for _, q := range call.all("queries") {
		typ := q.value("type")
		if q.value("folder") != "" {
			return "", unsimulatedSOAP("folder")
		}
		if emptyType(typ) {
			continue
		}
		if !knownType(typ, version) {
			return "", unknownType(typ)
		}
		for _, k := range kinds {
			if k.packageType() != typ {
				continue
			}
			for _, c := range o.components.of(k.typ) {
				b.WriteString("<result>" + o.properties(c, "") + "</result>")
			}
		}
	}
	return b.String(), nil
}

// knownType says whether an API version has a type at all: one of its fields must be known.
func knownType(typ string, version int) bool {
	for _, k := range kinds {
		if k.packageType() != typ {
			continue
		}
		for _, f := range schema().types[k.typ] {
			if f.span.has(version) {
				return true
			}
		}
	}
	return false
}

// properties is FileProperties of the WSDL.
func (o *Org) properties(c *component, folder string) string {
	admin := o.users[0]
	name := escape(admin.FirstName + " " + admin.LastName)
	return "<createdById>" + admin.id + "</createdById><createdByName>" + name + "</createdByName><createdDate>" + stamp(c.created) +
		"</createdDate><fileName>" + folder + c.file(c.fullName) + "</fileName><fullName>" + c.fullName + "</fullName><id>" + c.id +
		"</id><lastModifiedById>" + admin.id + "</lastModifiedById><lastModifiedByName>" + name + "</lastModifiedByName><lastModifiedDate>" +
		stamp(c.modified) + "</lastModifiedDate><manageableState>unmanaged</manageableState><type>" + c.packageType() + "</type>"
}

// readMetadata returns whole components as the API version sees them. A name that is not there gives an empty record
// (assumed), so that the records stand in the order of the names.
func (o *Org) readMetadata(call *node, _ *session, version int) (string, *fault) {
	typ, names := call.value("type"), call.texts("fullNames")
	k, f := crudType(typ, len(names), version)
	if f != nil {
		return "", f
	}
	var b strings.Builder
	b.WriteString("<result>")
	for _, name := range names {
		c := o.components.find(k.typ, name)
		if c == nil {
			b.WriteString(`<records xsi:nil="true"/>`)
			continue
		}
		b.WriteString(`<records xsi:type="` + typ + `"><fullName>` + escape(c.fullName) + `</fullName>`)
		o.retrieved(c, version).write(&b, "")
		b.WriteString("</records>")
	}
	b.WriteString("</result>")
	return b.String(), nil
}

// crudType checks the type of a CRUD call and its limit of ten components. Source: docs, CRUD-based calls; the limit and both
// texts are assumed, the pages that were read do not show them.
func crudType(typ string, count, version int) (kind, *fault) {
	k, ok := kindOf(typ)
	if !ok || !knownType(k.packageType(), version) {
		return kind{}, unknownType(typ)
	}
	if count > 10 {
		return kind{}, &fault{"EXCEEDED_ID_LIMIT", "EXCEEDED_ID_LIMIT: record limit reached. cannot submit more than 10 records into this operation"}
	}
	return k, nil
}

func boolean(v bool) string { return strconv.FormatBool(v) }

func decode64(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}
