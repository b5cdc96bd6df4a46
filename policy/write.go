package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fullcast/sfauth/internal/scrub"
)

// Format is a form of reports.
type Format string

// Formats. No form shows a secret, loads anything or runs anything.
const (
	Text     Format = "text"     // for people; in colour where the writer is a terminal
	Markdown Format = "markdown" // for tickets and pull requests
	HTML     Format = "html"     // one page to send, light and dark, fit for printing
	JSON     Format = "json"     // for programs; see [Write]
	SARIF    Format = "sarif"    // SARIF 2.1.0, for code scanning
)

// Write writes reports in a form; an unknown form is an error that names all of them.
//
// JSON is an object with "version", which is 1 and changes when a field changes its meaning or goes, and "reports", an
// array of [Report] objects with the names of their tags. Characters that have no shape of their own are written as escapes.
//
// SARIF has one run. What was found is a result of its severity's level, what was not seen one of kind "review".
// Results point at the file as it was given to [metadata.Parse], relative to that tree, and the line.
//
// All forms say of what was not seen where in Setup to look; text, Markdown and HTML name each screen once. JSON is indented,
// SARIF one line. Text ends with the totals, those of all reports last. It has colour only on a terminal, and not where the environment has NO_COLOR or TERM=dumb.
//
// Source: SARIF 2.1.0, OASIS Standard.
func Write(w io.Writer, form Format, reports ...Report) error {
	var b bytes.Buffer
	var err error
	switch form {
	case Text:
		t := textReport{Writer: &b, colour: terminal(w)}
		for i, r := range reports {
			if i > 0 {
				b.WriteByte('\n')
			}
			t.report(r)
		}
		if len(reports) > 1 {
			fmt.Fprintf(&b, "\n%s\n", totalOf(reports))
		}
	case Markdown:
		for _, r := range reports {
			writeMarkdown(&b, r)
		}
	case HTML:
		err = page.Execute(&b, reports)
	case JSON:
		if reports == nil {
			reports = []Report{}
		}
		err = encode(&b, "  ", struct {
			Version int      `json:"version"`
			Reports []Report `json:"reports"`
		}{1, reports})
	case SARIF:
		err = encode(&b, "", sarif(reports))
	default:
		return fmt.Errorf("policy: write: form %.20q is none of text, markdown, html, json, sarif", form)
	}
	if err == nil {
		_, err = w.Write(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("policy: write %s: %w", form, err)
	}
	return nil
}

// encode writes JSON whose text is visible wherever it is looked at, also on a terminal. Without an indent it is one line.
func encode(w io.Writer, indent string, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(scrub.JSON(b.Bytes()))
	return err
}

// terminal tells whether colour belongs here.
//
// Source: no-color.org.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
