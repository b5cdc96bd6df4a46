package policy

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
)

// Report is the result of a check. It holds no secret and no consumer key. URLs of the app are shown without user, password and
// values of parameters: "https://…@example.com/?a=…". Other texts, and the names of apps and files, are shown without values
// beside a name such as password, and without values that have the form of a secret. A text of more than 16 KiB is cut; the rest
// of it then says its length and SHA-256. A Report is safe for concurrent reading.
type Report struct {
	Kind       metadata.Kind `json:"kind"`
	App        string        `json:"app"`            // API name
	Note       string        `json:"note,omitempty"` // facts that no rule checks: Setup's migration, the idle limit
	Findings   []Finding     `json:"findings"`       // the problems, in the order of the rules
	NotVisible []Unseen      `json:"notVisible"`     // the settings that no rule could see; each says where to look
	Passed     []string      `json:"passed"`         // IDs of the rules that found no problem, or do not concern this kind of app

	rules []Rule
}

// Correct returns a copy of app and applies Correct of every finding to it, in the order of the findings. It does not change app.
// A check by the same rules then finds only the problems that have no Correct; their NoCorrection says why. All other bytes stay
// the same. Both hold for the sets of this package, and for your own rules if their Correct keeps its promise. Correct returns no
// error.
func (r Report) Correct(app metadata.App) metadata.App {
	app = app.Clone()
	for _, f := range r.Findings {
		if f.Correct != nil {
			app = f.Correct(app)
		}
	}
	return app
}

// Worst returns the worst severity of the findings, or an empty Severity if there are no findings.
func (r Report) Worst() Severity {
	worst := Severity("")
	for _, f := range r.Findings {
		if worst == "" || f.Severity == SeverityError || f.Severity == SeverityWarning && worst == SeverityNote {
			worst = f.Severity
		}
	}
	return worst
}

// String returns the report as plain text. It is the same text that [Write] writes for [Text], without colour.
func (r Report) String() string {
	var b strings.Builder
	textReport{Writer: &b}.report(r)
	return b.String()
}

// String returns severity, message and rule in one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s [%s]", f.Severity, oneLine(f.Message), f.Rule)
}

func kindInWords(k metadata.Kind) string {
	switch k {
	case metadata.KindExternalClientApp:
		return "external client app"
	case metadata.KindConnectedApp:
		return "connected app"
	}
	return "app of unknown kind"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// printable replaces what could steer a terminal, turn text around or hide in it.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || scrub.Visible(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// oneLine joins the members of a list.
func oneLine(s string) string { return printable(strings.ReplaceAll(s, "\n", ", ")) }

// quoted sets a value off from the sentence around it; what is said of a checkbox needs no quotes.
func quoted(s string) string {
	switch s {
	case "":
		return "empty"
	case selected, cleared:
		return s
	}
	return `"` + oneLine(s) + `"`
}
