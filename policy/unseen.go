package policy

import "strings"

// Unseen is one thing that a rule could not see, with the screen of Setup that shows it.
type Unseen struct {
	Rule    string `json:"rule"`    // the rule's ID
	Field   string `json:"field"`   // Setup's label
	Want    string `json:"want"`    // what the rule wants, in Setup's words, a line for each member of a list
	Message string `json:"message"` // why it was not seen, in a sentence without its full stop
	Screen  string `json:"screen"`  // where to look: the way through Setup, as far as the screen; or that there is nothing to click
}

const notVisible = "not visible"

// NotVisible reports that the rule could not see what it judges, and why not.
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
