package policy

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
	"github.com/fullcast/sfauth/metadata"
)

// Mark is the kind of field that differs.
type Mark string

// Marks, in the order of [Diff].
const (
	Listed   Mark = "listed"   // a field that Fullcast's instructions name
	Unlisted Mark = "unlisted" // another field that package metadata knows; the admin decides about it
	Unknown  Mark = "unknown"  // a field that package metadata does not know
)

// Difference is one field that differs between two apps.
type Difference struct {
	Mark      Mark   `json:"mark"`
	Field     string `json:"field"`               // Setup's label of a listed field, or the element's path
	Component string `json:"component,omitempty"` // metadata type; empty for a listed field
	A         string `json:"a"`                   // the value in the first app: in Setup's words for a listed field; one line for each member of a list
	B         string `json:"b"`                   // the value in the second app, in the same form
}

const absent = "(absent)"

// Diff compares two apps and returns the fields that differ. It returns nil if there are none. The apps may come from two orgs,
// from two trees, or from a spec and an org. Listed fields come first, in the order of the instructions and in Setup's words. All
// other fields follow, ordered by component and element. The order is the same every time. Diff returns no error.
//
// Some values mean the same and are no difference: another order of a list's members; aliases and other spellings; white space
// around values; an absent element and its documented default; and "valid until revoked" and "not used for" 30 days or more.
// Where the idle limit is on, Salesforce changes the first of these two into the second.
//
// Diff leaves out the values that Salesforce sets itself and that differ in every org (consumer key and secret, oauthLink,
// orgScopedExternalApp), orders to Salesforce (shouldRotate…), and the names of an app's components. Diff compares the values of
// unknown elements but never shows them, because they may be secrets. It shows URLs and long texts as a [Report] does. It
// compares components without a Go type as a whole; [metadata.Org.ReadOther] reads them.
func Diff(a, b metadata.App) []Difference {
	var all []Difference
	if a.Kind != b.Kind {
		all = append(all, Difference{Mark: Listed, Field: "Kind of app", A: kindInWords(a.Kind), B: kindInWords(b.Kind)})
	}
	specA, specB := a.Spec(), b.Spec()
	for _, f := range fields {
		at, ok := f.where[a.Kind]
		if !ok {
			at, ok = f.where[b.Kind]
		}
		x, y := f.want(specA), f.want(specB)
		if f.list && !slices.Equal(x, y) {
			x, y = slices.Clone(x), slices.Clone(y)
			slices.Sort(x)
			slices.Sort(y)
		}
		if ok && !slices.Equal(x, y) && !slices.Equal(f.orDefault(a, x), f.orDefault(b, y)) && !f.sameMeaning(specA, specB) {
			all = append(all, Difference{Mark: Listed, Field: at.label, A: cmp.Or(list(x), absent), B: cmp.Or(list(y), absent)})
		}
	}
	u, v := unlisted(a), unlisted(b)
	for _, k := range meaningless(specA, specB) {
		addElement(u, a, k)
		addElement(v, b, k)
	}
	withoutDefaults(u, v, b)
	withoutDefaults(v, u, a)
	withoutCommon(u, v)
	all = append(append(all, differ(Unlisted, u, v)...), differ(Unknown, unknown(a, "a"), unknown(b, "b"))...)
	hidden := credentialsOf(a, b)
	for i, d := range all {
		all[i].Field, all[i].A, all[i].B = hidden.conceal(d.Field), hidden.shown(d.A), hidden.shown(d.B)
	}
	return all
}

// meaningless are the elements that are part of a listed field, but say nothing in either app as the others stand: which of
// two switches is off, and a period where nothing expires.
func meaningless(a, b metadata.AppSpec) []element {
	var all []element
	if a.EnableOAuth == metadata.Cleared && b.EnableOAuth == metadata.Cleared {
		all = append(all, element{string(PartPolicies), "isEnabled"}, element{string(PartPolicies), "isOauthPluginEnabled"})
	}
	if a.RefreshTokenPolicy.Period+b.RefreshTokenPolicy.Period == 0 && a.RefreshTokenPolicy.Unit+b.RefreshTokenPolicy.Unit == "" {
		all = append(all, element{string(PartOAuthPolicies), "refreshTokenValidityPeriod"}, element{string(PartOAuthPolicies), "refreshTokenValidityUnit"})
	}
	return all
}

// addElement adds an external client app's element where it is set.
func addElement(to map[element]string, app metadata.App, k element) {
	if app.Kind == metadata.KindConnectedApp {
		return
	}
	if v, _ := (Subject{App: app}).element(Part(k.component), k.path); v.IsValid() {
		to[k] = text(v)
	}
}

// element is one element of one component.
type element struct{ component, path string }

func differ(mark Mark, a, b map[element]string) []Difference {
	var all []Difference
	differing := map[element]string{}
	for k, x := range a {
		if y, inB := b[k]; !inB || x != y {
			differing[k] = x
		}
	}
	for k, y := range b {
		if _, inA := a[k]; !inA {
			differing[k] = y
		}
	}
	for _, k := range order(differing) {
		x, inA := a[k]
		y, inB := b[k]
		d := Difference{Mark: mark, Field: k.path, Component: k.component, A: x, B: y}
		if mark == Unknown { // may be a secret
			d.A, d.B = "present", "present, not the same"
		}
		if !inA {
			d.A = absent
		}
		if !inB {
			d.B = absent
		}
		if !inA && mark == Unknown {
			d.B = "present"
		}
		all = append(all, d)
	}
	return all
}

// order is by component, then by path.
func order(all map[element]string) []element {
	return slices.SortedFunc(maps.Keys(all), func(x, y element) int {
		return cmp.Or(cmp.Compare(x.component, y.component), byNumber(x.path, y.path))
	})
}

// components are the parts of an app that have Go types.
func components(a metadata.App) map[string]any {
	all := map[string]any{}
	v := reflect.ValueOf(a)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Tag.Get("type"); name != "" && !v.Field(i).IsNil() {
			all[name] = v.Field(i).Interface()
		}
	}
	return all
}

// unlisted are the elements that are set and that no field of AppSpec stands for.
func unlisted(a metadata.App) map[element]string {
	listed := map[element]bool{}
	for _, f := range fields {
		at := f.where[a.Kind]
		component := string(at.part)
		if a.Kind == metadata.KindConnectedApp {
			component = "ConnectedApp"
		}
		listed[element{component, at.element}] = true
	}
	// Part of the refresh token policy.
	listed[element{string(PartOAuthPolicies), "refreshTokenValidityPeriod"}] = true
	listed[element{string(PartOAuthPolicies), "refreshTokenValidityUnit"}] = true
	listed[element{string(PartPolicies), "isEnabled"}] = true // part of Enable OAuth

	all := map[element]string{}
	for name, c := range components(a) {
		values("", reflect.ValueOf(c).Elem(), func(path string, tag reflect.StructTag, text string) {
			mine := strings.Contains(tag.Get("api"), "platform") || strings.Contains(tag.Get("api"), "action")
			names := path == "externalClientApplication" || path == "label"
			first, _, _ := strings.Cut(path, "[")
			if strings.HasPrefix(path, "commaSeparated") {
				text = commaSet(text)
			}
			if !mine && !names && !listed[element{name, first}] {
				all[element{name, path}] = text
			}
		})
	}
	return all
}

// values visits every element of a component that has a value, with its path. The second and later members of a list
// are numbered: "attributes[2]/key".
func values(path string, v reflect.Value, visit func(path string, tag reflect.StructTag, text string)) {
	var value func(path string, tag reflect.StructTag, v reflect.Value)
	value = func(path string, tag reflect.StructTag, v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer:
			value(path, tag, v.Elem())
		case v.Kind() == reflect.Slice:
			for i := range v.Len() {
				p := path
				if i > 0 {
					p = fmt.Sprintf("%s[%d]", path, i+1)
				}
				value(p, tag, v.Index(i))
			}
		case v.Kind() == reflect.Struct && !strings.Contains(tag.Get("api"), "platform"):
			empty := true
			values(path+"/", v, func(path string, tag reflect.StructTag, text string) {
				empty = false
				visit(path, tag, text)
			})
			if empty {
				visit(path, tag, "(empty)")
			}
		default:
			visit(path, tag, text(v))
		}
	}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		if name := tag.Get("xml"); name != "" && !v.Field(i).IsZero() {
			value(path+name, tag, v.Field(i))
		}
	}
}

// text is a value without the white space around it.
func text(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() == reflect.String {
		return salesforce.Trim(v.String())
	}
	return salesforce.Trim(fmt.Sprint(v))
}
