package fullcast

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/oauthflow"
)

// ForAdmin returns a text to send to the org's admin about an error of this module: what has happened, [Remedy.ForAdmin] with
// the service's own addresses, and whether the org has to be connected again. About an error on which somebody else has to act
// ([Error.Actor]) it says only that nothing needs to be done in Salesforce. It holds no secret. It is empty for nil and for an
// error of another module.
func (c *Connector) ForAdmin(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		if fields := WrongEntries(err); len(fields) > 0 { // of ParseHost
			return correctEntries(fields)
		}
		return ""
	}
	text := e.Remedy.ForAdmin(c.egress)
	var cause *oauthflow.Error
	switch {
	case e.Actor() == ActorOperator, e.Actor() == ActorProgrammer:
		return text
	case len(fieldsOf(e)) > 0: // nothing was sent
		return correctEntries(WrongEntries(e))
	case errors.As(e, &cause):
		return strings.TrimSpace(explain(cause, e.Remedy) + " " + text + e.Remedy.after(cause.Op))
	}
	return text
}

// correctEntries asks for other values in the connect form.
func correctEntries(fields []WrongEntry) string {
	text := "Please correct what was entered in Fullcast."
	for _, f := range fields {
		text += " " + f.Text
	}
	return text
}

// explain is the sentence of an error, in agreement with what has to be done about it.
func explain(e *oauthflow.Error, r Remedy) string {
	if r == Migrate && e.Kind == oauthflow.KindAppMissing {
		return "Salesforce does not know the connected app of this connection any more."
	}
	if r == Reauthorize && e.Kind != oauthflow.KindLimit && remedyOfKind[e.Kind] == Retry {
		return "This login could not be completed: Salesforce could not be reached, or did not answer as expected."
	}
	return e.Sentence()
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
