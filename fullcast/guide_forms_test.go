package fullcast_test

import (
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// states is what a guide says to do with a checkbox or a switch, by the value that it gets.
var states = map[string]string{"Select the checkbox.": "selected", "Clear the checkbox.": "cleared", "Toggle it on.": "selected", "Type your own email address.": adminsOwn}

// A readGuide is a guide as a reader finds it on paper or on a page.
type readGuide struct {
	settings []setting
	steps    []int    // steps of each section
	notes    []string // what is set apart as a note, each with where it stands: "before", "1", "1.6", "1.6 Label"
}

// set adds what a field is to become: the values shown for it, or what the hint says of a checkbox.
func (g *readGuide) set(app, step, label, hint string, values []string) {
	if state := states[hint]; state != "" {
		values = append(slices.Clone(values), state)
	}
	for _, v := range values {
		g.settings = append(g.settings, setting{app, step, label, v})
	}
}

var (
	markdownStep  = regexp.MustCompile(`^(\d+)\. (.+)$`)
	markdownField = regexp.MustCompile(`^   - \*\*(.+?)\*\*(?:: (.+))?$`)
	markdownValue = regexp.MustCompile("^     - `(.+)`$")
	markdownNote  = regexp.MustCompile(`^( *)> (?:\*\*Note\*\* )?(.+)$`)
)

// markdownGuide reads a guide's Markdown, by indentation, down to what follows in practice.
func markdownGuide(t *testing.T, app, text string) readGuide {
	t.Helper()
	var g readGuide
	instructions, _, ok := strings.Cut(text, "\n## What follows in practice\n")
	if !ok {
		t.Fatal("what follows in practice is not kept apart")
	}
	step, where, label, hint := "", "before", "", ""
	var values []string
	flush := func() {
		if label != "" {
			g.set(app, step, label, hint, values)
		}
		label, hint, values = "", "", nil
	}
	for line := range strings.SplitSeq(instructions, "\n") {
		if m := markdownNote.FindStringSubmatch(line); m != nil {
			g.notes = append(g.notes, where+": "+m[2])
			continue
		}
		if m := markdownValue.FindStringSubmatch(line); m != nil {
			values = append(values, m[1])
			continue
		}
		flush()
		if m := markdownField.FindStringSubmatch(line); m != nil {
			label, hint, where = m[1], m[2], step+" "+m[1]
		} else if strings.HasPrefix(line, "## ") {
			g.steps, where = append(g.steps, 0), fmt.Sprint(len(g.steps)+1)
		} else if m := markdownStep.FindStringSubmatch(line); m != nil {
			n := len(g.steps)
			g.steps[n-1]++
			if m[1] != fmt.Sprint(g.steps[n-1]) {
				t.Errorf("step %d of section %d has the number %s", g.steps[n-1], n, m[1])
			}
			step = fmt.Sprintf("%d.%s", n, m[1])
			where = step
		} else if line != "" && line != ">" && !strings.HasPrefix(line, "# ") {
			t.Errorf("line %q is none of a guide", line)
		}
	}
	flush()
	return g
}

// htmlGuide reads a guide's HTML by its elements, down to what follows in practice.
func htmlGuide(t *testing.T, app, text string) readGuide {
	t.Helper()
	type field struct {
		XMLName xml.Name
		Class   string `xml:"class,attr"`
		Text    string `xml:",chardata"`
		Code    string `xml:"code"`
	}
	var page struct {
		Children []struct {
			XMLName xml.Name
			Class   string `xml:"class,attr"`
			Text    string `xml:",chardata"`
			Steps   []struct {
				Text   string `xml:",chardata"`
				Note   string `xml:"p"`
				Fields struct {
					All []field `xml:",any"`
				} `xml:"dl"`
			} `xml:"li"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal([]byte(text), &page); err != nil {
		t.Fatal(err)
	}
	var g readGuide
	where := "before"
	for _, c := range page.Children {
		switch {
		case c.XMLName.Local == "h3" && c.Text == "What follows in practice":
			return g
		case c.XMLName.Local == "h3":
			g.steps, where = append(g.steps, 0), fmt.Sprint(len(g.steps)+1)
		case c.Class == "note":
			g.notes = append(g.notes, where+": "+c.Text)
		case c.XMLName.Local == "ol":
			n := len(g.steps)
			g.steps[n-1] = len(c.Steps)
			for i, s := range c.Steps {
				step := fmt.Sprintf("%d.%d", n, i+1)
				if s.Note != "" {
					g.notes = append(g.notes, step+": "+s.Note)
				}
				label, hint := "", ""
				var values []string
				for _, f := range append(s.Fields.All, field{XMLName: xml.Name{Local: "dt"}}) {
					switch {
					case f.XMLName.Local == "dt":
						if label != "" {
							g.set(app, step, label, hint, values)
						}
						label, hint, values = f.Text, "", nil
					case f.Class == "note":
						g.notes = append(g.notes, step+" "+label+": "+f.Text)
					case f.Code != "":
						values = append(values, f.Code)
					default:
						hint = f.Text
					}
				}
			}
		}
	}
	t.Fatal("what follows in practice is not kept apart")
	return g
}
