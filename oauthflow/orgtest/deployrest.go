package orgtest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"
)

// deployRequest is the REST form of a deploy: a multipart POST, then polling. Source: docs, REST deploy; CumulusCI and jsforce
// for the names of the parts, which are not looked at: the JSON part holds the options, the other one the zip.
func (o *Org) deployRequest(in *request, s *session, version int, id string) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.user.Profile != administrator { // docs, upsertMetadata: "Modify Metadata Through Metadata API Functions"
		return restError(http.StatusForbidden, "INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id")
	}
	switch {
	case in.Method == http.MethodPost && id == "" && strings.HasPrefix(in.Header.Get("Content-Type"), "application/json"):
		var body struct{ ValidatedDeployRequestID string }
		if json.Unmarshal(in.body, &body) != nil {
			return restError(http.StatusBadRequest, "JSON_PARSER_ERROR", "The request is not JSON")
		}
		j := o.deployRecent(body.ValidatedDeployRequestID, s.user)
		if j == nil {
			return restError(http.StatusBadRequest, "INVALID_ID_FIELD", "Not a validated deployment: "+body.ValidatedDeployRequestID)
		}
		return jsonAnswer(http.StatusCreated, map[string]any{
			"id": j.id, "validatedDeployRequestId": body.ValidatedDeployRequestID, "deployOptions": j.options, "deployResult": j.pending(),
		})
	case in.Method == http.MethodPost && id == "":
		options, archive, refused := readDeploy(in)
		if refused != nil {
			return *refused
		}
		j := o.deploy(archive, options, s.user)
		return jsonAnswer(http.StatusCreated, map[string]any{
			"id": j.id, "deployOptions": j.options, "deployResult": j.pending(), "validatedDeployRequestId": nil,
		})
	case in.Method == http.MethodGet && o.findJob(id) != nil:
		j := o.findJob(id)
		result := j.result(o.now())
		if in.query.Get("includeDetails") == "true" {
			result["details"] = j.details()
		}
		return jsonAnswer(http.StatusOK, map[string]any{"id": j.id, "deployOptions": j.options, "deployResult": result})
	case in.Method == http.MethodPatch && o.findJob(id) != nil:
		j := o.findJob(id)
		var body struct{ DeployResult struct{ Status string } }
		if json.Unmarshal(in.body, &body) != nil || body.DeployResult.Status != "Canceling" {
			return unsimulatedREST("PATCH of a deployRequest that sets no deployResult.status Canceling")
		}
		if !o.cancel(j) {
			return restError(http.StatusBadRequest, "INVALID_ID_FIELD", "Deployment already completed")
		}
		return jsonAnswer(http.StatusAccepted, map[string]any{"id": j.id, "deployResult": j.result(o.now())})
	}
	return restError(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// readDeploy reads the parts of a deploy. Source: docs, REST deploy; the words of the refusals are assumed, but for an unknown
// member of JSON.
func readDeploy(in *request) (options deployOptions, archive []byte, refused *answer) {
	fail := func(code, message string) (deployOptions, []byte, *answer) {
		a := restError(http.StatusBadRequest, code, message)
		return options, nil, &a
	}
	const incomplete = "The request must hold deployOptions as JSON and a zip file"
	media, parameters, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return fail("INVALID_MULTIPART_REQUEST", incomplete)
	}
	hasOptions := false
	parts := multipart.NewReader(bytes.NewReader(in.body), parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF && hasOptions && archive != nil {
			return options, archive, nil
		}
		if err != nil {
			return fail("INVALID_MULTIPART_REQUEST", incomplete)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return fail("INVALID_MULTIPART_REQUEST", incomplete)
		}
		if kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind != "application/json" {
			archive = data
			continue
		}
		given, unknown, ok := jsonOptions(data)
		switch text := given.unread(); {
		case !ok:
			return fail("INVALID_MULTIPART_REQUEST", incomplete)
		case unknown != "":
			return fail("JSON_PARSER_ERROR", "Unrecognized field "+unknown)
		case text != "":
			a := unsimulatedREST(strings.TrimPrefix(text, notSimulated))
			return options, nil, &a
		}
		options, hasOptions = given.deployOptions, true
	}
}

// pending is a job as the first answer shows it.
func (j *job) pending() map[string]any {
	return map[string]any{
		"id": j.id, "status": "Pending", "done": false, "success": false, "checkOnly": j.options.CheckOnly,
		"ignoreWarnings": j.options.IgnoreWarnings, "rollbackOnError": j.options.RollbackOnError,
		"createdBy": j.by.id, "createdByName": j.by.FirstName + " " + j.by.LastName, "createdDate": stamp(j.started),
		"numberComponentErrors": 0, "numberComponentsDeployed": 0, "numberComponentsTotal": 0,
		"numberTestErrors": 0, "numberTestsCompleted": 0, "numberTestsTotal": 0, "runTestsEnabled": false,
	}
}

// result is a job at this time: DeployResult of the WSDL without its details.
func (j *job) result(now time.Time) map[string]any {
	m := j.pending()
	m["status"], m["done"], m["success"] = j.status, j.done, j.status == "Succeeded"
	m["startDate"], m["lastModifiedDate"] = stamp(j.started), stamp(now)
	if !j.done {
		list, _, _ := unpack(j.archive, j.options, newestAPI)
		m["numberComponentsTotal"] = len(list)
		m["numberComponentsDeployed"] = int(float64(len(list)) * float64(now.Sub(j.started)) / float64(j.ends.Sub(j.started)))
		return m
	}
	failed := j.failed()
	m["completedDate"] = stamp(j.ends)
	m["numberComponentErrors"], m["numberComponentsTotal"] = failed, j.total
	m["numberComponentsDeployed"] = len(j.results) - failed
	if j.status == "Failed" {
		m["numberComponentsDeployed"] = 0
	}
	if j.failure != "" {
		m["errorMessage"], m["errorStatusCode"] = j.failure, j.code
	}
	return m
}

// details tells what became of each component.
func (j *job) details() map[string]any {
	successes, failures := []map[string]any{}, []map[string]any{}
	for _, r := range j.results {
		if message := r.message(j.started); r.problem != nil {
			failures = append(failures, message)
		} else {
			successes = append(successes, message)
		}
	}
	return map[string]any{
		"componentFailures": failures, "componentSuccesses": successes, "retrieveResult": nil,
		"runTestResult": map[string]any{"numFailures": 0, "numTestsRun": 0, "totalTime": 0.0},
	}
}

// message is one DeployMessage of the WSDL. A warning is one whether it is ignored or not; if not, success is false. Source: docs,
// deploy(), ignoreWarnings.
func (r result) message(at time.Time) map[string]any {
	m := map[string]any{
		"componentType": r.packageType(), "fullName": r.fullName, "fileName": r.file, "success": r.problem == nil,
		"changed": r.changed, "created": r.created && r.problem == nil, "deleted": r.deleted && r.problem == nil,
		"createdDate": stamp(at),
	}
	if r.id != "" {
		m["id"] = r.id
	}
	if r.problem != nil {
		m["problem"], m["problemType"] = r.problem.text, "Error"
		m["lineNumber"], m["columnNumber"] = r.problem.line, r.problem.column
	}
	if r.warning != "" {
		m["problem"], m["problemType"] = r.warning, "Warning"
	}
	return m
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
