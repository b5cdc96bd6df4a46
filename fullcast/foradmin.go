package fullcast

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/oauthflow"
)

// ForAdmin returns a text to send to the org's admin: what to do in Salesforce, and where. Egress are the addresses that
// the service calls Salesforce from, as in [Config].EgressAddresses; they are named where a restriction of addresses may be
// in the way. The zero Remedy has no text.
//
// Source: Fullcast support, "Create an external client app"; Salesforce Help, "Restrict Login IP Addresses in Profiles"
// and "Set Trusted IP Ranges for Your Organization".
func (r Remedy) ForAdmin(egress []string) string {
	switch r {
	case Retry:
		return "Nothing needs to be done in Salesforce: Fullcast tries again by itself. If this stays so for a day, please tell Fullcast."
	case Reauthorize:
		return "Please open Fullcast and connect Salesforce again, as an admin of the org."
	case AdminFixesApp:
		return "Please open the Fullcast app in Salesforce Setup, and correct its settings as the setup instructions " +
			"(support.fullcast.com, \"Create an external client app\") say. Nothing needs to be connected again."
	case AdminFixesPolicy:
		return "Please look in Salesforce Setup > Login History for the reason why the user of this connection is refused: a frozen or " +
			"inactive user, a blocked app, a permission that is missing. " + allow(egress) + " Nothing needs to be connected again."
	case FixConfiguration:
		return "Please check what was entered in Fullcast against Salesforce Setup: the org's My Domain, the app's consumer key and consumer secret."
	case RecreateApp:
		return "The Fullcast app is not in the org any more, as after a sandbox refresh. Please create the external client app as the setup " +
			"instructions (support.fullcast.com, \"Create an external client app\") say, and connect with its consumer key and secret in Fullcast."
	case Migrate:
		return "This connection uses a connected app, which can no longer be authorized. Please create the external client app as the setup " +
			"instructions (support.fullcast.com, \"Create an external client app\") say, and connect with its consumer key and secret in Fullcast."
	case ContactCSM:
		return "Please connect again in Fullcast; if that fails, too, contact your customer success manager."
	case FixCode:
		return "Nothing needs to be done in Salesforce: the fault is in Fullcast's own program. Please tell Fullcast."
	case FixService:
		return "Nothing needs to be done in Salesforce: the fault is in Fullcast's own service. Please tell Fullcast."
	}
	return ""
}

func allow(egress []string) string {
	const where = "in the profile's Login IP Ranges, or in Setup > Network Access"
	if len(egress) == 0 {
		return "If logins are restricted by network address, allow Fullcast's addresses " + where + "; Fullcast tells you which they are."
	}
	return "If logins are restricted by network address, allow Fullcast's addresses " + where + ": " + strings.Join(egress, ", ") + "."
}

// ForAdmin returns a text to send to the org's admin about an error of this package: what has happened, and
// [Remedy.ForAdmin] with the service's own addresses. It holds no secret. It is empty for nil.
func (c *Connector) ForAdmin(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	text := e.Remedy.ForAdmin(c.egress)
	if e.Remedy == FixService { // what is wrong inside is not the customer's
		return text
	}
	var cause *oauthflow.Error
	if errors.As(err, &cause) && cause.Kind != oauthflow.KindInvalid { // that one is about the service's own input
		return strings.TrimSpace(cause.Sentence() + " " + text)
	}
	return text
}

// ForAdmin is [Connector.ForAdmin] about an error of this connection, or about the Fault that [Connection.Status] tells.
func (c *Connection) ForAdmin(err error) string {
	if fault, ok := err.(*oauthflow.Error); ok && fault == nil { // a Status without one
		return ""
	}
	return c.connector.ForAdmin(c.wrap("look after", err))
}

// parseEgress adds what is wrong with the addresses.
func parseEgress(given []string, bad *badfields.List) {
	for i, s := range given {
		p, err := netip.ParsePrefix(s)
		if a, aerr := netip.ParseAddr(s); aerr == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		refuse := func(problem string) {
			bad.Add(fmt.Sprintf("Config.EgressAddresses[%d]", i), fmt.Sprintf("%q ", s)+problem)
		}
		switch a := p.Addr(); {
		case err != nil:
			refuse("is neither an address such as 203.0.113.7 nor a network such as 203.0.113.0/28")
		case p != p.Masked():
			refuse("names a network by one of its addresses; write " + p.Masked().String())
		case p.Bits() < 8:
			refuse("is so large that allowing it would allow nearly everybody")
		case !a.IsGlobalUnicast(), a.IsPrivate():
			refuse("is no public address; Salesforce never sees it")
		}
	}
}
