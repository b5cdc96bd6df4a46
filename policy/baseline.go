package policy

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Baseline returns one rule for each field that want lists, including its Kind. It returns no rule for a field that want does not
// list: the admin decides about it. Labels, pages and clicks are those of Setup for the kind of app in want. If want.Kind is
// empty, Baseline returns no rules. Baseline does not validate want, and returns no error.
//
// If want lists the Refresh Token Policy "valid until revoked", an app with "not used for" 30 days or more also passes: Setup
// offers that instead where the idle limit is on. The Note of the report says what was read about the limit. If want lists PKCE
// as not required and a connected app requires it, the finding is a note, because Salesforce may not allow the admin to clear it.
//
// Lists are compared as sets. A scope alias counts as the scope that it stands for. Callback URLs must be equal in every letter,
// as Salesforce compares them.
func Baseline(want metadata.AppSpec) []Rule {
	var rules []Rule
	if want.Kind != "" {
		rules = append(rules, kindRule(want.Kind))
	}
	for _, f := range fields {
		at, has := f.where[want.Kind]
		if values := f.want(want); has && len(values) > 0 {
			rules = append(rules, f.rule(want, at, values))
		}
	}
	return rules
}

func instructions(k metadata.Kind) string {
	if k == metadata.KindConnectedApp {
		return `Fullcast support, "Create a Connected App"`
	}
	return `Fullcast support, "Create an external client app"`
}

func kindRule(want metadata.Kind) Rule {
	fix := externalManager.clicks("click New External Client App and follow Fullcast's instructions")
	if want == metadata.KindConnectedApp {
		fix = "Check this app against the instructions for external client apps"
	}
	return Rule{
		ID:           "baseline-kind",
		Title:        "The app is of the wanted kind",
		Why:          "A new connection needs an external client app; connected apps only carry on older connections.",
		Source:       instructions(want),
		Severity:     SeverityError,
		Field:        "Kind of app",
		Want:         kindInWords(want),
		Fix:          fix,
		NoCorrection: "another kind of app is another app",
		Check: func(p *Pass) {
			p.at = p.Subject.position(PartApp, "")
			if got := p.Subject.App.Kind; got != want {
				p.Find(Finding{Got: kindInWords(got)})
			}
		},
	}
}

func (f field) rule(spec metadata.AppSpec, at place, want []string) Rule {
	kind := spec.Kind
	r := Rule{
		ID:           "baseline-" + f.id,
		Title:        at.label + " is as instructed",
		Why:          f.why,
		Source:       instructions(kind) + ", " + at.label,
		Severity:     SeverityError,
		Field:        at.label,
		Want:         list(want),
		Fix:          at.screen.clicks(f.do(at.label, want)),
		Needs:        []Part{at.part},
		NoCorrection: f.noCorrection,
		kind:         kind,
	}
	if kind == metadata.KindConnectedApp && f.whyConnected != "" {
		r.Why = f.whyConnected
	}
	if kind == metadata.KindConnectedApp && f.name == "RequirePKCE" && spec.RequirePKCE == metadata.Cleared {
		r.Severity = SeverityNote
	}
	if f.noCorrection == "" {
		r.Correct = func(a metadata.App) metadata.App { return f.correct(a, spec) }
	}
	r.Check = func(p *Pass) {
		if p.Subject.App.Kind != kind {
			p.NotVisible("the app is another kind of app")
			return
		}
		got := f.want(p.Spec)
		if why := f.unseen(p, at, got, want); why != "" {
			p.NotVisible(why)
			return
		}
		p.at = p.Subject.position(at.part, at.element)
		if f.judge != nil {
			f.judge(p, f, at, spec)
		} else if message := differences(got, want); f.list && message != "" {
			if member := f.unwanted(p.Spec, want); member != "" {
				p.at = p.Subject.positionOf(at.part, at.element, member)
			}
			p.Find(Finding{Got: list(got), Message: at.label + ": " + message})
		} else if !f.list && !slices.Equal(got, want) {
			found := Finding{Got: list(got)}
			if f.byDefault(p, at) {
				found.Message = f.defaultCounts(at, got, want)
			}
			p.Find(found)
		}
	}
	return r
}

func (f field) defaultCounts(at place, got, want []string) string {
	return fmt.Sprintf("there is no <%s>, so Salesforce's default counts: %s is %s, not %s", at.element, at.label, quoted(list(got)), quoted(list(want)))
}

// unseen says why what was read is not enough to judge by; empty when it is.
func (f field) unseen(p *Pass, at place, got, want []string) string {
	oauth := strings.HasPrefix(at.element, "oauthConfig/")
	value, since := p.Subject.element(at.part, at.element)
	there := value.IsValid()
	version := p.Subject.Version
	switch {
	case oauth && p.Spec.EnableOAuth == metadata.Cleared:
		return "the app has no OAuth settings"
	case f.empty, len(got) > 0 && (there || at.element == "" || at.element == "oauthConfig"):
		return ""
	case version != 0 && version < since:
		return fmt.Sprintf("API version %s has no <%s>; read it with %s or later", version, at.element, since)
	case len(got) == 0:
		return fmt.Sprintf("there is nothing to tell it by, such as <%s>", at.element)
	case version == 0 && slices.Equal(got, want):
		return fmt.Sprintf("there is no <%s>; Salesforce's default would be right, but files from before API version %s never hold it", at.element, since)
	}
	return "" // an absent element means the documented default
}

// byDefault tells whether the value is Salesforce's documented default for an element that is absent.
func (f field) byDefault(p *Pass, at place) bool {
	if f.empty || at.element == "" || at.element == "oauthConfig" {
		return false // no one element holds it, or an absent one is an empty one
	}
	v, _ := p.Subject.element(at.part, at.element)
	return !v.IsValid()
}

// correct sets the field alone. Enabling OAuth where the app has no OAuth settings yet sets all of them, since settings
// without callback URLs are none.
func (f field) correct(a metadata.App, spec metadata.AppSpec) metadata.App {
	only := metadata.AppSpec{Kind: a.Kind, APIName: a.Name}
	f.copy(&only, spec)
	none := a.Connected != nil && a.Connected.OAuthConfig == nil ||
		a.Kind == metadata.KindExternalClientApp && (a.OAuthSettings == nil || a.GlobalOAuthSettings == nil)
	if f.name == "EnableOAuth" && spec.EnableOAuth == metadata.Selected && none {
		for _, other := range fields {
			if at := other.where[spec.Kind]; at.part == PartOAuthSettings || at.part == PartGlobalSettings || strings.HasPrefix(at.element, "oauthConfig/") {
				other.copy(&only, spec)
			}
		}
	}
	return merge(only, a)
}

// merge changes an app as it was read: what was not read does not come in with the change.
func merge(only metadata.AppSpec, a metadata.App) metadata.App {
	merged := only.Merge(a)
	if a.External == nil {
		merged.External = nil
	}
	return merged
}

func (f field) copy(to *metadata.AppSpec, from metadata.AppSpec) {
	reflect.ValueOf(to).Elem().FieldByName(f.name).Set(reflect.ValueOf(from).FieldByName(f.name))
}
