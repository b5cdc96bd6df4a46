package policy

import (
	"fmt"
	"io"
	"strings"
)

func writeMarkdown(w io.Writer, r Report) {
	fmt.Fprintf(w, "## %s (%s)\n\n%s\n", markdown(r.App), kindInWords(r.Kind), r.totals())
	if r.Note != "" {
		fmt.Fprintf(w, "\n> %s\n", markdown(r.Note))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(w, "\n### %s: %s\n\n%s\n\n", f.Severity, markdown(f.Field), markdown(f.Message))
		markdownItems(w, "Got", f.Got, "Want", f.Want, "Why", f.Why, "Fix", f.Fix, "Where", f.where(), "Rule", f.Rule)
	}
	for _, s := range r.screens() {
		fmt.Fprintf(w, "\n### %s: %s\n\n", notVisible, markdown(s.Name))
		for _, u := range s.All {
			want := ""
			if u.Want != "" {
				want = ", should be " + markdown(oneLine(u.Want))
			}
			fmt.Fprintf(w, "- **%s**%s: %s \\[%s\\]\n", markdown(u.Field), want, markdown(u.Message), markdown(u.Rule))
		}
	}
	fmt.Fprintln(w)
}

func markdownItems(w io.Writer, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		fmt.Fprintf(w, "- **%s:** %s\n", pairs[i], strings.ReplaceAll(markdown(pairs[i+1]), "\n", "\n  - "))
	}
}

// markdown escapes what Markdown, or HTML inside it, would understand. Lines stay.
func markdown(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			b.WriteByte('\n')
		}
		line = printable(line)
		for at := range len(line) {
			if strings.IndexByte("\\`*_{}[]<>()#+-.!|~&@:", line[at]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(line[at])
		}
	}
	return b.String()
}
