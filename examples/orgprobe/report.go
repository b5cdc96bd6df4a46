package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/scrub"
)

// answer is what one question came to.
type answer struct {
	probe
	Did      string // what was done, in a few words
	Found    string // the answer
	Evidence string // what Salesforce said, without secrets
}

// report is the table.
type report struct {
	Date    time.Time
	Org     string
	answers []answer
	left    []probe
}

func (r report) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Questions to a Salesforce org, %s\n\nOrg: %s. Metadata API %s. Nothing here is a secret.\n\n",
		r.Date.UTC().Format("2006-01-02"), cell(r.Org), apiVersion)
	b.WriteString("| # | Question | What was done | Answer | Evidence |\n|---|---|---|---|---|\n")
	for _, a := range r.answers {
		row(&b, a.id, a.question, a.Did, a.Found, a.Evidence)
	}
	if len(r.left) > 0 {
		b.WriteString("\n## Not asked\n\n")
		table(&b, r.left)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// unproved lists the questions for who has no org at hand.
func unproved(w io.Writer) error {
	var b strings.Builder
	b.WriteString("# What no document of Salesforce settles\n\nNo org was named (orgprobe -h), so nothing was asked. The SDK needs none of the answers to be safe.\n\n")
	table(&b, questions())
	_, err := io.WriteString(w, b.String())
	return err
}

func table(b *strings.Builder, list []probe) {
	b.WriteString("| # | Question | Why it matters | How to learn it |\n|---|---|---|---|\n")
	for _, p := range list {
		how := "orgprobe"
		switch {
		case p.ask == nil:
			how = "by hand: " + p.byHand
		case p.destructive:
			how = "orgprobe -destructive"
		}
		row(b, p.id, p.question, p.why, how)
	}
}

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString("| " + cell(c) + " ")
	}
	b.WriteString("|\n")
}

// cell keeps text from outside within its cell: one line, no markup.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", "`", "'").Replace(scrub.Printable(s))
}
