package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Finding is one problem of an app, with the way to correct it.
type Finding struct {
	Rule     string   `json:"rule"`     // the rule's ID
	Severity Severity `json:"severity"` // the rule's
	Field    string   `json:"field"`    // Setup's label
	Got      string   `json:"got"`      // the present value in Setup's words; one line for each member of a list
	Want     string   `json:"want"`     // the right value, in the same form
	Message  string   `json:"message"`  // the problem, in one sentence
	Why      string   `json:"why"`      // why it matters
	Fix      string   `json:"fix"`      // the clicks in Setup; {app} in its first line stands for the app's name

	NoCorrection string                          `json:"noCorrection,omitempty"` // why there is no Correct
	Correct      func(metadata.App) metadata.App `json:"-"`                      // see [Rule]; nil if there is none

	File string `json:"file,omitempty"` // the file of the setting; empty if the app was not read from files
	Line int    `json:"line,omitempty"` // line in File, from 1; 0 if File is empty
}

// Pass is one run of one rule on one subject. [Check] makes it. It is not safe for concurrent use.
type Pass struct {
	Subject Subject
	Spec    metadata.AppSpec // the app in Setup's words; a zero field was not read

	rule   *Rule
	report *Report
	hidden credentials // of the subject
	name   string      // of the subject, as Setup shows it
	done   bool        // something was reported
	at     metadata.Position
}

// Find reports a problem. Find always sets Rule and Why from the rule. It sets Severity, Field, Want, Fix, Correct, NoCorrection,
// Message, File and Line if they are empty in f. It replaces secrets of the app in Got and Message, and in a Fix that f brings.
// It does not look for secrets in Field and Want. A rule may call Find several times.
func (p *Pass) Find(f Finding) {
	p.done = true
	p.report.Findings = append(p.report.Findings, p.complete(f))
}

// note adds a sentence to the report's note.
func (p *Pass) note(text string) {
	p.report.Note = strings.TrimSpace(p.report.Note + " " + p.hidden.shown(text))
}

// complete fills in what a finding leaves to its rule, and conceals what is secret in the app's own texts.
func (p *Pass) complete(f Finding) Finding {
	ownFix := f.Fix != ""
	f.Rule, f.Why = p.rule.ID, p.rule.Why
	if f.Severity == "" {
		f.Severity = p.rule.Severity
	}
	if f.Correct == nil && f.NoCorrection == "" {
		f.Correct, f.NoCorrection = p.rule.Correct, p.rule.NoCorrection
	}
	if f.Field == "" {
		f.Field = p.rule.Field
	}
	if f.Want == "" {
		f.Want = p.rule.Want
	}
	if f.Fix == "" {
		f.Fix = strings.ReplaceAll(p.rule.fix(p.Subject.App.Kind), "{app}", p.name)
	} else { // its further lines may be the app's own texts
		first, lines, more := strings.Cut(f.Fix, "\n")
		if f.Fix = strings.ReplaceAll(first, "{app}", p.name); more {
			f.Fix += "\n" + lines
		}
	}
	if f.File == "" && p.at.File != "" {
		f.File, f.Line = credentials(nil).conceal(p.at.File), p.at.Line
	}
	f.Got = p.hidden.shown(f.Got)
	if ownFix {
		f.Fix = p.hidden.shown(f.Fix)
	}
	if f.Message == "" {
		f.Message = f.plainMessage()
	}
	f.Message = p.hidden.shown(f.Message)
	return f
}

// plainMessage is what there is to say when the values say it all.
func (f Finding) plainMessage() string {
	return fmt.Sprintf("%s is %s, not %s", f.Field, quoted(f.Got), quoted(f.Want))
}

// Check applies the rules to the subject, in order, and returns the report. A rule without a report is in Passed. A rule that
// called [Pass.Find] is in Findings, once for each call. A rule that called [Pass.NotVisible], or whose parts were not read, is
// in NotVisible. A rule that calls both is in both lists. Without rules the report is empty.
//
// Check panics if [Validate] returns an error for the rules. The value of the panic is that error.
func Check(s Subject, rules ...Rule) Report {
	if err := Validate(rules...); err != nil {
		panic(err)
	}
	spec := s.App.Spec()
	report := Report{Kind: s.App.Kind, App: credentials(nil).conceal(s.App.Name), Note: migrated(s), Findings: []Finding{}, NotVisible: []Unseen{}, Passed: []string{}, rules: rules}
	hidden := credentialsOf(s.App)
	name := hidden.shown(oneLine(nameInSetup(spec)))
	for i := range rules {
		p := &Pass{Subject: s, Spec: spec, rule: &rules[i], report: &report, hidden: hidden, name: name}
		unseen := slices.IndexFunc(p.rule.Needs, func(part Part) bool { return !s.sees(part) })
		switch {
		case p.rule.concerns != "" && p.rule.concerns != s.App.Kind:
		case unseen < 0:
			p.rule.Check(p)
		case p.rule.Needs[unseen] == PartSetupOnly, p.rule.Needs[unseen] == PartSecurity && s.App.Kind == metadata.KindConnectedApp:
			p.unseen(Unseen{Message: "no metadata holds it; only Setup shows it"})
		case p.rule.Needs[unseen] == PartOrgSettings:
			p.unseen(Unseen{Message: "the org's settings were not read"})
		default:
			p.unseen(Unseen{Message: fmt.Sprintf("%s was not read", p.rule.Needs[unseen])})
		}
		if !p.done {
			report.Passed = append(report.Passed, p.rule.ID)
		}
	}
	return report
}

// nameInSetup is what the list of apps in Setup shows, as far as it is a name.
func nameInSetup(s metadata.AppSpec) string {
	for _, name := range []string{s.Name, s.APIName} {
		if name = strings.TrimSpace(name); name != "" {
			return cutName(credentials(nil).conceal(name))
		}
	}
	return "the app"
}
