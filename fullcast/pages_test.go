package fullcast_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// page is one of Fullcast's instruction pages, taken apart.
type page struct {
	steps    []int     // numbered steps by section
	rows     []int     // table rows by section
	settings []setting // what rows and steps set, sorted
}

const inBold = `\*\*([^*]+)\*\*`

var (
	numbered  = regexp.MustCompile(`^(\d+)\. (.*)$`)
	code      = regexp.MustCompile("`([^`]+)`")
	listItem  = regexp.MustCompile(`- \*\*([^*]+\([^*]+\))\*\*`)
	checkbox  = regexp.MustCompile(`select the ` + inBold + ` checkbox\.$`)
	toggle    = regexp.MustCompile(`toggle on ` + inBold + `\.$`)
	dropdown  = regexp.MustCompile(`[Ff]rom the ` + inBold + ` dropdown,? select ` + inBold + `\.`)
	selection = regexp.MustCompile(`^(?:From the dropdown select|Select) ` + inBold + `\.`)
)

// readPage takes a page apart; app is the table's word for it. A step or row that sets something in words that are
// not known here is an error, so that nothing new on a page is passed over.
func readPage(t *testing.T, file, app string) page {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := page{}
	section, step, inTable := -1, 0, false
	add := func(label, value string) {
		p.settings = append(p.settings, setting{app, fmt.Sprintf("%d.%d", section+1, step), strings.TrimSpace(label), strings.TrimSpace(value)})
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if strings.HasPrefix(line, "## ") {
			section, step = section+1, 0
			p.steps, p.rows = append(p.steps, 0), append(p.rows, 0)
			continue
		}
		if section < 0 {
			continue
		}
		if !strings.HasPrefix(line, "|") {
			inTable = false
		}
		if m := numbered.FindStringSubmatch(line); m != nil {
			step++
			p.steps[section]++
			readStep(t, m[2], add)
		}
		if cells := strings.SplitN(strings.Trim(line, "| "), " | ", 2); strings.HasPrefix(line, "|") {
			switch {
			case strings.HasPrefix(cells[0], "Field"):
			case strings.HasPrefix(cells[0], "---"):
				inTable = true
			case !inTable:
				t.Errorf("%s: row %q outside a table", file, line)
			default:
				p.rows[section]++
				readRow(t, strings.Trim(cells[0], "* "), cells[1], add)
			}
		}
	}
	slices.SortFunc(p.settings, compare)
	return p
}

func readStep(t *testing.T, text string, add func(label, value string)) {
	if m := checkbox.FindStringSubmatch(text); m != nil {
		add(m[1], "selected")
		return
	}
	if m := toggle.FindStringSubmatch(text); m != nil {
		add(m[1], "selected")
		return
	}
	if m := dropdown.FindStringSubmatch(text); m != nil {
		add(m[1], m[2])
		return
	}
	plain := strings.Join(strings.Fields(strings.ReplaceAll(text, "**", " ")), " ")
	for _, start := range []string{"In Salesforce, click", "Go to", "Click", "Find", "Select the Policies tab", "In the Connected App Details section, click Edit Policies"} {
		if strings.HasPrefix(plain, start) {
			return // walks or saves
		}
	}
	if strings.HasSuffix(plain, "omplete the following fields:") || plain == "Do not change any other fields or options." {
		return
	}
	t.Errorf("step %q sets something in words that are not known", text)
}

func readRow(t *testing.T, label, action string, add func(label, value string)) {
	switch {
	case strings.HasPrefix(action, "Copy and paste all three URLs"):
		for _, m := range code.FindAllStringSubmatch(action, -1) {
			add(label, m[1])
		}
	case strings.HasPrefix(action, "Move the following options"):
		for _, m := range listItem.FindAllStringSubmatch(action, -1) {
			add(label, m[1])
		}
	case strings.HasPrefix(action, "Select the checkbox to enable."), action == "Select to enable.":
		add(label, "selected")
	case strings.HasPrefix(action, "Clear the checkbox to disable."):
		add(label, "cleared")
	case action == "Type your email address.":
		add(label, adminsOwn)
	case strings.HasPrefix(action, "Type `"), strings.HasPrefix(action, "Click the field to auto-populate `"):
		add(label, code.FindStringSubmatch(action)[1])
	case selection.MatchString(action):
		add(label, selection.FindStringSubmatch(action)[1])
	default:
		t.Errorf("row %q sets something in words that are not known: %q", label, action)
	}
}

func compare(a, b setting) int {
	return slices.Compare([]string{a.App, a.Step, a.Label, a.Value}, []string{b.App, b.Step, b.Label, b.Value})
}

func TestTableSaysWhatThePagesSay(t *testing.T) {
	dir := needs.Folder(t, "SFAUTH_SPEC")
	tests := []struct {
		app, file   string
		steps, rows []int
		settings    int
	}{
		{"external client app", "create-an-external-client-app.md", []int{8, 8}, []int{10, 3}, 25},
		{"connected app", "create-a-connected-app.md", []int{7, 8}, []int{9, 3}, 22},
	}
	table := readSettings(t)
	if len(table) != 25+22 {
		t.Errorf("the table has %d rows, want 47", len(table))
	}
	for _, tt := range tests {
		t.Run(tt.app, func(t *testing.T) {
			p := readPage(t, filepath.Join(dir, tt.file), tt.app)
			if !slices.Equal(p.steps, tt.steps) {
				t.Errorf("steps by section: got %d, want %d", p.steps, tt.steps)
			}
			if !slices.Equal(p.rows, tt.rows) {
				t.Errorf("table rows by section: got %d, want %d", p.rows, tt.rows)
			}
			if len(p.settings) != tt.settings {
				t.Errorf("settings: got %d, want %d", len(p.settings), tt.settings)
			}
			want := slices.DeleteFunc(slices.Clone(table), func(s setting) bool { return s.App != tt.app })
			slices.SortFunc(want, compare)
			if !slices.Equal(p.settings, want) {
				t.Errorf("the page says\n%q\nthe table says\n%q", p.settings, want)
			}
		})
	}
}
