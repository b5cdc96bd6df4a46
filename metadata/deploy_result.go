package metadata

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
)

// DeployResult is the state of a deployment.
type DeployResult struct {
	ID        string // 15 or 18 characters, 0Af…
	Status    string // Pending, InProgress, Succeeded, SucceededPartial, Failed, Canceling, Canceled, Finalizing, FinalizingFailed
	Detail    string // the present step, in the org's words
	Done      bool
	Success   bool
	CheckOnly bool

	Components, Tests Counts
	Changes           []ComponentChange // the changes that the deployment made; complete when Done is true
	Warnings          []*ComponentError // problems that did not make the deployment fail
}

// Counts is the progress of a deployment.
type Counts struct{ Total, Finished, Errors int }

// ComponentChange is the change that a deployment made to one component. With CheckOnly, it is the change that the deployment
// would make.
type ComponentChange struct {
	Type, FullName            string
	Created, Changed, Deleted bool
}

// ComponentError is the failure of one component in a deployment, or a warning about it.
type ComponentError struct {
	Type, FullName string // Type is empty for package.xml
	File           string // in the package
	Line, Column   int    // from 1; 0 if the org gave none
	Problem        string // the org's message, in one line
	Advice         string // what to do; empty if this package does not know
}

// Error returns "file:line:column: problem: advice", on one printable line. A name that holds anything but ASCII words is
// quoted.
func (e *ComponentError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(shownName(e.File))
	} else {
		b.WriteString(named(e.Type, e.FullName))
	}
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
		if e.Column > 0 {
			b.WriteString(":" + strconv.Itoa(e.Column))
		}
	}
	b.WriteString(": " + withAdvice(e.Problem, e.Advice))
	return scrub.Printable(b.String())
}

// named is a component's type and full name, either of which may be missing.
func named(typeName, fullName string) string {
	switch {
	case fullName == "":
		return shownName(typeName)
	case typeName == "":
		return shownName(fullName)
	}
	return shownName(typeName) + " " + shownName(fullName)
}

// wireResult is DeployResult as REST and SOAP write it. All scalars are text: REST writes some booleans and numbers
// as strings.
type wireResult struct {
	ID           wireText     `json:"id" xml:"id"`
	Status       wireText     `json:"status" xml:"status"`
	StateDetail  wireText     `json:"stateDetail" xml:"stateDetail"`
	Done         wireText     `json:"done" xml:"done"`
	Success      wireText     `json:"success" xml:"success"`
	CheckOnly    wireText     `json:"checkOnly" xml:"checkOnly"`
	ErrorMessage wireText     `json:"errorMessage" xml:"errorMessage"`
	ErrorCode    wireText     `json:"errorStatusCode" xml:"errorStatusCode"`
	Total        wireText     `json:"numberComponentsTotal" xml:"numberComponentsTotal"`
	Deployed     wireText     `json:"numberComponentsDeployed" xml:"numberComponentsDeployed"`
	Errors       wireText     `json:"numberComponentErrors" xml:"numberComponentErrors"`
	Tests        wireText     `json:"numberTestsTotal" xml:"numberTestsTotal"`
	TestsRun     wireText     `json:"numberTestsCompleted" xml:"numberTestsCompleted"`
	TestErrors   wireText     `json:"numberTestErrors" xml:"numberTestErrors"`
	Details      *wireDetails `json:"details" xml:"details"`
}

type wireDetails struct {
	Failures  wireList[wireMessage] `json:"componentFailures" xml:"componentFailures"`
	Successes wireList[wireMessage] `json:"componentSuccesses" xml:"componentSuccesses"`
	Tests     *wireTests            `json:"runTestResult" xml:"runTestResult"`
}

type wireTests struct {
	Failures wireList[wireTest] `json:"failures" xml:"failures"`
}

type wireTest struct {
	Name    wireText `json:"name" xml:"name"`
	Method  wireText `json:"methodName" xml:"methodName"`
	Message wireText `json:"message" xml:"message"`
}

type wireMessage struct {
	Type        wireText `json:"componentType" xml:"componentType"`
	FullName    wireText `json:"fullName" xml:"fullName"`
	FileName    wireText `json:"fileName" xml:"fileName"`
	Line        wireText `json:"lineNumber" xml:"lineNumber"`
	Column      wireText `json:"columnNumber" xml:"columnNumber"`
	Problem     wireText `json:"problem" xml:"problem"`
	ProblemType wireText `json:"problemType" xml:"problemType"`
	Created     wireText `json:"created" xml:"created"`
	Changed     wireText `json:"changed" xml:"changed"`
	Deleted     wireText `json:"deleted" xml:"deleted"`
}

// wireText takes a JSON string, number, boolean or null.
type wireText string

func (t *wireText) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		*t = ""
		return nil
	}
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(t))
	}
	*t = wireText(data)
	return nil
}

func (t wireText) bool() bool { return strings.EqualFold(string(t), "true") }

func (t wireText) int() int {
	n, err := strconv.Atoi(string(t))
	if err != nil {
		return 0
	}
	return n
}

// wireList takes a JSON array, one element of it, or null.
type wireList[T any] []T

func (l *wireList[T]) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		*l = make(wireList[T], 1)
		return json.Unmarshal(data, &(*l)[0])
	}
	return json.Unmarshal(data, (*[]T)(l))
}

// result translates, and returns the failures of a deployment that is done.
func (w wireResult) result(said scrub.Scrubber) (DeployResult, error) {
	line := func(t wireText) string { return said.Line(string(t), maxText) }
	r := DeployResult{
		ID: string(w.ID), Status: line(w.Status), Detail: line(w.StateDetail),
		Done: w.Done.bool(), Success: w.Success.bool(), CheckOnly: w.CheckOnly.bool(),
		Components: Counts{w.Total.int(), w.Deployed.int(), w.Errors.int()},
		Tests:      Counts{w.Tests.int(), w.TestsRun.int(), w.TestErrors.int()},
	}
	var errs failures
	if d := w.Details; d != nil {
		for _, m := range append(d.Failures, d.Successes...) {
			switch {
			case m.ProblemType == "Warning" || m.ProblemType == "Info":
				r.Warnings = append(r.Warnings, m.err(said))
			case m.Problem != "":
				errs = append(errs, m.err(said))
			case m.Type != "": // package.xml has none
				r.Changes = append(r.Changes, ComponentChange{said.Value(string(m.Type)), said.Value(string(m.FullName)), m.Created.bool(), m.Changed.bool(), m.Deleted.bool()})
			}
		}
		if d.Tests != nil {
			for _, t := range d.Tests.Failures {
				errs = append(errs, &ComponentError{Type: "ApexClass", FullName: said.Value(string(t.Name + "." + t.Method)), Problem: line(t.Message)})
			}
		}
	}
	if !r.Done || r.Success {
		return r, nil
	}
	if w.ErrorMessage != "" || w.ErrorCode != "" || len(errs) == 0 {
		text := line(w.ErrorMessage)
		if text == "" {
			text = "the deployment ended as " + r.Status
		}
		errs = append(failures{errors.New(text)}, errs...)
	}
	return r, &Error{Op: "deploy", Name: r.ID, Code: line(w.ErrorCode), Err: errs}
}

func (m wireMessage) err(said scrub.Scrubber) *ComponentError {
	e := &ComponentError{
		Type: said.Value(string(m.Type)), FullName: said.Value(string(m.FullName)), File: said.Value(string(m.FileName)),
		Line: m.Line.int(), Column: m.Column.int(), Problem: said.Line(string(m.Problem), maxText),
	}
	e.Advice = advise("", e.Problem)
	return e
}

// failures joins errors on one line.
type failures []error

// toldFailures is how many failures an error tells. All can be reached by errors.As and Unwrap.
const toldFailures = 50

func (f failures) Error() string {
	texts := make([]string, 0, toldFailures+1)
	for _, err := range f[:min(len(f), toldFailures)] {
		texts = append(texts, err.Error())
	}
	if more := len(f) - toldFailures; more > 0 {
		texts = append(texts, "and "+strconv.Itoa(more)+" more")
	}
	return strings.Join(texts, "; ")
}

func (f failures) Unwrap() []error { return f }
