package metadata

import (
	"context"
	"encoding/base64"
	"errors"
	"reflect"
	"strconv"

	"github.com/fullcast/sfauth/internal/scrub"
)

// deploySOAP starts a deployment by SOAP and returns its ID.
func (o *Org) deploySOAP(ctx context.Context, zip []byte, opts DeployOptions) (string, error) {
	body := tag("ZipFile", base64.StdEncoding.EncodeToString(zip)) + "<DeployOptions>" +
		tag("checkOnly", strconv.FormatBool(opts.CheckOnly)) +
		tag("ignoreWarnings", strconv.FormatBool(opts.IgnoreWarnings)) +
		tag("rollbackOnError", "true")
	for _, name := range opts.RunTests {
		body += tag("runTests", name)
	}
	body += tag("singlePackage", "true")
	if opts.TestLevel != "" {
		body += tag("testLevel", string(opts.TestLevel))
	}
	a, err := o.soap(ctx, "deploy", body+"</DeployOptions>")
	if err != nil {
		return "", err
	}
	return a.value("result", "id"), nil
}

// stateSOAP asks for the state of a deployment by SOAP.
func (o *Org) stateSOAP(ctx context.Context, id string) (*wireResult, scrub.Scrubber, error) {
	a, err := o.soap(ctx, "checkDeployStatus", tag("asyncProcessId", id)+tag("includeDetails", "true"))
	if err != nil {
		return nil, a.said, err
	}
	result := a.at("result")
	if result == nil {
		return nil, a.said, errors.New("the org's answer has no result")
	}
	var w wireResult
	if _, _, err := fill(result, reflect.ValueOf(&w).Elem()); err != nil {
		return nil, a.said, err
	}
	return &w, a.said, nil
}
