package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Fate says what happens to one setting of a connected app.
type Fate string

// Fates, in the order of a plan.
const (
	Kept    Fate = "kept"    // the new app has the same value
	Changed Fate = "changed" // the instructions for the new app require another value
	Offered Fate = "offered" // the new app has such a setting, and the instructions do not mention it: the admin decides
	Lost    Fate = "lost"    // it cannot be carried over to the new app
)

// Item is one setting of the connected app, and what happens to it.
type Item struct {
	Fate  Fate   `json:"fate"`
	Field string `json:"field"`         // Setup's label of a listed setting, or the element's path in the connected app
	Old   string `json:"old"`           // in Setup's words for a listed setting; one line for each member of a list
	New   string `json:"new"`           // in the same form; with Offered, the value as the new app spells it
	Place string `json:"place"`         // with Offered, component and element of the new app; otherwise empty
	Why   string `json:"why,omitempty"` // the reason; empty with Kept
}

// Step is one action of one person or company.
type Step struct {
	Who string `json:"who"` // "Salesforce admin", "Fullcast" or "Salesforce"
	Do  string `json:"do"`
}

// Road is one way to migrate from the connected app to the external client app.
type Road struct {
	Title   string   `json:"title"`
	Assumed []string `json:"assumed"` // statements about Salesforce that were reported and not tested

	Blockers []Blocker `json:"blockers,omitempty"` // features that prevent this road while they are on

	Steps  []Step `json:"steps"`  // in order
	OldApp string `json:"oldApp"` // what happens to the connected app
}

// Plan says how a connected app becomes an external client app. Its items hold neither consumer key nor secret. URLs and long
// texts are shown as in a [Report]. If a list has members that the new app does not have, the first 40 have an item each. All
// further members have one item together.
type Plan struct {
	App   metadata.App `json:"-"`     // the app to create: only the settings that the instructions list
	Items []Item       `json:"items"` // every setting of the connected app, ordered by fate
	Roads []Road       `json:"roads"` // the recommended one first
}

// PlanMigration returns a plan to replace the connected app from by the external client app to. The plan has an item for every
// setting of from, also for settings that package metadata does not know. If ContactEmail of to is empty, the plan uses that of
// from. PlanMigration changes neither of them and calls no org.
//
// It returns an error in three cases: from is not a connected app, or was not read; to is not an external client app; or to is
// not valid. In the third case the error wraps a *metadata.Error.
//
// Source: Metadata API, ConnectedApp and the ExtlClntApp… types; Salesforce Help, "Migrate a Connected App to an External Client
// App", and knowledge article 005387022 about the allow-list. Users report what else Setup's migration keeps; it is not
// documented.
func PlanMigration(from metadata.App, to metadata.AppSpec) (Plan, error) {
	switch {
	case from.Kind != metadata.KindConnectedApp || from.Connected == nil:
		return Plan{}, errors.New("policy: plan migration: from is not a connected app that was read; read it from the org or its .connectedApp file")
	case to.Kind != metadata.KindExternalClientApp:
		return Plan{}, errors.New("policy: plan migration: to is not an external client app; use fullcast.ExternalClientApp")
	}
	if err := to.Validate(); err != nil {
		return Plan{}, fmt.Errorf("policy: plan migration: to: %w", err)
	}
	spec := from.Spec()
	to.ContactEmail = cmp.Or(to.ContactEmail, spec.ContactEmail)
	p := Plan{App: to.New()}
	var changes, names []Step // the clicks of a change name the app as it was called before, so that other names come last
	for _, f := range fields {
		at, ok := f.where[metadata.KindExternalClientApp]
		got, want := f.want(spec), f.want(to)
		if !ok || len(got)+len(want) == 0 {
			continue
		}
		if len(want) == 0 {
			p.Items = append(p.Items, f.offers(at, spec)...)
			continue
		}
		item := Item{Field: at.label, Old: cmp.Or(list(got), absent), New: list(want)}
		if f.list && differences(got, want) == "" || !f.list && slices.Equal(got, want) {
			item.Fate = Kept
			item.Old = item.New
		} else if f.sameMeaning(spec, to) {
			item.Fate = Kept
		} else {
			item.Fate, item.Why = Changed, "Fullcast's instructions for external client apps say so. "+f.why
			step := Step{whoAdmin, strings.ReplaceAll(at.screen.clicks(f.do(at.label, want)), "{app}", nameInSetup(spec))}
			if at.screen == externalBasic {
				names = append(names, step)
			} else {
				changes = append(changes, step)
			}
		}
		p.Items = append(p.Items, item)
		if f.list {
			p.Items = append(p.Items, extras(f, at, spec, to)...)
		}
	}
	p.Items = append(p.Items, unlistedItems(from, to)...)
	hidden := credentialsOf(from)
	for i, item := range p.Items {
		old := hidden.shown(item.Old)
		fresh := old // what is carried as it is may be long
		if item.New != item.Old {
			fresh = hidden.shown(item.New)
		}
		p.Items[i].Field, p.Items[i].Old, p.Items[i].New = hidden.conceal(item.Field), old, fresh
	}
	slices.SortStableFunc(p.Items, func(a, b Item) int { return cmp.Compare(a.Fate.rank(), b.Fate.rank()) })
	p.Roads = []Road{newAppRoad(spec, to), buttonRoad(*from.Connected, spec, changes, names)}
	return p, nil
}

func (f Fate) rank() int { return slices.Index([]Fate{Kept, Changed, Offered, Lost}, f) }

// String returns the plan as plain text. Control characters are escaped. The last line has the number of settings of each fate.
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Migration to %s (external client app)\n", printable(p.App.Name))
	fate := Fate("")
	for _, i := range p.Items {
		if i.Fate != fate {
			fate = i.Fate
			fmt.Fprintf(&b, "\n%s\n", fate)
		}
		switch i.Fate {
		case Kept:
			fmt.Fprintf(&b, "  %s: %s\n", printable(i.Field), oneLine(i.Old))
			continue
		case Changed:
			fmt.Fprintf(&b, "  %s: %s, becomes %s\n", printable(i.Field), oneLine(i.Old), oneLine(i.New))
		case Offered:
			as := ""
			if i.New != i.Old {
				as = " = " + oneLine(i.New)
			}
			fmt.Fprintf(&b, "  %s: %s, would be %s%s\n", printable(i.Field), oneLine(i.Old), printable(i.Place), as)
		case Lost:
			fmt.Fprintf(&b, "  %s: %s\n", printable(i.Field), oneLine(i.Old))
		}
		fmt.Fprintf(&b, "    %s\n", printable(i.Why))
	}
	for _, r := range p.Roads {
		fmt.Fprintf(&b, "\n%s\n", r.Title)
		for _, k := range r.Blockers {
			seen := "may block it, and only Setup shows it"
			if k.Seen {
				seen = "blocks it"
			}
			fmt.Fprintf(&b, "  %s %s: %s\n", k.What, seen, oneLine(k.Do))
		}
		for i, s := range r.Steps {
			do, lines, more := strings.Cut(s.Do, "\n")
			fmt.Fprintf(&b, "  %d. %s: %s\n", i+1, s.Who, printable(do))
			for line := range strings.SplitSeq(lines, "\n") {
				if more { // to be copied
					fmt.Fprintf(&b, "       %s\n", printable(line))
				}
			}
		}
		for _, a := range r.Assumed {
			fmt.Fprintf(&b, "  assumed: %s\n", a)
		}
		fmt.Fprintf(&b, "  the connected app: %s\n", r.OldApp)
	}
	fates := map[Fate]int{}
	for _, i := range p.Items {
		fates[i.Fate]++
	}
	fmt.Fprintf(&b, "\nMigration to %s: %d kept, %d changed, %d offered, %d lost\n", printable(p.App.Name), fates[Kept], fates[Changed], fates[Offered], fates[Lost])
	return b.String()
}
