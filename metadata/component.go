package metadata

import (
	"html"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// Component is the common part of every metadata component: its name, the bytes from which it was read, and their place.
type Component struct {
	FullName string // the file's name without directory and suffix

	file string
	// The bytes may hold a secret: behind a function no printer follows them.
	source func() source
}

type source struct {
	doc     *document
	unknown []*node
}

// Position is a place in a file.
type Position struct {
	File string // as given to [Parse]
	Line int    // from 1
}

// Position returns the place of an element. The parameter path is the element's name, or names joined by "/":
// "oauthConfig/callbackUrl". If the element is absent, Position returns the place of the nearest element around it. After a
// change, it is still the place in the file that was read. It is zero for a component that was not read from a file.
func (c Component) Position(path string) Position {
	if c.file == "" || c.source == nil {
		return Position{}
	}
	doc := c.source().doc
	n := doc.root
	for _, name := range strings.Split(path, "/") {
		k := n.child(name)
		if k == nil {
			break
		}
		n = k
	}
	return Position{c.file, n.line}
}

// PositionOf returns the place of a text within an element. The text must fill a line of the element, such as one of several
// URLs, or it must be the whole value of one of several elements with that path. If there are several such lines, PositionOf
// returns the last. If there is none, it returns the result of [Component.Position].
func (c Component) PositionOf(path, text string) Position {
	at := c.Position(path)
	if at == (Position{}) {
		return at
	}
	doc := c.source().doc
	nodes := []*node{doc.root}
	for name := range strings.SplitSeq(path, "/") {
		var inside []*node
		for _, n := range nodes {
			for _, k := range n.kids {
				if k.known && k.name == name {
					inside = append(inside, k)
				}
			}
		}
		nodes = inside
	}
	offset := -1
	for _, n := range nodes {
		from := n.open
		for line := range strings.Lines(string(doc.data[n.open:n.close])) {
			value, _, _ := strings.Cut(line, "<!--")
			if salesforce.Trim(html.UnescapeString(value)) == text {
				offset = from
			}
			from += len(line)
		}
	}
	if offset >= 0 {
		at.Line = doc.line(offset)
	}
	return at
}

// Unknown returns the names of the elements that this package does not know, in the order of the file. The component keeps these
// elements as they are.
func (c Component) Unknown() []string {
	if c.source == nil {
		return nil
	}
	var names []string
	for _, n := range c.source().unknown {
		names = append(names, n.name)
	}
	return names
}

// componentType is one row of Salesforce's registry of metadata types.
//
// Source: registry of forcedotcom/source-deploy-retrieve; API versions of Salesforce's published WSDLs.
type componentType struct {
	name, dir, suffix string
	since             APIVersion
}

// The types an app consists of. The first six and the last have Go types; the others travel as [App.Other].
var componentTypes = []componentType{
	{"ExternalClientApplication", "externalClientApps", "eca", 57},
	{"ExtlClntAppOauthSettings", "extlClntAppOauthSettings", "ecaOauth", 57},
	{"ExtlClntAppGlobalOauthSettings", "extlClntAppGlobalOauthSets", "ecaGlblOauth", 58},
	{"ExtlClntAppOauthConfigurablePolicies", "extlClntAppOauthPolicies", "ecaOauthPlcy", 57},
	{"ExtlClntAppConfigurablePolicies", "extlClntAppPolicies", "ecaPlcy", 60},
	{"ExtlClntAppOauthSecuritySettings", "extlClntAppOauthSecuritySettings", "ecaOauthSecurity", 67},
	{"ExtlClntAppCanvasSettings", "extlClntAppCanvasSettings", "ecaCanvas", 66},
	{"ExtlClntAppMobileSettings", "extlClntAppMobileSettings", "ecaMobile", 57},
	{"ExtlClntAppMobileConfigurablePolicies", "extlClntAppMobilePolicies", "ecaMobilePlcy", 57},
	{"ExtlClntAppNotificationSettings", "extlClntAppNotifSettings", "ecaNotifications", 60},
	{"ExtlClntAppPushSettings", "extlClntAppPushSettings", "ecaPush", 62},
	{"ExtlClntAppPushConfigurablePolicies", "extlClntAppPushPolicies", "ecaPushPlcy", 62},
	{"ExtlClntAppSamlConfigurablePolicies", "extlClntAppSamlConfigurablePolicies", "ecaSamlPlcy", 63},
	{"ConnectedApp", "connectedApps", "connectedApp", 47},
}

func typeNamed(name string) (componentType, bool) {
	for _, t := range componentTypes {
		if t.name == name {
			return t, true
		}
	}
	return componentType{}, false
}

// typeOfFile returns the type that a file name's suffix stands for, and the component's full name. Both forms are
// understood: Name.eca and Name.eca-meta.xml. Directories mean nothing, as in Salesforce's own tools.
func typeOfFile(name string) (t componentType, fullName string, ok bool) {
	base := name[strings.LastIndexByte(name, '/')+1:]
	base = strings.TrimSuffix(base, "-meta.xml")
	dot := strings.LastIndexByte(base, '.')
	if dot <= 0 {
		return t, "", false
	}
	for _, t := range componentTypes {
		if t.suffix == base[dot+1:] {
			return t, base[:dot], true
		}
	}
	return t, "", false
}
