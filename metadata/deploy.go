package metadata

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/internal/scrub"
)

// How often a running deployment is asked for its state, and how many answers in a row may fail.
const (
	firstPoll    = 100 * time.Millisecond
	longestPoll  = 10 * time.Second
	pollFailures = 5
)

// TestLevel is which Apex tests a deployment runs; empty for the org's default.
type TestLevel string

// Test levels.
const (
	NoTestRun         TestLevel = "NoTestRun"
	RunSpecifiedTests TestLevel = "RunSpecifiedTests"
	RunLocalTests     TestLevel = "RunLocalTests"
	RunAllTestsInOrg  TestLevel = "RunAllTestsInOrg"
)

// DeployOptions says how to deploy. The zero value deploys by REST. If a part of a deployment fails, the org undoes the whole
// deployment.
type DeployOptions struct {
	CheckOnly      bool               // validate the package and change nothing; see [Org.QuickDeploy]
	IgnoreWarnings bool               // do not fail because of warnings
	TestLevel      TestLevel          // optional
	RunTests       []string           // names of test classes; only with RunSpecifiedTests
	SOAP           bool               // use SOAP instead of REST
	Progress       func(DeployResult) // optional; called after each answer of the org, from the calling goroutine
}

// deploy is one deployment of [Org.Deploy].
func (o *Org) deploy(ctx context.Context, pkg *Package, opts DeployOptions) (DeployResult, error) {
	data, err := pkg.Zip()
	if err != nil {
		return DeployResult{}, err
	}
	if opts.SOAP {
		id, err := o.deploySOAP(ctx, data, opts)
		if err != nil {
			return DeployResult{}, wrap("deploy", "package.xml", err)
		}
		return o.poll(ctx, id, opts.Progress, o.stateSOAP)
	}
	body, err := json.Marshal(map[string]any{"deployOptions": deployOptions{
		CheckOnly: opts.CheckOnly, IgnoreWarnings: opts.IgnoreWarnings, RollbackOnError: true, SinglePackage: true,
		RunTests: opts.RunTests, TestLevel: opts.TestLevel,
	}})
	if err != nil {
		return DeployResult{}, wrap("deploy", "package.xml", err)
	}
	return o.start(ctx, opts.Progress, func(r *resty.Request) {
		r.SetMultipartField("json", "", "application/json", bytes.NewReader(body))
		r.SetMultipartField("file", "deploy.zip", "application/zip", bytes.NewReader(data))
	})
}

// deployOptions is DeployOptions on the wire.
type deployOptions struct {
	CheckOnly       bool      `json:"checkOnly"`
	IgnoreWarnings  bool      `json:"ignoreWarnings"`
	RollbackOnError bool      `json:"rollbackOnError"`
	SinglePackage   bool      `json:"singlePackage"`
	RunTests        []string  `json:"runTests,omitempty"`
	TestLevel       TestLevel `json:"testLevel,omitempty"`
}

// wireDeploy is what every call about a deployment answers.
type wireDeploy struct {
	ID     wireText    `json:"id"`
	Result *wireResult `json:"deployResult"`
}

func (o *Org) start(ctx context.Context, progress func(DeployResult), prepare func(*resty.Request)) (DeployResult, error) {
	var w wireDeploy
	if err := o.send(ctx, http.MethodPost, "/metadata/deployRequest", prepare, &w); err != nil {
		return DeployResult{}, wrap("deploy", "package.xml", err)
	}
	if w.ID == "" && w.Result != nil {
		w.ID = w.Result.ID
	}
	return o.Wait(ctx, string(w.ID), progress)
}

// Cancel asks the org to cancel the deployment with the given id, 15 or 18 letters and digits. The org answers at once and
// cancels later. Call [Org.Wait] for the end, which may still be success.
func (o *Org) Cancel(ctx context.Context, id string) error {
	if !isID(id) {
		return wrap("cancel", "deployment", errNoID)
	}
	err := o.send(ctx, http.MethodPatch, "/metadata/deployRequest/"+url.PathEscape(id), func(r *resty.Request) {
		r.SetHeader("Content-Type", "application/json").SetBody(`{"deployResult":{"status":"Canceling"}}`)
	}, nil)
	return wrap("cancel", id, err)
}

// QuickDeploy deploys a package that a deployment with CheckOnly has validated. The parameter validated is the ID of that
// deployment. The org does not validate the package again. Salesforce allows it for some days after a validation that ran tests.
// The parameter progress may be nil. Errors are as in [Org.Deploy].
func (o *Org) QuickDeploy(ctx context.Context, validated string, progress func(DeployResult)) (DeployResult, error) {
	if !isID(validated) {
		return DeployResult{}, wrap("deploy", "deployment", errNoID)
	}
	return o.start(ctx, progress, func(r *resty.Request) {
		r.SetHeader("Content-Type", "application/json").SetBody(map[string]string{"validatedDeployRequestId": validated})
	})
}

// Wait waits until the deployment with the given id is done. Intervals and errors are as in [Org.Deploy]. The parameter progress
// may be nil.
func (o *Org) Wait(ctx context.Context, id string, progress func(DeployResult)) (DeployResult, error) {
	return o.poll(ctx, id, progress, func(ctx context.Context, id string) (*wireResult, scrub.Scrubber, error) {
		var w wireDeploy
		said, err := o.ask(ctx, http.MethodGet, "/metadata/deployRequest/"+url.PathEscape(id), func(r *resty.Request) {
			r.SetQueryParam("includeDetails", "true")
		}, &w)
		if err == nil && w.Result == nil {
			err = errors.New("the org's answer has no deployResult")
		}
		return w.Result, said, err
	})
}

// poll asks for the state of a deployment until it is done.
func (o *Org) poll(ctx context.Context, id string, progress func(DeployResult), state func(context.Context, string) (*wireResult, scrub.Scrubber, error)) (DeployResult, error) {
	if !isID(id) { // it becomes part of a path
		return DeployResult{}, wrap("deploy", "deployment", errNoID)
	}
	last, failed := DeployResult{ID: id}, 0
	for pause := firstPoll; ; pause = min(2*pause, longestPoll) {
		if err := sleep(ctx, pause); err != nil {
			return last, wrap("deploy", id, fmt.Errorf("stopped waiting, the deployment goes on: %w", err))
		}
		w, said, err := state(ctx, id)
		if err != nil {
			if failed++; failed < pollFailures && ctx.Err() == nil && passing(err) {
				continue
			}
			return last, wrap("deploy", id, err)
		}
		failed = 0
		w.ID = wireText(id)
		result, err := w.result(said)
		last = result
		if progress != nil {
			progress(result)
		}
		if result.Done || err != nil {
			return result, err
		}
	}
}

var errNoID = errors.New("the ID of a deployment is missing, or is not 15 or 18 letters and digits")

// isID reports whether s has the form of a record's ID.
func isID(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) {
			return false
		}
	}
	return len(s) == 15 || len(s) == 18
}

// passing tells errors that may be gone at the next try: all but those that the org gave a code for, an answer that is too large, and
// a session that it does not take, for which a SOAP fault has status 500 as well.
func passing(err error) bool {
	if errors.Is(err, ErrSession) || errors.Is(err, ErrJWTSession) || errors.Is(err, ErrTooLarge) {
		return false
	}
	var a *answerError
	return !errors.As(err, &a) || a.status == http.StatusTooManyRequests || a.status >= 500
}
