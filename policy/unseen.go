package policy

import "strings"

// Unseen is one setting that a rule could not see, with the page of Setup that shows it.
type Unseen struct {
	Rule    string `json:"rule"`    // the rule's ID
	Field   string `json:"field"`   // Setup's label
	Want    string `json:"want"`    // the right value in Setup's words; one line for each member of a list
	Message string `json:"message"` // why the setting was not seen, as a sentence without a full stop
	Screen  string `json:"screen"`  // the way through Setup to the page that shows the setting; or a text that says that there is nothing to click
}

const notVisible = "not visible"

// NotVisible reports that the rule could not see the setting that it checks. The parameter why says the reason, as a sentence
// without a full stop. NotVisible replaces secrets of the app in why.
func (p *Pass) NotVisible(why string) { p.unseen(Unseen{Message: p.hidden.shown(why)}) }

// unseen reports what the rule could not see. What u leaves empty is taken from the rule. Its texts hold no secret.
func (p *Pass) unseen(u Unseen) {
	p.done = true
	u.Rule = p.rule.ID
	if u.Field == "" {
		u.Field = p.rule.Field
	}
	if u.Want == "" {
		u.Want = p.rule.Want
	}
	if u.Screen == "" {
		u.Screen = strings.ReplaceAll(screenOf(p.rule.fix(p.Subject.App.Kind)), "{app}", p.name)
	}
	p.report.NotVisible = append(p.report.NotVisible, u)
}

// screenOf is the way to the screen of a fix, without what is to be done there.
func screenOf(fix string) string {
	first, _, _ := strings.Cut(fix, "\n")
	screen, _, _ := strings.Cut(first, ": ")
	return screen
}

// shownBy is one screen of Setup, and what it shows that was not seen.
type shownBy struct {
	Name string
	All  []Unseen
}

// screens are the screens that show what was not seen, each with all of it, in the order of the rules.
func (r Report) screens() []shownBy {
	var screens []shownBy
	index := map[string]int{}
	for _, u := range r.NotVisible {
		i, known := index[u.Screen]
		if !known {
			i, index[u.Screen] = len(screens), len(screens)
			screens = append(screens, shownBy{Name: u.Screen})
		}
		screens[i].All = append(screens[i].All, u)
	}
	return screens
}
