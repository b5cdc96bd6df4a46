package metadata_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

// documentedWords are those of elements that the schema calls strings, and the documents restrict.
//
// Source: Metadata API, ExtlClntAppOauthConfigurablePolicies and ConnectedApp.
var documentedWords = map[string][]string{
	"ExtlClntAppOauthConfigurablePolicies.ipRelaxationPolicyType":   {"Enforce", "Bypass", "Bypass_2factor", "Enforce_relaxrefresh"},
	"ExtlClntAppOauthConfigurablePolicies.refreshTokenValidityUnit": {"Hours", "Days", "Months"},
	"ConnectedAppOauthPolicy.ipRelaxation":                          {"ENFORCE", "BYPASS_2FACTOR", "BYPASS", "ENFORCE_RELAXREFRESH"},
	"ConnectedAppSessionPolicy.policyAction":                        {"Block", "RaiseSessionLevel"},
	"ConnectedAppSessionPolicy.sessionLevel":                        {"LOW", "STANDARD", "HIGH_ASSURANCE"},
	"ExtlClntAppOauthSettings.commaSeparatedOauthScopes":            {"Api", "Basic, Api, RefreshToken, SFApiPlatform, CDPIngest"},
}

// schemaWords returns the words of each element of schemaTypes that has any, as Salesforce's schema has them.
func schemaWords(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "field-version-matrix.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enums, typed := map[string][]string{}, map[string]string{}
	section := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "## "); ok {
			section = name
			continue
		}
		columns := strings.Fields(line)
		enum, isEnum := strings.CutPrefix(section, "enum ")
		switch {
		case isEnum && len(columns) > 1:
			enums[enum] = append(enums[enum], columns[0])
		case schemaTypes[section] != nil && len(columns) > 1:
			typed[section+"."+columns[0]] = strings.TrimPrefix(columns[1], "tns:")
		}
	}
	all := map[string][]string{}
	for element, typ := range typed {
		if words, ok := enums[typ]; ok {
			all[element] = words
		}
	}
	if len(all) < 20 {
		t.Fatalf("the schema has %d elements with words", len(all))
	}
	return all
}

// wordy is one element that holds words, with the component around it.
type wordy struct {
	component reflect.StructField // of App
	path      []reflect.StructField
	name      string // schema type, ".", element
}

// wordyElements finds every element that holds one of the listed words.
func wordyElements(words map[string][]string) []wordy {
	named := map[reflect.Type]string{}
	for name, v := range schemaTypes {
		named[reflect.TypeOf(v)] = name
	}
	var out []wordy
	var each func(component reflect.StructField, t reflect.Type, path []reflect.StructField)
	each = func(component reflect.StructField, t reflect.Type, path []reflect.StructField) {
		for i := range t.NumField() {
			f := t.Field(i)
			here := append(slices.Clone(path), f)
			name := named[t] + "." + f.Tag.Get("xml")
			if _, ok := words[name]; ok {
				out = append(out, wordy{component, here, name})
			} else if inner := bare(f.Type); f.Tag.Get("xml") != "" && named[inner] != "" {
				each(component, inner, here)
			}
		}
	}
	app := reflect.TypeFor[metadata.App]()
	for i := range app.NumField() {
		if app.Field(i).Tag.Get("type") != "" {
			each(app.Field(i), bare(app.Field(i).Type), nil)
		}
	}
	return out
}

// bare is the type of a pointer's or a list's element.
func bare(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// xml writes what is inside a type that the path leads through, with what the schema requires, and text at the end.
func (w wordy) xml(t reflect.Type, depth int, text string) string {
	var b strings.Builder
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("xml")
		switch inner := bare(f.Type); {
		case name == "":
			continue
		case depth < len(w.path) && f.Name == w.path[depth].Name && depth == len(w.path)-1:
			fmt.Fprintf(&b, "<%s>%s</%s>", name, text, name)
		case depth < len(w.path) && f.Name == w.path[depth].Name:
			fmt.Fprintf(&b, "<%s>%s</%s>", name, w.xml(inner, depth+1, text), name)
		case !strings.HasSuffix(f.Tag.Get("api"), ",required"):
			continue
		case inner.Kind() == reflect.Bool:
			fmt.Fprintf(&b, "<%s>true</%s>", name, name)
		default:
			fmt.Fprintf(&b, "<%s>Acme</%s>", name, name)
		}
	}
	return b.String()
}

// value is the element's in an app.
func (w wordy) value(app metadata.App) string {
	v := reflect.ValueOf(app).FieldByName(w.component.Name).Elem()
	for _, f := range w.path {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		v = v.FieldByName(f.Name)
	}
	if v.Kind() == reflect.Slice {
		v = v.Index(0)
	}
	return v.String()
}

func TestEveryWordOfTheSchemaIsReadInAnySpellingAndWrittenAsTheServerDoes(t *testing.T) {
	words := schemaWords(t)
	for element, list := range documentedWords {
		words[element] = list
	}
	elements := wordyElements(words)
	if len(elements) != len(words) {
		t.Errorf("%d elements with words in the Go types, %d in the schema", len(elements), len(words))
	}
	suffixes := map[string]string{"ExternalClientApplication": "eca", "ExtlClntAppOauthSettings": "ecaOauth",
		"ExtlClntAppOauthConfigurablePolicies": "ecaOauthPlcy", "ExtlClntAppConfigurablePolicies": "ecaPlcy",
		"ExtlClntAppOauthSecuritySettings": "ecaOauthSecurity", "ConnectedApp": "connectedApp"}
	for _, e := range elements {
		root := e.component.Tag.Get("type")
		for _, word := range words[e.name] {
			for _, spelling := range []string{word, strings.ToLower(word), strings.ToUpper(word), "\n " + word + " "} {
				data := fmt.Sprintf("<%s xmlns=%q>%s</%s>\n", root, "http://soap.sforce.com/2006/04/metadata", e.xml(bare(e.component.Type), 0, spelling), root)
				app := parseText(t, "Acme."+suffixes[root], data)
				if got := strings.TrimSpace(e.value(app)); got != word {
					t.Errorf("%s: %q reads as %q, want %q", e.name, spelling, got, word)
				}
				if kept, err := app.Files(); err != nil || string(kept[0].Data) != data {
					t.Errorf("%s: %q: the file has changed, error %v:\n%s", e.name, spelling, err, kept[0].Data)
				}
				pkg, err := app.Package(68)
				if err != nil {
					t.Fatalf("%s: %v", e.name, err)
				}
				element := e.path[len(e.path)-1].Tag.Get("xml")
				written := strings.NewReplacer("> ", ">", " <", "<").Replace(strings.Join(strings.Fields(string(pkg.Files[1].Data)), " "))
				if want := "<" + element + ">" + word + "</" + element + ">"; !strings.Contains(written, want) {
					t.Errorf("%s: %q is not written as %s:\n%s", e.name, spelling, want, pkg.Files[1].Data)
				}
			}
		}
	}
}

func TestAWordThatNobodyKnowsStaysAsItIs(t *testing.T) {
	app := externalSpec().New()
	app.External.DistributionState, app.OAuthSettings.CommaSeparatedOAuthScopes = "Galactic", "Api,mcp_api ,Basic"
	for _, want := range []string{"<distributionState>Galactic</distributionState>", "<commaSeparatedOauthScopes>Api,mcp_api ,Basic</commaSeparatedOauthScopes>"} {
		holding(t, app, want)
	}
}

func TestASpecIsTheSameInAnySpellingOfTheApp(t *testing.T) {
	app := externalSpec().New()
	want := app.Spec()
	app.External.DistributionState = strings.ToUpper(app.External.DistributionState)
	app.Policies.StartPage = strings.ToLower(app.Policies.StartPage)
	app.OAuthSettings.CommaSeparatedOAuthScopes = strings.ToLower(app.OAuthSettings.CommaSeparatedOAuthScopes)
	app.OAuthPolicies.RefreshTokenPolicyType = "infinite"
	if got := app.Spec(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	old := connectedSpec().New()
	want = old.Spec()
	for i, s := range old.Connected.OAuthConfig.Scopes {
		old.Connected.OAuthConfig.Scopes[i] = metadata.Scope(strings.ToUpper(string(s)))
	}
	if got := old.Spec(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
