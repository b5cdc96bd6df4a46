package fullcast

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

func (x *examination) app(stored oauthflow.Connection) {
	if x.c.Kind() == metadata.KindConnectedApp {
		x.say("Kind of app", OutcomeOK, "Note: it is a connected app. It goes on working, and should be moved to an external client app: Salesforce's support of connected apps ends with Summer '27.", 0)
	}
	j, err := x.c.judge(x.ctx)
	report := j.report
	if j.moved != "" {
		x.say("Kind of app", OutcomeOK, "Setup has made the connected app an external client app, with the same consumer key; a check of the app takes note of it.", 0)
	}
	if err != nil {
		x.say("App", OutcomeNotVisible, "The app's settings cannot be read: "+err.Error()+".", 0)
	} else if len(report.Findings)+len(report.Passed) == 0 && len(report.NotVisible) > 0 {
		x.say("App", OutcomeNotVisible, "The app's settings cannot be read: "+report.NotVisible[0].Message+".", 0)
	} else {
		x.settings(report)
		x.boundTokens(j)
	}
	version := cmp.Or(j.version, firstVersion)
	org, err := x.c.Org(version)
	if err == nil {
		settings, serr := org.Settings(x.ctx)
		if err = serr; err == nil {
			subject := policy.Subject{App: metadata.App{Kind: x.c.Kind()}, Settings: &settings, Version: version}
			x.org(stored, policy.Check(subject, orgRules()...))
			return
		}
	}
	x.say("Org", OutcomeNotVisible, "The org's switches cannot be read: "+err.Error()+".", 0)
}

// boundTokens tells of settings beside the instructions' that end this connection: it proves no key of its own.
func (x *examination) boundTokens(j judgement) {
	remedies := map[string]Remedy{"hardening-dpop": AdminClearsDPoP, "hardening-mtls": AdminClearsMTLS}
	rules := slices.DeleteFunc(policy.Hardening(), func(r policy.Rule) bool { return remedies[r.ID] == 0 })
	for _, f := range policy.Check(policy.Subject{App: j.app, Version: j.version}, rules...).Findings {
		x.found("App", f, remedies[f.Rule])
	}
}

// settings tells of the app's settings: what is wrong, then what is only to be known.
func (x *examination) settings(report policy.Report) {
	var notes []string
	for _, f := range report.Findings {
		if f.Severity == policy.SeverityNote {
			notes = append(notes, f.Message+". "+f.Fix+".")
			continue
		}
		x.found("App", f, AdminFixesApp)
	}
	if len(notes) == len(report.Findings) {
		x.say("App", OutcomeOK, "Its settings are as the instructions say.", 0)
	}
	if report.Note != "" {
		notes = append(notes, report.Note)
	}
	for _, n := range notes {
		x.say("App", OutcomeOK, "Note: "+n, 0)
	}
}

func (x *examination) limits() {
	var limits struct{ DailyApiRequests struct{ Max, Remaining int } }
	err := x.get(dataPath("limits"), &limits)
	api := limits.DailyApiRequests
	switch {
	case refusesAPI(err):
		x.fail("API calls", err)
		x.say("API limits", OutcomeNotVisible, "While Salesforce refuses API calls this cannot be seen.", 0)
	case err != nil || api.Max == 0:
		x.say("API limits", OutcomeNotVisible, "Salesforce does not tell them to this user.", 0)
	case api.Remaining*20 < api.Max:
		x.say("API limits", OutcomeProblem, fmt.Sprintf("Only %d of %d API requests are left for the day.", api.Remaining, api.Max), Retry)
	default:
		x.say("API limits", OutcomeOK, fmt.Sprintf("%d of %d API requests are left for the day.", api.Remaining, api.Max), 0)
	}
}

// refusesAPI reports whether a refusal is one of each API call of this connection: an org that lets its user not see something says
// so in other words.
func refusesAPI(err error) bool {
	var e *oauthflow.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Kind {
	case oauthflow.KindAppPolicy, oauthflow.KindLimit, oauthflow.KindScope:
		return true
	}
	return e.Kind == oauthflow.KindUserPolicy && e.Reason() != oauthflow.ReasonPermission
}
