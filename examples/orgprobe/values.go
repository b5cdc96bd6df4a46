package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/fullcast/sfauth/metadata"
)

// plain are values that can be shown: switches, numbers and words of a list. Names, addresses and keys are longer or
// have other characters, and whatever might be one is left out by its element.
var plain = regexp.MustCompile(`^(true|false|[0-9]{1,6}|[A-Za-z_]{1,32})$`)

// personal are elements whose values belong to the admin, however plain they look.
var personal = regexp.MustCompile(`(?i)(key|secret|label|email|phone|description|user|as|handler|profile|set|certificate|link|application|url)$`)

// added names the plain elements of a live app that a written one does not have, or has otherwise.
func added(written, live metadata.App) (string, error) {
	wrote, err := values(written)
	if err != nil {
		return "", err
	}
	found, err := values(live)
	if err != nil {
		return "", err
	}
	found = slices.DeleteFunc(found, func(v string) bool { return slices.Contains(wrote, v) })
	if len(found) == 0 {
		return "none", nil
	}
	return strings.Join(found, ", "), nil
}

// values returns suffix.element=value for every plain element at the top of the app's components, the suffix being their
// files'.
func values(app metadata.App) ([]string, error) {
	files, err := app.Files()
	if err != nil {
		return nil, err
	}
	var found []string
	for _, f := range files {
		elements, err := top(f.Data)
		if err != nil {
			return nil, err
		}
		for _, e := range elements {
			if name, value, _ := strings.Cut(e, "="); !personal.MatchString(name) && plain.MatchString(value) {
				found = append(found, strings.TrimPrefix(path.Ext(strings.TrimSuffix(f.Name, "-meta.xml")), ".")+"."+e)
			}
		}
	}
	return found, nil
}

// top returns element=text for the children of the root.
func top(data []byte) ([]string, error) {
	var found []string
	var name, text string
	depth := 0
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth++; depth == 2 {
				name, text = t.Name.Local, ""
			}
		case xml.CharData:
			if depth == 2 {
				text += string(t)
			}
		case xml.EndElement:
			if depth--; depth == 1 {
				found = append(found, name+"="+strings.TrimSpace(text))
			}
		}
	}
}

// components names the components that an app was seen to have, by type and how their names differ from the app's.
func components(app metadata.App) []string {
	var found []string
	add := func(typ, fullName string) {
		found = append(found, typ+" "+strings.Replace(fullName, app.Name, "{app}", 1))
	}
	if app.External != nil {
		add("ExternalClientApplication", app.External.FullName)
	}
	if app.OAuthSettings != nil {
		add("ExtlClntAppOauthSettings", app.OAuthSettings.FullName)
	}
	if app.GlobalOAuthSettings != nil {
		add("ExtlClntAppGlobalOauthSettings", app.GlobalOAuthSettings.FullName)
	}
	if app.OAuthPolicies != nil {
		add("ExtlClntAppOauthConfigurablePolicies", app.OAuthPolicies.FullName)
	}
	if app.Policies != nil {
		add("ExtlClntAppConfigurablePolicies", app.Policies.FullName)
	}
	return found
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}
