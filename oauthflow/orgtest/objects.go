package orgtest

import (
	"net/http"
	"slices"
	"strings"
)

// objects are what queries of one API find: records that a test has set, by lower-case name, and the org's own.
type objects struct {
	set map[string]*table
	own func(key string) *table
}

// table finds an object, nil if there is none. The caller holds the lock.
func (all objects) table(object string) *table {
	key := strings.ToLower(object)
	if t := all.set[key]; t != nil {
		return t
	}
	return all.own(key)
}

// ownTable is an object of the data API that shows the org itself.
// Source: captured queries of the sf CLI and jsforce for the fields, and a public project's for ExternalClientApplication; their values, but for
// the org's own, are made up.
func (o *Org) ownTable(key string) *table {
	switch key {
	case "organization":
		return fixedTable("Organization", map[string]any{
			"Id": o.id, "Name": "Acme", "InstanceName": "TEST1", "IsSandbox": o.cfg.Sandbox, "TrialExpirationDate": nil,
			"NamespacePrefix": nil, "OrganizationType": "Developer Edition",
		})
	case "user":
		var rows []map[string]any
		for _, u := range o.users {
			rows = append(rows, userFields(u))
		}
		return fixedTable("User", rows...)
	case "externalclientapplication":
		rows := []map[string]any{{"Id": o.id, "DeveloperName": "", "MasterLabel": "", "DistributionState": ""}}
		for _, c := range o.components.of("ExternalClientApplication") {
			rows = append(rows, map[string]any{
				"Id": c.id, "DeveloperName": c.fullName, "MasterLabel": c.body.value("label"),
				"DistributionState": c.body.value("distributionState"),
			})
		}
		t := fixedTable("ExternalClientApplication", rows...)
		t.rows = t.rows[1:] // the first one is there for its columns
		return t
	}
	return nil
}

// fixedTable is an object with records of this package.
func fixedTable(name string, records ...map[string]any) *table {
	t := newTable(name)
	for _, r := range records {
		row, err := t.columns.row("", r)
		if err != nil {
			panic("orgtest: " + err.Error()) // only records of this package come here
		}
		t.rows = append(t.rows, row)
	}
	t.columns.settle(t.rows)
	return t
}

// accounts are there from the start (assumed).
func accounts() *table {
	return fixedTable("Account",
		map[string]any{"Id": id18("001TEST00000001"), "Name": "Acme"},
		map[string]any{"Id": id18("001TEST00000002"), "Name": "Globex"})
}

// userFields are the fields of a User that clients were seen to read (captured), and the profile.
func userFields(u *person) map[string]any {
	return map[string]any{
		"Id": u.id, "Username": u.Username, "Name": u.FirstName + " " + u.LastName, "FirstName": u.FirstName,
		"LastName": u.LastName, "Email": u.Email, "IsActive": !u.Inactive, "Profile": map[string]any{"Name": u.Profile},
	}
}

// sobject is one record by its id of 15 or 18 characters: all fields but those behind relationships, or those that are named. Source: docs,
// REST API, sObject rows; captured calls of the sf CLI, which needs Username of its User.
func (o *Org) sobject(in *request, version int, path string) answer {
	object, id, _ := strings.Cut(path, "/")
	if id == "" || strings.Contains(id, "/") || id == "describe" || in.Method != http.MethodGet {
		return unsimulatedREST(strings.TrimSuffix(in.Method+" /sobjects/"+path, "/"))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.records.table(object)
	if t == nil {
		return notThere()
	}
	at := slices.IndexFunc(t.rows, func(row map[string]any) bool { return sameID(id, row["id"].(string)) })
	if at < 0 {
		return notThere()
	}
	var fields []selected
	for _, key := range sorted(t.columns.list) {
		if c := t.columns.list[key]; c.kind != relationship {
			fields = append(fields, selected{keys: []string{key}, names: []string{c.name}, column: c})
		}
	}
	if named := in.query.Get("fields"); named != "" {
		fields = nil
		for name := range strings.SplitSeq(named, ",") {
			var path fieldPath
			for part := range strings.SplitSeq(strings.TrimSpace(name), ".") {
				path = append(path, lexeme{kind: nameLexeme, text: part})
			}
			f, err := t.find(path)
			if err != nil {
				return restError(http.StatusBadRequest, err.code, err.text)
			}
			fields = append(fields, f)
		}
	}
	return jsonAnswer(http.StatusOK, t.record(t.rows[at], fields, version, "query"))
}
