package sfauth_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"expvar"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const hidden = "Zq9encoderCanary_7.0123456789abcdefGH"

// holders are a value of each exported type that holds a secret, with the secret in every place that has one.
func holders(t *testing.T) map[string]any {
	t.Helper()
	s := secret.New(hidden)
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		t.Fatal(err)
	}
	client := oauthflow.Client{Host: host, ID: "3MVG9.key", Secret: s}
	flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"https://app.fullcast.io/app/admin/motion"}})
	if err != nil {
		t.Fatal(err)
	}
	_, pending, err := flow.Authorize(client, oauthflow.AuthorizeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	global := metadata.GlobalOAuthSettings{ConsumerSecret: s}
	connected := metadata.ConnectedOAuthConfig{ConsumerSecret: s}
	return map[string]any{
		"fullcast.BeginOptions": fullcast.BeginOptions{Client: client, Binding: hidden},
		"metadata.App": metadata.App{
			Kind: metadata.KindExternalClientApp, Name: "A", GlobalOAuthSettings: &global, Connected: &metadata.ConnectedApp{OAuthConfig: &connected},
		},
		"metadata.ConnectedApp":         metadata.ConnectedApp{OAuthConfig: &connected},
		"metadata.ConnectedOAuthConfig": connected,
		"metadata.Credentials":          metadata.Credentials{Key: "k", Secret: s},
		"metadata.GlobalOAuthSettings":  global,
		"metadata.OAuthSettings":        metadata.OAuthSettings{ConsumerSecret: s},
		"fullcast.AdminUser":            fullcast.AdminUser{Tenant: "acme", Right: fullcast.RightView, Binding: s},
		"fullcast.Adoption":             fullcast.Adoption{Key: oauthflow.Key{Tenant: "acme", Name: "main"}, Client: client, RefreshToken: s},
		"metadata.StagedCredentials":    metadata.StagedCredentials{ID: "i", Key: "k", Secret: s, State: "Staged"},
		"oauthflow.Callback":            oauthflow.Callback{Tenant: "acme", Path: "/p", Binding: hidden, Query: url.Values{"code": {hidden}, "state": {hidden}}},
		"oauthflow.Client":              client,
		"oauthflow.Pending":             pending,
		"tokenstore.SealingKey":         tokenstore.SealingKey{ID: "k1", Key: s},
		"oauthflow.Token":               oauthflow.Token{AccessToken: s, RefreshToken: s, IDToken: s},
	}
}

// encoders are the ways in which a program may write a value down.
var encoders = map[string]func(any) (string, error){
	"fmt": func(v any) (string, error) {
		return fmt.Sprintf("%v %+v %#v %s %q %x %X % x %d %t", v, v, v, v, v, v, v, v, v, v), nil
	},
	"an error": func(v any) (string, error) { return fmt.Errorf("got %v: %+v", v, v).Error(), nil },
	"JSON": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	},
	"XML": func(v any) (string, error) {
		b, err := xml.Marshal(v)
		return string(b), err
	},
	"gob": func(v any) (string, error) {
		var b bytes.Buffer
		err := gob.NewEncoder(&b).Encode(v)
		return b.String(), err
	},
	"slog as JSON": func(v any) (string, error) {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v, slog.Group("g", "v", v))
		return b.String(), nil
	},
	"slog as text": func(v any) (string, error) {
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		return b.String(), nil
	},
	"expvar": func(v any) (string, error) { return expvar.Func(func() any { return v }).String(), nil },
	"a template": func(v any) (string, error) {
		var b bytes.Buffer
		err := template.Must(template.New("x").Parse(`{{.}} {{printf "%#v" .}} {{js .}} {{html .}}`)).Execute(&b, v)
		return b.String(), err
	},
	"text": func(v any) (string, error) {
		m, ok := v.(interface{ MarshalText() ([]byte, error) })
		if !ok {
			return "", nil
		}
		b, err := m.MarshalText()
		return string(b), err
	},
	"binary": func(v any) (string, error) {
		m, ok := v.(interface{ MarshalBinary() ([]byte, error) })
		if !ok {
			return "", nil
		}
		b, err := m.MarshalBinary()
		return string(b), err
	},
}

func TestNoEncoderWritesDownTheSecretOfAnyExportedType(t *testing.T) {
	finder := search.New([]string{hidden})
	if finder.Find(fmt.Sprintf("%v", struct{ S string }{hidden})) == "" {
		t.Fatal("what is printed in the plain is not found")
	}
	for name, v := range holders(t) {
		for _, shape := range []any{v, &v, []any{v}, map[string]any{"v": v}, struct{ V any }{v}, struct{ v any }{v}} {
			for how, encode := range encoders {
				if _, unexported := shape.(struct{ v any }); unexported && plainByDesign[name] {
					continue
				}
				text, err := encode(shape)
				if err != nil {
					text += err.Error()
				}
				if what := finder.Find(text); what != "" {
					t.Errorf("%s writes of %s (%T) %s: %.300q", how, name, shape, what, text)
				}
			}
		}
	}
}

// plainByDesign are the types that hold what the caller brings as a plain string: printers honour their methods wherever they
// may call them, which fmt may not in an unexported field of another type.
var plainByDesign = map[string]bool{"fullcast.BeginOptions": true, "oauthflow.Callback": true}

// The list above is complete: a type that gets a secret has to be tried.
func TestEveryExportedTypeThatHoldsASecretIsTried(t *testing.T) {
	tried := holders(t)
	found := map[string]bool{}
	for _, pkg := range public {
		if strings.HasSuffix(pkg, "test") {
			continue
		}
		for _, name := range secretTypes(t, pkg) {
			full := filepath.Base(pkg) + "." + name
			if found[full] = true; tried[full] == nil {
				t.Errorf("%s holds a secret and is not tried", full)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tried)) {
		if !found[name] {
			t.Errorf("%s is tried and holds no secret that was found", name)
		}
	}
}

// secretTypes returns the exported structs of a package that hold a Secret, or what their own methods have to hide, in a field
// or in a struct of the package that is one.
func secretTypes(t *testing.T, pkg string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	holds := map[string][]string{} // the types of the fields
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range structure.Fields.List {
				name := typeName(field.Type)
				for _, n := range field.Names {
					if n.Name == "Binding" {
						name = "Secret"
					}
				}
				holds[spec.Name.Name] = append(holds[spec.Name.Name], name)
			}
			return false
		})
	}
	var secret func(name string, depth int) bool
	secret = func(name string, depth int) bool {
		return name == "Secret" || depth < 8 && slices.ContainsFunc(holds[name], func(of string) bool { return secret(of, depth+1) })
	}
	var out []string
	for name := range holds {
		if ast.IsExported(name) && secret(name, 0) {
			out = append(out, name)
		}
	}
	return out
}

// typeName is the bare name of a field's type, behind pointers, slices and packages; of functions and maps there is none.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		if pkg, ok := e.X.(*ast.Ident); ok && (e.Sel.Name == "Secret" || e.Sel.Name == "Client" && pkg.Name == "oauthflow") {
			return "Secret"
		}
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.ArrayType:
		return typeName(e.Elt)
	}
	return ""
}
