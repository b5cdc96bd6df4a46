package orgtest

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// soapDeploy is the SOAP form of a deploy: base64 zip and DeployOptions in any order. Source: WSDL, deploy; captured calls of the
// sf CLI, whose order is not the WSDL's. That the first state is Queued and the text for a bad zip are assumed.
func (o *Org) soapDeploy(call *node, s *session, _ int) (string, *fault) {
	archive, err := decode64(call.value("ZipFile"))
	if err != nil {
		return "", &fault{"INVALID_INPUT", "INVALID_INPUT: ZipFile is not base64"}
	}
	given, f := soapOptions(call.at("DeployOptions"))
	if f != nil {
		return "", f
	}
	if text := given.unread(); text != "" {
		return "", &fault{"UNKNOWN_EXCEPTION", text}
	}
	return queued(o.deploy(archive, given.deployOptions, s.user)), nil
}

func queued(j *job) string {
	return "<result><done>false</done><id>" + j.id + "</id><state>Queued</state></result>"
}

// checkDeployStatus answers with the DeployResult. Clients write includeDetails as text or as an element of its own. Source:
// WSDL, checkDeployStatus; captured calls of two versions of jsforce.
func (o *Org) checkDeployStatus(call *node, _ *session, _ int) (string, *fault) {
	j := o.findJob(call.value("asyncProcessId"))
	if j == nil {
		return "", noSuchJob(call.value("asyncProcessId"))
	}
	result := j.result(o.now())
	if call.is("includeDetails") || call.is("includeDetails/details") {
		result["details"] = j.details()
	}
	var b strings.Builder
	soapValue(&b, "result", result)
	return b.String(), nil
}

// deployRecentValidation is a quick deploy; the answer is the bare id (WSDL).
func (o *Org) deployRecentValidation(call *node, s *session, _ int) (string, *fault) {
	id := call.value("validationId")
	j := o.deployRecent(id, s.user)
	if j == nil {
		return "", noSuchJob(id)
	}
	return "<result>" + j.id + "</result>", nil
}

// cancelDeploy says in done whether nothing is left to wait for. Source: WSDL, cancelDeploy, whose one parameter is named String;
// that a cancelled deploy ends at once, and the refusal of one that has ended, are assumed.
func (o *Org) cancelDeploy(call *node, _ *session, _ int) (string, *fault) {
	j := o.findJob(call.value("String"))
	if j == nil {
		return "", noSuchJob(call.value("String"))
	}
	if !o.cancel(j) {
		return "", &fault{"INVALID_ID_FIELD", "INVALID_ID_FIELD: Deployment already completed"}
	}
	return "<result><done>true</done><id>" + j.id + "</id></result>", nil
}

func (o *Org) findJob(id string) *job {
	for _, name := range sorted(o.jobs) {
		if sameID(id, name) {
			return o.jobs[name]
		}
	}
	return nil
}

// noSuchJob refuses an id that is no deploy or retrieve of this org. Code and text are assumed.
func noSuchJob(id string) *fault {
	return &fault{"INVALID_ID_FIELD", "INVALID_ID_FIELD: Invalid AsyncProcessId: " + id}
}

// soapRetrieve collects what a manifest names. Without singlePackage the files lie under unpackaged/. Source: WSDL, retrieve;
// captured calls of the sf CLI and jsforce for order, names and that folder; that it is done at once is assumed.
func (o *Org) soapRetrieve(call *node, s *session, _ int) (string, *fault) {
	request := call.at("request")
	if request == nil {
		request = call.at("retrieveRequest")
	}
	version, err := apiVersion(request.value("apiVersion"), o.newest())
	if err != nil {
		return "", &fault{"INVALID_INPUT", "INVALID_INPUT: " + err.Error()}
	}
	for _, name := range []string{"packageNames", "specificFiles", "rootTypesWithDependencies"} {
		if request.at(name) != nil {
			return "", unsimulatedSOAP(name)
		}
	}
	for _, m := range members(request.at("unpackaged")) {
		if unread := unreadType(m.typ, m.fullName); unread != "" && !m.known && !emptyType(m.typ) {
			return "", unsimulatedSOAP(unread)
		}
	}
	j := &job{id: o.newID("09S"), by: s.user, started: o.now(), status: "Succeeded", done: true}
	o.jobs[j.id] = j
	if !request.is("singlePackage") {
		j.folder = "unpackaged/"
	}
	o.collect(j, request.at("unpackaged"), version)
	return queued(j), nil
}

// collect finds the components; a type or name that is not there is a message, not a failure. Source: WSDL, RetrieveMessage;
// logs of Salesforce's migration tool for the texts.
func (o *Org) collect(j *job, manifest *node, version int) {
	if manifest == nil {
		manifest = &node{}
	}
	var list []member
	for _, m := range members(manifest) {
		switch {
		case m.fullName == "*" && emptyType(m.typ):
			continue
		case !m.known && m.fullName == "*":
			j.messages = append(j.messages, "Entity type: '"+m.typ+"' is unknown")
			continue
		case !m.known:
			j.messages = append(j.messages, "Entity of type '"+m.typ+"' named '"+m.fullName+"' cannot be found")
			continue
		case !knownType(m.packageType(), version):
			j.messages = append(j.messages, "Entity type '"+m.typ+"' is not available in this api version")
			continue
		}
		if m.fullName == "*" {
			for _, k := range kinds {
				if k.packageType() == m.typ {
					for _, c := range o.components.of(k.typ) {
						list = append(list, member{kind: k, fullName: c.fullName})
					}
				}
			}
			continue
		}
		list = append(list, m)
	}
	for _, m := range list {
		c := o.components.find(m.kind.typ, m.fullName)
		if c == nil {
			j.messages = append(j.messages, "Entity of type '"+m.packageType()+"' named '"+m.fullName+"' cannot be found")
		} else if !slices.Contains(j.list, c) {
			j.list = append(j.list, c)
		}
	}
	j.zip = o.archive(j, version)
}

// archive writes the zip of a retrieve, package.xml last (assumed; its order of types is that of retrieved files).
func (o *Org) archive(j *job, version int) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, data []byte) {
		w, err := z.Create(j.folder + name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			panic("orgtest: " + err.Error()) // writing to memory
		}
	}
	named := map[string][]string{}
	for _, c := range j.list {
		add(c.file(c.fullName), o.retrieved(c, version).file(c.typ))
		named[c.packageType()] = append(named[c.packageType()], c.fullName)
	}
	manifest := &node{}
	for _, typ := range sorted(named) {
		types := &node{name: "types"}
		for _, name := range slices.Sorted(slices.Values(named[typ])) {
			types.children = append(types.children, &node{name: "members", text: name})
		}
		types.children = append(types.children, &node{name: "name", text: typ})
		manifest.children = append(manifest.children, types)
	}
	manifest.set("version", fmt.Sprintf("%d.0", version))
	add("package.xml", manifest.file("Package"))
	if err := z.Close(); err != nil {
		panic("orgtest: " + err.Error())
	}
	return b.Bytes()
}

// checkRetrieveStatus answers with the RetrieveResult, the zip unless includeZip is false. Source: WSDL, checkRetrieveStatus; members that
// clients cannot do without, found by leaving each out. That includeZip may be left out is assumed.
func (o *Org) checkRetrieveStatus(call *node, _ *session, _ int) (string, *fault) {
	j := o.findJob(call.value("asyncProcessId"))
	if j == nil || j.zip == nil {
		return "", noSuchJob(call.value("asyncProcessId"))
	}
	var b strings.Builder
	b.WriteString("<result><done>true</done>")
	for _, c := range j.list {
		b.WriteString("<fileProperties>" + o.properties(c, j.folder) + "</fileProperties>")
	}
	b.WriteString("<id>" + j.id + "</id>")
	for _, text := range j.messages {
		b.WriteString("<messages><fileName>" + j.folder + "package.xml</fileName><problem>" + escape(text) + "</problem></messages>")
	}
	b.WriteString("<status>" + j.status + "</status><success>true</success>")
	if call.at("includeZip") == nil || call.is("includeZip") {
		b.WriteString("<zipFile>" + base64.StdEncoding.EncodeToString(j.zip) + "</zipFile>")
	}
	b.WriteString("</result>")
	return b.String(), nil
}

// describeMetadata lists the types an API version has. Source: WSDL, describeMetadata; suffixes and folders as in the registry of
// the sf CLI; what it says of partial saves and tests is assumed from the rule that production rolls back.
func (o *Org) describeMetadata(call *node, _ *session, version int) (string, *fault) {
	version, f := o.asOf(call, version)
	if f != nil {
		return "", f
	}
	var b strings.Builder
	b.WriteString("<result>")
	seen := map[string]bool{}
	for _, k := range kinds {
		if typ := k.packageType(); knownType(k.packageType(), version) && !seen[typ] {
			seen[typ] = true
			b.WriteString("<metadataObjects><directoryName>" + k.directory + "</directoryName><inFolder>false</inFolder><metaFile>false</metaFile><suffix>" +
				k.suffix + "</suffix><xmlName>" + typ + "</xmlName></metadataObjects>")
		}
	}
	b.WriteString("<organizationNamespace></organizationNamespace><partialSaveAllowed>" + boolean(o.cfg.Sandbox) + "</partialSaveAllowed><testRequired>" +
		boolean(!o.cfg.Sandbox) + "</testRequired></result>")
	return b.String(), nil
}

// soapValue writes a result as XML, members in alphabetical order, a list as a repeated element.
func soapValue(b *strings.Builder, name string, value any) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		b.WriteString("<" + name + ">")
		for _, k := range sorted(v) {
			soapValue(b, k, v[k])
		}
		b.WriteString("</" + name + ">")
	case []map[string]any:
		for _, item := range v {
			soapValue(b, name, item)
		}
	default:
		b.WriteString("<" + name + ">" + escape(fmt.Sprint(v)) + "</" + name + ">")
	}
}

// asOf is the API version that a call asks for, by default that of its address. Source: WSDL, listMetadata and describeMetadata; the
// code of the refusal is assumed.
func (o *Org) asOf(call *node, version int) (int, *fault) {
	text := call.value("asOfVersion")
	if text == "" {
		return version, nil
	}
	v, err := apiVersion(text, o.newest())
	if err != nil {
		return 0, &fault{"INVALID_INPUT", "INVALID_INPUT: " + err.Error()}
	}
	return v, nil
}
