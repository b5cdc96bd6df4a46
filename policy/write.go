package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/fullcast/sfauth/internal/scrub"
)

// Format is an output format of reports.
type Format string

// Formats. No format shows a secret. None loads or runs anything.
const (
	Text     Format = "text"     // for people; in colour if the writer is a terminal
	Markdown Format = "markdown" // for tickets and pull requests
	HTML     Format = "html"     // one page to send or print, for light and dark screens
	JSON     Format = "json"     // for programs; see [Write]
	SARIF    Format = "sarif"    // SARIF 2.1.0, for code scanning
)

// Write writes reports to w in the format form, with one call of w.Write. There may be no reports. If form is unknown, Write
// writes nothing and returns an error that lists all formats. If w fails, Write returns an error that wraps the error of w. Write
// is safe for concurrent use if w is.
//
// JSON is an object with two fields. "version" is 1; it changes when a field is removed or changes its meaning. "reports" is an
// array of [Report] objects, with the names of their tags. Invisible characters are written as escapes.
//
// SARIF has one run. A finding is a result with the level of its severity. A setting that was not seen is a result of kind
// "review". A result names the file as it was given to [metadata.Parse], relative to that tree, and the line.
//
// For each setting that was not seen, all formats name the page of Setup. Text, Markdown and HTML name each page once. JSON is
// indented; SARIF is one line. Text ends with the totals of each report, and then of all reports. Text has colour only if w is a
// terminal. If the environment has NO_COLOR or TERM=dumb, it has no colour.
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
