package fullcast

import (
	"net/netip"
	"slices"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// orgRules are about the switches that a connection rests on: the flow that one of them blocks is never run.
func orgRules() []policy.Rule {
	return slices.DeleteFunc(policy.Prerequisites(), func(r policy.Rule) bool { return r.ID == "prerequisite-code-and-credentials-flows" })
}

// A refusing switch is one that has calls of some apps, or from some addresses, refused. A diagnosis that reads it has got through.
type refusingSwitch struct {
	remedy    Remedy
	explains  []Remedy // of faults that the switch may have caused
	addresses bool     // it refuses a service that calls from more than one address
}

// refusingSwitches are the refusing switches by the rule that finds them selected.
var refusingSwitches = map[string]refusingSwitch{
	"prerequisite-session-lock":       {AdminFixesSessions, []Remedy{AdminFixesSessions, AdminAllowsAPIAccess}, true},
	"prerequisite-ip-ranges":          {AdminFixesSessions, []Remedy{AdminFixesSessions, AdminAllowsAPIAccess, AdminAllowsAddresses, AdminFixesLoginHours}, false},
	"prerequisite-api-access-control": {AdminAllowsAPIAccess, []Remedy{AdminAllowsAPIAccess, AdminAssignsApp}, false},
}

// hurts reports whether a switch explains what is wrong with a connection, or will refuse a service with such addresses.
func (s refusingSwitch) hurts(stored oauthflow.Connection, egress []string) bool {
	return slices.Contains(s.explains, RemedyOf(stored)) || s.addresses && several(egress)
}

// several reports whether addresses and networks are more than one address. Nothing is known of a service that names none.
func several(egress []string) bool {
	if len(egress) != 1 {
		return len(egress) > 1
	}
	p, err := netip.ParsePrefix(egress[0])
	return err == nil && !p.IsSingleIP()
}

// org tells of the org's switches, which are the admin's own choice.
func (x *examination) org(stored oauthflow.Connection, r policy.Report) {
	fine := len(r.NotVisible) == 0
	var notes []string
	for _, f := range r.Findings {
		s, ok := refusingSwitches[f.Rule]
		text := "\"" + f.Field + "\" is selected. " + f.Why
		switch {
		case !ok:
			x.found("Org", f, AdminFixesPolicy)
			fine = false
		case s.hurts(stored, x.c.connector.egress):
			x.say("Org", OutcomeProblem, text, s.remedy)
			fine = false
		default:
			notes = append(notes, "Note: "+text)
		}
	}
	for _, f := range r.NotVisible {
		x.say("Org", OutcomeNotVisible, f.Field+": "+f.Message+".", 0)
	}
	if fine {
		x.say("Org", OutcomeOK, "Its switches let the app work.", 0)
	}
	for _, n := range notes {
		x.say("Org", OutcomeOK, n, 0)
	}
}
