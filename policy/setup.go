package policy

import (
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// screen is a place in Setup where settings are edited; the {app} in its clicks is the app's name.
type screen string

// Where an external client app's settings are edited.
//
// Source: Fullcast support, "Create an external client app".
const (
	externalManager  screen = "Setup > Apps > External Client Apps > External Client App Manager"
	externalBasic    screen = externalManager + " > {app} > Settings tab > Basic Information > Edit"
	externalOAuth    screen = externalManager + " > {app} > Settings tab > OAuth Settings > Edit"
	externalStart    screen = externalManager + " > {app} > Policies tab > Edit"
	externalPolicies screen = externalManager + " > {app} > Policies tab > Edit > OAuth Policies"
)

// Where a connected app's settings are edited.
//
// Source: Fullcast support, "Create a Connected App".
const (
	connectedManager  screen = "Setup > Apps > App Manager"
	connectedView     screen = connectedManager + " > {app} > Action menu > View"
	connectedBasic    screen = connectedManager + " > {app} > Action menu > Edit > Basic Information"
	connectedOAuth    screen = connectedManager + " > {app} > Action menu > Edit > API (Enable OAuth Settings)"
	connectedPolicies screen = connectedManager + " > {app} > Action menu > View > Manage > Edit Policies > OAuth Policies"
	connectedSession  screen = connectedManager + " > {app} > Action menu > View > Manage > Edit Policies > Session Policies"
	connectedCreation screen = "Setup > Apps > External Client Apps > Settings > Connected Apps"
)

// section is another section of the same page.
func (s screen) section(name string) screen {
	return s[:strings.LastIndex(string(s), " > ")+3] + screen(name)
}

// clicks says where to click and what to do there: "… > OAuth Policies: set IP Relaxation to \"…\", then Save".
// Further lines of do, which are to be copied, follow as they are.
func (s screen) clicks(do string) string {
	first, lines, more := strings.Cut(do, "\n")
	text := fmt.Sprintf("%s: %s, then Save", s, first)
	if more {
		text += "\n" + lines
	}
	return text
}

// place is where one setting of one kind of app is found: its label and screen in Setup, and its element in metadata.
type place struct {
	label   string
	screen  screen
	part    Part
	element string // path inside the part's file, for [metadata.Component.Position]; empty when no one element holds it
}

// places is where a setting is found in each kind of app; a kind without the setting is absent.
type places map[metadata.Kind]place

func external(label string, s screen, part Part, element string) place {
	return place{label, s, part, element}
}

func connected(label string, s screen, element string) place {
	return place{label, s, PartApp, element}
}

// nothingToClick is the fix where an app has no such setting.
const nothingToClick = "There is nothing to click"

// list writes the members of a list, a line each.
func list(members []string) string { return strings.Join(members, "\n") }
