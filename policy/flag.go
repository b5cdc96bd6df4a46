package policy

import (
	"fmt"
	"reflect"

	"github.com/fullcast/sfauth/metadata"
)

// flag is a rule about one checkbox that no AppSpec lists, as data.
type flag struct {
	id, title, why, source string
	severity               Severity
	want                   metadata.Checkbox
	order                  string                   // what it orders Salesforce to do, where it is no setting: absent, it orders nothing
	where                  places                   // by kind of app; a kind that is absent has no such setting
	noCorrection           map[metadata.Kind]string // why it is not corrected, where it is not
}

func (f flag) rule() Rule {
	external := f.where[metadata.KindExternalClientApp]
	want := selected
	if f.want == metadata.Cleared {
		want = cleared
	}
	fix := func(at place) string { return at.screen.clicks(tick(at.label, []string{want})) }
	if f.order != "" {
		fix = func(at place) string {
			return fmt.Sprintf("In the file, take <%s> out or set it to false; Setup does not show it", at.element)
		}
	}
	r := Rule{
		ID: f.id, Title: f.title, Why: f.why, Source: f.source, Severity: f.severity,
		Field: external.label, Want: want, Fix: fix(external),
		Needs: []Part{external.part},
	}
	if len(f.noCorrection) == len(f.where) {
		r.NoCorrection = f.noCorrection[metadata.KindExternalClientApp]
	} else {
		r.Correct = func(a metadata.App) metadata.App {
			at := f.where[a.Kind]
			return setElement(a, at.part, at.element, reflect.ValueOf(new(f.want == metadata.Selected)))
		}
	}
	r.Check = func(p *Pass) {
		at, has := f.where[p.Subject.App.Kind]
		if !has && f.order != "" {
			return
		}
		if !has {
			p.unseen(Finding{Message: "this kind of app has no such setting", Fix: "There is nothing to click"})
			return
		}
		p.at = p.Subject.position(at.part, at.element)
		found := Finding{Field: at.label, Fix: fix(at)}
		v, since := p.Subject.element(at.part, at.element)
		switch {
		case !v.IsValid() && f.order != "":
		case !v.IsValid():
			found.Message = fmt.Sprintf("there is no <%s>; API version %s and later have it", at.element, since)
			p.unseen(found)
		case v.Elem().Bool() != (f.want == metadata.Selected):
			found.NoCorrection = f.noCorrection[p.Subject.App.Kind]
			found.Got = selected
			if !v.Elem().Bool() {
				found.Got = cleared
			}
			if f.order != "" {
				found.Message = "the file orders Salesforce to " + f.order
			}
			p.Find(found)
		}
	}
	return r
}

// setElement returns a copy of an app with an element that it has set to another value.
func setElement(a metadata.App, part Part, path string, to reflect.Value) metadata.App {
	a = a.Clone()
	if v, _ := (Subject{App: a}).element(part, path); v.IsValid() {
		v.Set(to)
	}
	return a
}

func flagRules(flags []flag) []Rule {
	rules := make([]Rule, 0, len(flags))
	for _, f := range flags {
		rules = append(rules, f.rule())
	}
	return rules
}
