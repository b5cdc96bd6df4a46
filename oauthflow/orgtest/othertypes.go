package orgtest

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

//go:embed othertypes.txt
var otherTypesText string

var otherTypes = sync.OnceValue(func() []string {
	var names []string
	for line := range strings.Lines(otherTypesText) {
		if !strings.HasPrefix(line, "#") {
			names = append(names, strings.Fields(line)...)
		}
	}
	return names
})

// unreadType says that Salesforce has a type, or settings of the org, and this org has not; "" for any other type.
func unreadType(typ, member string) string {
	switch {
	case typ == "Settings" && member != "":
		return "Settings " + member
	case slices.Contains(otherTypes(), typ):
		return "the type " + typ
	}
	return ""
}

// emptyType says that an app can have a component of a type, which no app of this org has: it cannot be deployed here.
func emptyType(typ string) bool {
	return strings.HasPrefix(typ, "ExtlClntApp") && slices.Contains(otherTypes(), typ)
}

// unknownType refuses the type of a call. Source: docs, REST and SOAP API error codes; the text is assumed.
func unknownType(typ string) *fault {
	if unread := unreadType(typ, ""); unread != "" {
		return unsimulatedSOAP(unread)
	}
	return &fault{"INVALID_TYPE", "INVALID_TYPE: Unknown type:" + typ}
}

// unusable says why a manifest cannot name a member: the words for an unknown type are Salesforce's. Source: deploy logs.
func (m member) unusable(file string) string {
	if unread := unreadType(m.typ, m.fullName); unread != "" {
		return notSimulated + unread
	}
	return "Unknown type name '" + m.typ + "' specified in " + file
}
