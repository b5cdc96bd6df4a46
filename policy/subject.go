package policy

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Subject is the app to check, as far as it was read.
type Subject struct {
	App metadata.App

	// Version is the API version with which the app was read or written. Optional; 0 means unknown, for example for a single
	// file. Version decides what an absent element means. If the version has the element, it means Salesforce's default.
	// Otherwise it means nothing.
	Version metadata.APIVersion

	// Settings are the settings of the org. Optional; nil means that they were not read.
	Settings *metadata.OrgSettings

	// Before is the connected app from which App may come. Optional; nil means that there is none. If the connected app was not
	// read, give the one of the instructions: its names are enough. Before helps to recognise an app that Setup's own migration
	// made.
	Before *metadata.App
}

// component returns the component that holds a part, nil when it was not read.
func (s Subject) component(p Part) any {
	a := s.App
	switch {
	case a.Kind == metadata.KindConnectedApp && p != PartSecurity && p != PartOrgSettings && p != PartSetupOnly:
		return present(a.Connected)
	case p == PartApp:
		return present(a.External)
	case p == PartOAuthSettings:
		return present(a.OAuthSettings)
	case p == PartGlobalSettings:
		return present(a.GlobalOAuthSettings)
	case p == PartOAuthPolicies:
		return present(a.OAuthPolicies)
	case p == PartPolicies:
		return present(a.Policies)
	case p == PartSecurity:
		return present(a.SecuritySettings)
	case p == PartOrgSettings:
		return present(s.Settings)
	}
	return nil
}

// present makes a nil pointer a nil interface.
func present[T any](component *T) any {
	if component == nil {
		return nil
	}
	return component
}

func (s Subject) sees(p Part) bool { return s.component(p) != nil }

// element finds an element by its path, such as "oauthConfig/isPkceRequired", and the first API version that has it.
// The value is invalid when the element is absent.
func (s Subject) element(p Part, path string) (v reflect.Value, since metadata.APIVersion) {
	c := s.component(p)
	if c == nil {
		return reflect.Value{}, 0
	}
	return find(c, path)
}

// find is the same in one component.
func find(component any, path string) (v reflect.Value, since metadata.APIVersion) {
	v = reflect.ValueOf(component).Elem()
	there := true
	for name := range strings.SplitSeq(path, "/") {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v = reflect.New(v.Type().Elem()) // absent; go on for the version
			}
			v = v.Elem()
		}
		f, ok := fieldByTag(v.Type(), name)
		if !ok {
			return reflect.Value{}, 0
		}
		number, _, _ := strings.Cut(f.Tag.Get("api"), ",")
		number, _, _ = strings.Cut(number, "-")
		n, _ := strconv.Atoi(number)
		since = metadata.APIVersion(n) // never before that of the element around it
		v = v.FieldByIndex(f.Index)
		there = there && !v.IsZero()
	}
	if !there {
		return reflect.Value{}, since
	}
	return v, since
}

func fieldByTag(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("xml") == name {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// position is where an element stands, or would stand, in the files that were read.
func (s Subject) position(p Part, path string) metadata.Position {
	return position(s.component(p), path)
}

// positionOf is where a member of a list stands.
func (s Subject) positionOf(p Part, path, member string) metadata.Position {
	if c, ok := s.component(p).(interface {
		PositionOf(path, text string) metadata.Position
	}); ok {
		return c.PositionOf(path, member)
	}
	return metadata.Position{}
}

func position(component any, path string) metadata.Position {
	if c, ok := component.(interface {
		Position(path string) metadata.Position
	}); ok {
		return c.Position(path)
	}
	return metadata.Position{}
}
