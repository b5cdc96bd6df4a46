package policy

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// flag is a rule about one checkbox that no AppSpec lists, as data.
type flag struct {
	id, title, why, source string
	severity               Severity
	want                   metadata.Checkbox
	order                  string                   // what it orders Salesforce to do, where it is no setting: absent, it orders nothing
	where                  places                   // by kind of app; a kind that is absent has no such setting
	also                   places                   // the second switch without which the first has no effect, by kind of app
	noCorrection           map[metadata.Kind]string // why it is not corrected, where it is not
}

func (f flag) rule() Rule {
	external := f.where[metadata.KindExternalClientApp]
	r := Rule{
		ID: f.id, Title: f.title, Why: f.why, Source: f.source, Severity: f.severity,
		Field: external.label, Want: f.words(), Fix: f.fix(metadata.KindExternalClientApp), FixConnected: f.fix(metadata.KindConnectedApp),
		Needs: []Part{external.part},
		Check: f.check,
	}
	if len(f.noCorrection) == len(f.where) {
		r.NoCorrection = f.noCorrection[metadata.KindExternalClientApp]
	} else {
		r.Correct = func(a metadata.App) metadata.App {
			at := f.where[a.Kind]
			return setElement(a, at.part, at.element, reflect.ValueOf(new(f.want == metadata.Selected)))
		}
	}
	return r
}

// words are what is wanted, as Setup has it.
func (f flag) words() string {
	if f.want == metadata.Cleared {
		return cleared
	}
	return selected
}

// fix is what to do in an app of a kind.
func (f flag) fix(kind metadata.Kind) string {
	at, has := f.where[kind]
	switch {
	case !has:
		return nothingToClick
	case f.order != "":
		return fmt.Sprintf("In the file, take <%s> out or set it to false; Setup does not show it", at.element)
	}
	return at.screen.clicks(tick(at.label, []string{f.words()}))
}

func (f flag) check(p *Pass) {
	kind := p.Subject.App.Kind
	at, has := f.where[kind]
	if !has {
		if f.order == "" {
			p.unseen(Unseen{Message: "this kind of app has no such setting"})
		}
		return
	}
	p.at = p.Subject.position(at.part, at.element)
	v, since := p.Subject.element(at.part, at.element)
	switch {
	case f.order != "" && !v.IsValid():
	case strings.HasPrefix(at.element, "oauthConfig/") && p.Spec.EnableOAuth == metadata.Cleared:
		p.unseen(Unseen{Field: at.label, Message: "the app has no OAuth settings", Screen: nothingToClick})
	case !v.IsValid():
		p.unseen(Unseen{Field: at.label, Message: fmt.Sprintf("there is no <%s>; API version %s and later have it", at.element, since)})
	case v.Elem().Bool() == (f.want == metadata.Selected), f.withoutEffect(p.Subject):
	default:
		found := Finding{Field: at.label, NoCorrection: f.noCorrection[kind], Got: selected}
		if !v.Elem().Bool() {
			found.Got = cleared
		}
		if f.order != "" {
			found.Message = "the file orders Salesforce to " + f.order
		}
		p.Find(found)
	}
}

// withoutEffect tells whether the second switch was read as off.
func (f flag) withoutEffect(s Subject) bool {
	at, has := f.also[s.App.Kind]
	if !has {
		return false
	}
	v, _ := s.element(at.part, at.element)
	return v.IsValid() && !v.Elem().Bool()
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
