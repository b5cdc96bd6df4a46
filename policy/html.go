package policy

import (
	_ "embed"
	"html/template"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

//go:embed report.html
var pageSource string

// page is the whole HTML page. Its policy for contents forbids everything but its own style.
var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"kind":      kindInWords,
	"lines":     nonEmptyLines,
	"passed":    Report.passedTitles,
	"printable": printable,
	"said":      Finding.said,
	"screens":   Report.screens,
	"sentence":  sentence,
	"unseen":    Unseen.line,
	"wanted":    Finding.wanted,
	"where":     Finding.where,
}).Parse(pageSource))

func nonEmptyLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// said is the message, where it tells more than the values beside it.
func (f Finding) said() string {
	if f.Message == f.plainMessage() {
		return ""
	}
	return f.Message
}

// line is the setting, what it should be, and why it was not seen.
func (u Unseen) line() string {
	line := printable(u.Field)
	if u.Want != "" {
		line += ", should be " + oneLine(u.Want)
	}
	return line + ": " + printable(u.Message) + "."
}

// wanted is what a field should be, where the fix does not list it anyway.
func (f Finding) wanted() string {
	if strings.Contains(f.Want, "\n") && strings.Contains(f.Fix, f.Want) {
		return ""
	}
	return f.Want
}

// sentence begins with a capital letter.
func sentence(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return printable(string(unicode.ToUpper(r)) + s[size:])
}

// passedTitles are the titles of the rules that passed; the ID where a report was made elsewhere.
func (r Report) passedTitles() []string {
	titles := slices.Clone(r.Passed)
	for i, id := range titles {
		for _, rule := range r.rules {
			if rule.ID == id {
				titles[i] = rule.Title
			}
		}
	}
	return titles
}
