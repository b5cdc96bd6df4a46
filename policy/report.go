package policy

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/metadata"
)

// Report is what a check came to. A report holds no secret and no consumer key; of URLs that the app has, neither user and
// password nor values of parameters: "https://…@example.com/?a=…"; of other texts and of names of apps and files, nothing that
// stands beside a name such as password or has the form of a secret. A text of more than 16 KiB is cut, and says so with its
// length and SHA-256.
type Report struct {
	Kind       metadata.Kind `json:"kind"`
	App        string        `json:"app"`            // API name
	Note       string        `json:"note,omitempty"` // what was recognised and is not judged: Setup's migration, the idle limit
	Findings   []Finding     `json:"findings"`       // what is wrong, in the order of the rules
	NotVisible []Unseen      `json:"notVisible"`     // what nobody saw; each says where to look
	Passed     []string      `json:"passed"`         // IDs of the rules that saw what they judge and found nothing

	rules []Rule
}

// Correct returns a copy of the app with every finding corrected that has a Correct. The same rules then find nothing but what
// has none, whose NoCorrection says why; every byte that no finding is about stays as it was.
func (r Report) Correct(app metadata.App) metadata.App {
	app = app.Clone()
	for _, f := range r.Findings {
		if f.Correct != nil {
			app = f.Correct(app)
		}
	}
	return app
}

// Worst returns the worst severity found; empty without findings.
func (r Report) Worst() Severity {
	worst := Severity("")
	for _, f := range r.Findings {
		if worst == "" || f.Severity == SeverityError || f.Severity == SeverityWarning && worst == SeverityNote {
			worst = f.Severity
		}
	}
	return worst
}

// String is the report as plain text, as [Write] gives it for [Text].
func (r Report) String() string {
	var b strings.Builder
	textReport{Writer: &b}.report(r)
	return b.String()
}

// String is the finding in one line.
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
