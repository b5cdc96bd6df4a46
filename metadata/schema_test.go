package metadata_test

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
)

// schemaTypes says which Go type stands for which of Salesforce's. Fields that were gone before API version 59, the
// first that Salesforce documents for external client apps, have no Go field.
var schemaTypes = map[string]any{
	"ExternalClientApplication":            metadata.ExternalClientApplication{},
	"ExtlClntAppOauthSettings":             metadata.OAuthSettings{},
	"ExtlClntAppGlobalOauthSettings":       metadata.GlobalOAuthSettings{},
	"ExtlClntAppOauthConfigurablePolicies": metadata.OAuthPolicies{},
	"ExtlClntAppConfigurablePolicies":      metadata.Policies{},
	"ExtlClntAppOauthSecuritySettings":     metadata.OAuthSecuritySettings{},
	"ExternalAppIdTokenConfig":             metadata.IDTokenConfig{},
	"ExtlClntAppOauthIpRange":              metadata.IPRange{},
	"ExtlClntAppOauthSecurityTokenIpRange": metadata.IPRange{},
	"ExtlClntAppOauthSettingsAttribute":    metadata.Attribute{},
	"ExtlClntAppOauthPoliciesAttribute":    metadata.Attribute{},
	"ConnectedApp":                         metadata.ConnectedApp{},
	"ConnectedAppAttribute":                metadata.Attribute{},
	"ConnectedAppCanvasConfig":             metadata.ConnectedCanvasConfig{},
	"ConnectedAppIpRange":                  metadata.ConnectedIPRange{},
	"ConnectedAppMobileDetailConfig":       metadata.ConnectedMobileConfig{},
	"ConnectedAppOauthAssetToken":          metadata.ConnectedAssetToken{},
	"ConnectedAppOauthConfig":              metadata.ConnectedOAuthConfig{},
	"ConnectedAppOauthIdToken":             metadata.ConnectedIDToken{},
	"ConnectedAppOauthPolicy":              metadata.ConnectedOAuthPolicy{},
	"ConnectedAppSamlConfig":               metadata.ConnectedSAMLConfig{},
	"ConnectedAppSessionPolicy":            metadata.ConnectedSessionPolicy{},
	"CanvasMetadata":                       metadata.CanvasMetadata{},
	"ExternalClientAppSettings":            metadata.ExternalClientAppSettings{},
	"OauthOidcSettings":                    metadata.OAuthOIDCSettings{},
	"ConnectedAppSettings":                 metadata.ConnectedAppSettings{},
}

// seenOtherwise are the fields whose versions real files or the schema's makers contradict: the published types of 67
// and 68 come from an org with fewer features, and files of version 67 have isDPopEnabled.
var seenOtherwise = map[string]bool{"ConnectedApp.pluginExecutionUser": true, "ExtlClntAppGlobalOauthSettings.isDPopEnabled": true}

// goField is one field of a Go type as its tags have it.
type goField struct {
	name         string
	since, until int
	required     bool
	typ          reflect.Type
}

func goFields(v any) []goField {
	var out []goField
	t := reflect.TypeOf(v)
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if tag.Get("xml") == "" {
			continue
		}
		versions, mark, _ := strings.Cut(tag.Get("api"), ",")
		first, last, _ := strings.Cut(versions, "-")
		f := goField{name: tag.Get("xml"), required: mark == "required", typ: t.Field(i).Type}
		f.since, _ = strconv.Atoi(first)
		f.until, _ = strconv.Atoi(last)
		out = append(out, f)
	}
	return out
}

func TestEveryFieldOfEveryAPIVersionHasAGoField(t *testing.T) {
	f, err := os.Open(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "field-version-matrix.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen, typ := map[string]bool{}, ""
	var left map[string]goField
	leftover := func() {
		for name := range left {
			t.Errorf("%s has no <%s> in the schema", typ, name)
		}
		left = nil
	}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "## "); ok {
			leftover()
			typ = ""
			if v, ok := schemaTypes[name]; ok {
				typ, seen[name], left = name, true, map[string]goField{}
				for _, f := range goFields(v) {
					left[f.name] = f
				}
			}
			continue
		}
		columns := strings.Fields(line)
		if typ == "" || len(columns) < 5 || !strings.HasPrefix(columns[4], "v") {
			continue
		}
		first, last, _ := strings.Cut(strings.TrimPrefix(columns[4], "v"), "-v")
		since, _ := strconv.Atoi(strings.TrimSuffix(first, ".0"))
		until, _ := strconv.Atoi(strings.TrimSuffix(last, ".0"))
		if until < 57 {
			continue
		}
		got, ok := left[columns[0]]
		if !ok {
			t.Errorf("%s: <%s> has no Go field", typ, columns[0])
			continue
		}
		delete(left, got.name)
		if got.name == "consumerSecret" && got.typ != reflect.TypeFor[secret.Secret]() {
			t.Errorf("%s.%s is a %s, which prints", typ, got.name, got.typ)
		}
		if seenOtherwise[typ+"."+got.name] {
			continue
		}
		if strings.Contains(line, "REMOVED") != (got.until != 0) || got.until != 0 && got.until != until {
			t.Errorf("%s.%s: until %d, the schema has it until %d", typ, got.name, got.until, until)
		}
		shared := schemaTypes[typ] == any(metadata.IPRange{}) || schemaTypes[typ] == any(metadata.Attribute{})
		if want := max(since, 57); got.since != want && !(since <= 57 && got.since <= 57) && !(shared && got.since < want) {
			t.Errorf("%s.%s: since %d, the schema has it since %d", typ, got.name, got.since, since)
		}
	}
	leftover()
	for name := range schemaTypes {
		if !seen[name] && name != "CanvasMetadata" { // the table leaves it out; the next test has it
			t.Errorf("the schema has no type %s", name)
		}
	}
}

func TestGoTypesHaveTheOrderTypesAndMarksOfTheSchema(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "salesforce-metadata-66.0.xsd"))
	if err != nil {
		t.Fatal(err)
	}
	type element struct {
		Name      string `xml:"name,attr"`
		Type      string `xml:"type,attr"`
		MinOccurs string `xml:"minOccurs,attr"`
		MaxOccurs string `xml:"maxOccurs,attr"`
	}
	var schema struct {
		Types []struct {
			Name     string    `xml:"name,attr"`
			Sequence []element `xml:"sequence>element"`
			Extended []element `xml:"complexContent>extension>sequence>element"`
		} `xml:"complexType"`
	}
	if err := xml.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, typ := range schema.Types {
		v, ok := schemaTypes[typ.Name]
		if !ok {
			continue
		}
		compared++
		fields := map[string]goField{}
		place := map[string]int{}
		for i, f := range goFields(v) {
			fields[f.name], place[f.name] = f, i
		}
		before := -1
		for _, e := range append(typ.Sequence, typ.Extended...) {
			f, ok := fields[e.Name]
			if !ok {
				t.Errorf("%s: <%s> has no Go field", typ.Name, e.Name)
				continue
			}
			if place[e.Name] < before {
				t.Errorf("%s: <%s> stands out of order", typ.Name, e.Name)
			}
			before = place[e.Name]
			if want := e.MinOccurs != "0"; f.required != want {
				t.Errorf("%s: <%s> required = %v, the schema says %v", typ.Name, e.Name, f.required, want)
			}
			want := goKind(strings.TrimPrefix(strings.TrimPrefix(e.Type, "xsd:"), "tns:"))
			if e.MaxOccurs == "unbounded" {
				want = "[]" + want
			}
			if got := kindOf(f.typ); got != want {
				t.Errorf("%s: <%s> is a %s, the schema says %s (%s)", typ.Name, e.Name, got, want, e.Type)
			}
		}
	}
	if compared < 24 {
		t.Errorf("compared %d types", compared)
	}
}

func TestGoTypesHaveTheFieldsOfTheNewestAPI(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "salesforce-types-1.9.0.json"))
	if err != nil {
		t.Fatal(err)
	}
	var newest struct {
		Types map[string][]struct {
			Name, Type string
			Optional   bool
		}
	}
	if err := json.Unmarshal(data, &newest); err != nil {
		t.Fatal(err)
	}
	compared := 0
	for name, list := range newest.Types {
		v, ok := schemaTypes[name]
		if !ok {
			continue
		}
		fields := map[string]goField{}
		for _, f := range goFields(v) {
			fields[f.name] = f
		}
		for _, e := range list {
			if e.Name == "fullName" || e.Name == "module" {
				continue
			}
			compared++
			f, ok := fields[e.Name]
			if !ok {
				t.Errorf("%s: <%s> has no Go field", name, e.Name)
				continue
			}
			base, many := strings.CutSuffix(e.Type, "[]")
			want := goKind(base)
			if many {
				want = "[]" + want
			}
			if base != "number" && kindOf(f.typ) != want {
				t.Errorf("%s: <%s> is a %s, the types say %s", name, e.Name, kindOf(f.typ), e.Type)
			}
		}
	}
	if compared < 200 {
		t.Errorf("compared %d fields", compared)
	}
}

// goKind reduces a schema type to text, bool, int or struct.
func goKind(schema string) string {
	switch schema {
	case "boolean":
		return "bool"
	case "int", "number":
		return "int"
	case "string", "base64Binary":
		return "text"
	}
	if _, ok := schemaTypes[schema]; ok {
		return "struct"
	}
	return "text" // an enum
}

// kindOf does the same for a Go type.
func kindOf(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[secret.Secret](), t.Kind() == reflect.String:
		return "text"
	case t.Kind() == reflect.Slice:
		return "[]" + kindOf(t.Elem())
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem())
	case t.Kind() == reflect.Bool:
		return "bool"
	case t.Kind() == reflect.Int:
		return "int"
	}
	return "struct"
}
