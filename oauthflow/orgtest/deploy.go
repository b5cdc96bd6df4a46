package orgtest

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// deployOptions are the options of a deploy that this org heeds.
type deployOptions struct {
	CheckOnly       bool `json:"checkOnly"`
	IgnoreWarnings  bool `json:"ignoreWarnings"`
	RollbackOnError bool `json:"rollbackOnError"`
	SinglePackage   bool `json:"singlePackage"`
}

// job is a deploy or a retrieve. The first answer says Pending, as a real one would.
type job struct {
	archive  []byte // of a deploy
	ends     time.Time
	done     bool
	id       string
	by       *person
	options  deployOptions
	started  time.Time
	status   string // Succeeded, SucceededPartial, Failed
	failure  string // of the whole job
	code     string
	results  []result
	total    int
	zip      []byte // of a retrieve
	list     []*component
	messages []string
	folder   string // of a retrieve
}

func (j *job) failed() int {
	n := 0
	for _, r := range j.results {
		if r.problem != nil {
			n++
		}
	}
	return n
}

// deploy takes a zip in. The caller holds the lock.
func (o *Org) deploy(archive []byte, options deployOptions, by *person) *job {
	now := o.now()
	j := &job{
		id: o.newID("0Af"), by: by, options: options, started: now, ends: now.Add(o.cfg.DeployTime), status: "InProgress",
		archive: archive,
	}
	o.jobs[j.id] = j
	o.running++
	o.advance()
	return j
}

// deployRecent deploys what a check has validated, without checking tests again: a quick deploy. Source: docs, deploying a
// recently validated component set.
func (o *Org) deployRecent(id string, by *person) *job {
	checked := o.findJob(id)
	if checked == nil || checked.status != "Succeeded" || !checked.options.CheckOnly {
		return nil
	}
	options := checked.options
	options.CheckOnly = false
	return o.deploy(checked.archive, options, by)
}

// advance carries out every deploy whose time has come.
func (o *Org) advance() {
	if o.running == 0 {
		return
	}
	for _, id := range sorted(o.jobs) {
		if j := o.jobs[id]; !j.done && !o.now().Before(j.ends) {
			j.done = true
			o.running--
			o.perform(j)
		}
	}
}

// perform carries a deploy out.
func (o *Org) perform(j *job) {
	j.status = "Succeeded"
	options := j.options
	list, version, err := unpack(j.archive, options, o.newest())
	if err != nil {
		j.status, j.failure, j.code = "Failed", err.Error(), "UNKNOWN_EXCEPTION"
	} else {
		j.total = len(list)
		j.results = o.commit(list, rules{version: version, ignoreWarnings: options.IgnoreWarnings}, options)
	}
	if n := j.failed(); n > 0 {
		j.status = "SucceededPartial"
		if o.allOrNone(options) || n == len(j.results) {
			j.status = "Failed"
		}
	}
	o.record(Entry{Event: "deploy", User: j.by.Username, Outcome: j.status, Detail: fmt.Sprintf("%d components, %d failed", j.total, j.failed())})
}

// cancel stops a deploy that is still running and says whether it could. Source: docs, cancel a deployment.
func (o *Org) cancel(j *job) bool {
	if j.done {
		return false
	}
	j.done, j.status = true, "Canceled"
	o.running--
	o.record(Entry{Event: "deploy", User: j.by.Username, Outcome: j.status})
	return true
}

// allOrNone: rollbackOnError must be true for production (docs), so production rolls back whatever is asked (assumed).
func (o *Org) allOrNone(options deployOptions) bool {
	return options.RollbackOnError || options.CheckOnly || !o.cfg.Sandbox
}

// commit applies changes to a draft and makes the draft the org's metadata unless something stands against it.
func (o *Org) commit(list []change, r rules, options deployOptions) []result {
	draft := o.components.clone()
	results := o.applyAll(draft, list, r)
	bad := slices.ContainsFunc(results, func(r result) bool { return r.problem != nil })
	if options.CheckOnly || bad && o.allOrNone(options) {
		return results
	}
	before := o.components
	o.components = draft
	for _, r := range results {
		o.rotate(r.rotates)
	}
	o.settle(before)
	return results
}

// unpack reads a package: package.xml at the top with singlePackage, else one folder holding it. Limits and layout: docs,
// REST deploy and file-based development.
func unpack(archive []byte, options deployOptions, newest int) (list []change, version int, err error) {
	files, err := unzip(archive)
	if err != nil {
		return nil, 0, err
	}
	root, found := "", false
	for name := range files {
		dir, base := path.Split(name)
		if base == "package.xml" && (options.SinglePackage && dir == "" || !options.SinglePackage && strings.Count(dir, "/") == 1) {
			root, found = dir, true
		}
	}
	if !found {
		return nil, 0, statement("No package.xml found")
	}
	manifest, err := parseXML(files[root+"package.xml"])
	if err != nil {
		return nil, 0, fmt.Errorf("package.xml: %v", err)
	}
	if manifest.name != "Package" || manifest.space != metadataNamespace {
		return nil, 0, fmt.Errorf("package.xml: the root element must be Package of %s", metadataNamespace)
	}
	if version, err = apiVersion(manifest.value("version"), newest); err != nil {
		return nil, 0, fmt.Errorf("package.xml: %v", err)
	}
	list = named(manifest, files, root)
	for _, name := range []string{"destructiveChanges.xml", "destructiveChangesPost.xml", "destructiveChangesPre.xml"} {
		if data, ok := files[root+name]; ok {
			doc, err := parseXML(data)
			if err != nil {
				return nil, 0, fmt.Errorf("%s: %v", name, err)
			}
			for _, m := range members(doc) {
				list = append(list, change{kind: m.kind, fullName: m.fullName, file: name})
			}
		}
	}
	return list, version, nil
}

// apiVersion reads an API version that an org serves up to newest.
func apiVersion(text string, newest int) (int, error) {
	number, tail, _ := strings.Cut(text, ".")
	v, err := strconv.Atoi(number)
	if err != nil || strings.Trim(tail, "0") != "" || v < oldestAPI || v > newest {
		return 0, statementf("Invalid version specified:%s. The version must be between %d.0 and %d.0", text, oldestAPI, newest)
	}
	return v, nil
}

// statement is an error in Salesforce's own words, which begin with a capital.
type statement string

func (s statement) Error() string { return string(s) }

func statementf(format string, args ...any) error { return statement(fmt.Sprintf(format, args...)) }

func unzip(archive []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, statementf("The zip file is not readable: %v", err)
	}
	if len(z.File) > 10000 {
		return nil, statement("Maximum number of files exceeded: 10000")
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("%s: %v", f.Name, err)
		}
		data, err := io.ReadAll(io.LimitReader(r, 10<<20))
		r.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %v", f.Name, err)
		}
		files[f.Name] = data
	}
	return files, nil
}

// member is one entry of a package.xml.
type member struct {
	kind
	typ      string
	fullName string
	known    bool
}

// members lists what a package.xml names. Children may come in any order.
func members(manifest *node) []member {
	var out []member
	for _, types := range manifest.all("types") {
		name := types.value("name")
		for _, m := range types.texts("members") {
			found := member{typ: name, fullName: m}
			for _, k := range kinds {
				if k.packageType() == name && (name != "Settings" || m == "*" || k.settingsMember() == m) {
					found.kind, found.known = k, true
					break
				}
			}
			out = append(out, found)
		}
	}
	return out
}

// named pairs package.xml with the files of the zip. A file that the manifest does not name, and a name without a file, are
// both failures; the first is assumed, the second is Salesforce's text.
func named(manifest *node, files map[string][]byte, root string) []change {
	var list []change
	wanted := map[componentKey]bool{}
	wild := map[string]bool{}
	for _, m := range members(manifest) {
		switch {
		case !m.known:
			list = append(list, broken(m.typ, m.fullName, "package.xml", "Unknown type name '"+m.typ+"' specified in package.xml"))
		case m.fullName == "*":
			for _, k := range kinds {
				wild[k.typ] = wild[k.typ] || k.packageType() == m.typ
			}
		default:
			wanted[componentKey{m.kind.typ, m.fullName}] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		rest, inside := strings.CutPrefix(name, root)
		if !inside || !strings.Contains(rest, "/") {
			continue
		}
		k, fullName, ok := kindOfFile(rest)
		key := componentKey{k.typ, fullName}
		if !ok || !wanted[key] && !wild[k.typ] {
			list = append(list, broken(k.typ, fullName, rest, "The file '"+rest+"' is in the zip but its component is not in package.xml"))
			continue
		}
		delete(wanted, key)
		body, err := parseXML(files[name])
		switch {
		case err != nil:
			list = append(list, broken(k.typ, fullName, rest, "Error parsing file: "+err.Error()))
		case body.name != k.typ || body.space != metadataNamespace:
			list = append(list, broken(k.typ, fullName, rest, fmt.Sprintf("Element {%s}%s invalid at this location", body.space, body.name)))
		default:
			list = append(list, change{kind: k, fullName: fullName, body: body, file: rest})
		}
	}
	for _, k := range kinds {
		for key := range wanted {
			if key.typ == k.typ {
				list = append(list, broken(key.typ, key.fullName, "package.xml", fmt.Sprintf(
					"An object '%s' of type %s was named in package.xml, but was not found in zipped directory", key.fullName, k.packageType())))
			}
		}
	}
	return list
}

// broken is a change that cannot even be tried.
func broken(typ, fullName, file, text string) change {
	k, _ := kindOf(typ)
	if k.typ == "" {
		k.typ = typ
	}
	return change{kind: k, fullName: fullName, file: file, defect: text}
}
