package orgtest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

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
// recently validated component set, for the ten days as well.
func (o *Org) deployRecent(id string, by *person) *job {
	checked := o.findJob(id)
	if checked == nil || checked.status != "Succeeded" || !checked.options.CheckOnly || o.now().Sub(checked.ends) > 10*24*time.Hour {
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
