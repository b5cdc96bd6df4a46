package policy

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Baseline makes one rule for each field that want lists, its kind included, and none for any other: what is not
// listed is the admin's own. Setup's labels, screens and clicks are those of want's kind of app.
//
// Lists are compared as sets. A scope alias counts as what it stands for; callback URLs are compared to the letter,
// as Salesforce does.
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
		ID:       "baseline-kind",
		Title:    "The app is of the wanted kind",
		Why:      "A new connection needs an external client app; connected apps only carry on older connections.",
		Source:   instructions(want),
		Severity: SeverityError,
		Field:    "Kind of app",
		Want:     kindInWords(want),
		Fix:      fix,
		NoMend:   "another kind of app is another app",
		Check: func(p *Pass) {
			if got := p.Subject.App.Kind; got != want {
				p.Find(Finding{Got: kindInWords(got)})
			}
		},
	}
}

func (f field) rule(spec metadata.AppSpec, at place, want []string) Rule {
	kind := spec.Kind
	r := Rule{
		ID:       "baseline-" + f.id,
		Title:    at.label + " is as instructed",
		Why:      f.why,
		Source:   instructions(kind) + ", " + at.label,
		Severity: SeverityError,
		Field:    at.label,
		Want:     list(want),
		Fix:      at.screen.clicks(f.do(at.label, want)),
		Needs:    []Part{at.part},
		NoMend:   f.noMend,
	}
	if kind == metadata.KindConnectedApp && f.whyConnected != "" {
		r.Why = f.whyConnected
	}
	if f.noMend == "" {
		r.Mend = func(a metadata.App) metadata.App { return f.mend(a, spec) }
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
		if message := differences(got, want); f.list && message != "" {
			p.Find(Finding{Got: list(got), Message: at.label + ": " + message})
		} else if !f.list && !slices.Equal(got, want) {
			found := Finding{Got: list(got)}
			if f.byDefault(p, at) {
				found.Message = fmt.Sprintf("there is no <%s>, so Salesforce's default counts: %s is %s, not %s", at.element, at.label, quoted(list(got)), quoted(list(want)))
			}
			p.Find(found)
		}
	}
	return r
}

// infiniteInMetadataOnly is about an app with the idle limit on: Setup then hides "valid until revoked" and shows 30
// days instead, while the metadata stays as it was.
//
// Source: Salesforce Help, "Limit the Idle Refresh Token TTL in External Client Apps" and "… in Connected Apps".
const infiniteInMetadataOnly = "metadata says valid until revoked, but the app's idle limit (isEnforceRefreshTokenTTL) is on: in fact a refresh token ends when it is not used for 30 days, and Setup says so"

// unseen says why what was read is not enough to judge by; empty when it is.
func (f field) unseen(p *Pass, at place, got, want []string) string {
	oauth := strings.HasPrefix(at.element, "oauthConfig/")
	value, since := p.Subject.element(at.part, at.element)
	there := value.IsValid()
	version := p.Subject.Version
	switch {
	case oauth && p.Spec.EnableOAuth == metadata.Cleared:
		return "the app has no OAuth settings"
	case p.Spec.RefreshTokenPolicy.Rule == metadata.ValidUntilRevoked && f.name == "RefreshTokenPolicy" && p.Subject.idleLimit():
		return infiniteInMetadataOnly
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

// mend sets the field alone. Enabling OAuth where the app has no OAuth settings yet sets all of them, since settings
// without callback URLs are none.
func (f field) mend(a metadata.App, spec metadata.AppSpec) metadata.App {
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

// differences says how the set got differs from the set want; empty when it does not.
func differences(got, want []string) string {
	var parts []string
	say := func(what string, members []string) {
		if len(members) > 0 {
			parts = append(parts, what+" "+strings.Join(members, ", "))
		}
	}
	var missing, foreign, extra, twice []string
	for _, w := range want {
		if !slices.Contains(got, w) {
			missing = append(missing, w)
		}
	}
	for i, g := range got {
		switch {
		case slices.Contains(got[:i], g):
			twice = append(twice, g)
		case slices.Contains(want, g):
		case slices.ContainsFunc(want, func(w string) bool { return samePage(g, w) }):
			foreign = append(foreign, g)
		default:
			extra = append(extra, g)
		}
	}
	say("missing", missing)
	say("of another instance", foreign)
	say("not wanted", extra)
	say("listed twice", twice)
	return strings.Join(parts, "; ")
}

// samePage tells whether two URLs are the same page of two hosts.
func samePage(a, b string) bool {
	x, err := url.Parse(a)
	if err != nil || x.Host == "" {
		return false
	}
	y, err := url.Parse(b)
	return err == nil && x.Host != y.Host && x.Path == y.Path
}
