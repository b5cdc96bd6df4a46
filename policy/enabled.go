package policy

import (
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// judgeEnabledOAuth judges Enable OAuth. The policies of an external client app can disable its OAuth plugin, and with the app
// all plugins, whatever its settings say.
//
// Source: Salesforce Help, "Enable or Disable External Client App Plugins": "All changes are made through the configurable
// policies file in the metadata API".
func judgeEnabledOAuth(p *Pass, f field, at place, want metadata.AppSpec) {
	got := f.want(p.Spec)
	if slices.Equal(got, f.want(want)) {
		return
	}
	found := Finding{Got: list(got)}
	if off := p.Subject.disabledBy(); len(off) > 0 {
		p.at = p.Subject.position(PartPolicies, off[0])
		is, elements := " is ", "<"+strings.Join(off, "> and <")+">"
		if len(off) > 1 {
			is = " are "
		}
		found.Message = "OAuth is off, whatever " + at.label + " says in the settings: " + elements + is + "false in the app's policies"
		found.Fix = "In the file of " + string(PartPolicies) + ", set " + elements + " to true and deploy it; Setup is not documented to show it"
	}
	p.Find(found)
}

// disabledBy are the elements of an external client app's policies that keep OAuth off, that of the whole app first.
func (s Subject) disabledBy() []string {
	if s.App.Kind != metadata.KindExternalClientApp {
		return nil
	}
	var off []string
	for _, element := range []string{"isEnabled", "isOauthPluginEnabled"} {
		if v, _ := s.element(PartPolicies, element); v.IsValid() && !v.Elem().Bool() {
			off = append(off, element)
		}
	}
	return off
}
