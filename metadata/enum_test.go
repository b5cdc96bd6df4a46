package metadata_test

import (
	"bufio"
	"fmt"
	"net/http"
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

// lifetimes are the first and the last API version of each word: "PolicyAction.StepUpMFA".
type lifetimes map[string][2]metadata.APIVersion

// schemaWords returns the words of each element of schemaTypes that has any, as Salesforce's schema has them, and how long
// each has been there: "ExternalClientApplication.distributionState.Global".
func schemaWords(t *testing.T) (map[string][]string, lifetimes) {
	t.Helper()
	f, err := os.Open(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "field-version-matrix.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	enums, typed := map[string][]string{}, map[string]string{}
	spans, lives := lifetimes{}, lifetimes{}
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
			var span [2]metadata.APIVersion
			if _, err := fmt.Sscanf(columns[1], "v%d.0-v%d.0", &span[0], &span[1]); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			spans[enum+"."+columns[0]] = span
		case schemaTypes[section] != nil && len(columns) > 1:
			typed[section+"."+columns[0]] = strings.TrimPrefix(columns[1], "tns:")
		}
	}
	all := map[string][]string{}
	for element, typ := range typed {
		if words, ok := enums[typ]; ok {
			all[element] = words
			for _, word := range words {
				lives[element+"."+word] = spans[typ+"."+word]
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("the schema has %d elements with words", len(all))
	}
	return all, lives
}

// suffixes are the file names' by component type.
var suffixes = map[string]string{"ExternalClientApplication": "eca", "ExtlClntAppOauthSettings": "ecaOauth",
	"ExtlClntAppOauthConfigurablePolicies": "ecaOauthPlcy", "ExtlClntAppConfigurablePolicies": "ecaPlcy",
	"ExtlClntAppOauthSecuritySettings": "ecaOauthSecurity", "ConnectedApp": "connectedApp"}

// file is the element's component with a text in the element.
func (w wordy) file(text string) (name, data string) {
	root := w.component.Tag.Get("type")
	return "Acme." + suffixes[root], fmt.Sprintf("<%s xmlns=%q>%s</%s>\n", root, "http://soap.sforce.com/2006/04/metadata", w.xml(bare(w.component.Type), 0, text), root)
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
	words, lives := schemaWords(t)
	for element, list := range documentedWords {
		words[element] = list
	}
	elements := wordyElements(words)
	if len(elements) != len(words) {
		t.Errorf("%d elements with words in the Go types, %d in the schema", len(elements), len(words))
	}
	for _, e := range elements {
		for _, word := range words[e.name] {
			for _, spelling := range []string{word, strings.ToLower(word), strings.ToUpper(word), "\n " + word + " "} {
				name, data := e.file(spelling)
				app := parseText(t, name, data)
				if got := strings.TrimSpace(e.value(app)); got != word {
					t.Errorf("%s: %q reads as %q, want %q", e.name, spelling, got, word)
				}
				if kept, err := app.Files(); err != nil || string(kept[0].Data) != data {
					t.Errorf("%s: %q: the file has changed, error %v:\n%s", e.name, spelling, err, kept[0].Data)
				}
				version := metadata.APIVersion(68)
				if last := lives[e.name+"."+word][1]; last != 0 {
					version = last
				}
				pkg, err := app.Package(version)
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

func TestAWordIsRefusedInTheAPIVersionsThatLackItAndTheErrorNamesItsOwn(t *testing.T) {
	words, lives := schemaWords(t)
	later, gone := 0, 0
	for _, e := range wordyElements(words) {
		for _, word := range words[e.name] {
			name, data := e.file(" " + strings.ToLower(word) + "\n")
			app := parseText(t, name, data)
			since, until := lives[e.name+"."+word][0], lives[e.name+"."+word][1]
			if since > 57 {
				later++
				_, err := app.Package(since - 1)
				if want := fmt.Sprintf("needs API version %s; the package is for %s", since, since-1); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s %s: %v, want %q", e.name, word, err, want)
				}
			}
			if until < 68 {
				gone++
				_, err := app.Package(until + 1)
				if want := fmt.Sprintf("%s exists up to API version %s; the package is for %s", word, until, until+1); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s %s: %v, want %q", e.name, word, err, want)
				}
			}
			if _, err := app.Package(until); err != nil {
				t.Errorf("%s %s: %v", e.name, word, err)
			}
		}
	}
	if later < 25 || gone != 1 {
		t.Errorf("%d words that came later and %d that went, want more and one", later, gone)
	}
}

func TestAWordOfALaterAPIVersionIsRefusedBeforeAnythingIsSent(t *testing.T) {
	app := externalSpec().New()
	app.OAuthPolicies.PolicyAction = "stepupmfa"
	want := "<policyAction> StepUpMFA needs API version 67.0; the package is for 66.0"
	if _, err := app.Package(66); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("packaged: %v, want %q", err, want)
	}
	if _, err := app.Package(67); err != nil {
		t.Error(err)
	}
	org := open(t, func(http.ResponseWriter, *http.Request) { t.Error("called") }, nil)
	if _, err := org.Upsert(t.Context(), metadata.App{Kind: app.Kind, Name: app.Name, OAuthPolicies: app.OAuthPolicies}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("upserted: %v, want %q", err, want)
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
