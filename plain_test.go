package sfauth_test

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A field of one of these types could hand out what was sent or received; one of these names says that it holds a secret.
var (
	tellingType = regexp.MustCompile(`^(\*?http\.(Response|Request|Header|Cookie)|\*?url\.(Error|URL|Userinfo)|\[\]byte|any|interface\{\})$`)
	secretName  = regexp.MustCompile(`(Token|Secret|Password|Verifier|Challenge|Code|Key|Nonce|State|Binding|Assertion|Signature)$`)
)

// plain are the fields that look like it and hold no secret, or what the caller brings.
var plain = map[string]string{
	"fullcast.BeginOptions.Binding":                        "the caller's own session; the type prints without it",
	"metadata.Attribute.Key":                               "the name of an attribute",
	"metadata.ConnectedOAuthConfig.ConsumerKey":            publicKey,
	"metadata.Credentials.Key":                             publicKey,
	"metadata.Error.Code":                                  "Salesforce's error code",
	"metadata.ExternalClientApplication.DistributionState": "a setting",
	"metadata.File.Data":                                   "metadata",
	"metadata.GlobalOAuthSettings.ConsumerKey":             publicKey,
	"metadata.OAuthSettings.ConsumerKey":                   publicKey,
	"metadata.StagedCredentials.Key":                       publicKey,
	"metadata.StagedCredentials.State":                     "how far a rotation is",
	"oauthflow.Callback.Binding":                           "the caller's own session; the type prints without it",
	"oauthflow.Connection.ConsumerKey":                     publicKey,
	"oauthflow.Connection.NextKey":                         publicKey,
	"oauthflow.Error.Code":                                 "Salesforce's error code",
	"tokenstore.Record.Data":                               "sealed",
}

const publicKey = "the consumer key, which every authorize URL shows"

// A field of a type that others can print, log or encode must not hold a secret in the plain, nor a response.
func TestNoExportedFieldHoldsAPlainSecretOrAResponse(t *testing.T) {
	used, fields := map[string]bool{}, 0
	for _, pkg := range public {
		if strings.HasSuffix(pkg, "test") { // a simulator's people have passwords, and its secrets open nothing
			continue
		}
		for name, typ := range exportedFields(t, pkg) {
			fields++
			if !tellingType.MatchString(typ) && (typ != "string" || !secretName.MatchString(name)) {
				continue
			}
			if used[name] = true; plain[name] == "" {
				t.Errorf("%s is a %s", name, typ)
			}
		}
	}
	for name := range plain {
		if !used[name] {
			t.Errorf("%s is excused and not there", name)
		}
	}
	if fields < 200 {
		t.Errorf("only %d fields were seen", fields)
	}
}

// exportedFields returns the exported fields of a package's exported structs, as "pkg.Type.Field", with their types.
func exportedFields(t *testing.T, pkg string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pkg, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok || !spec.Name.IsExported() {
				return true
			}
			structure, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, field := range structure.Fields.List {
				var typ strings.Builder
				if err := printer.Fprint(&typ, set, field.Type); err != nil {
					t.Fatal(err)
				}
				for _, name := range field.Names {
					if name.IsExported() {
						out[filepath.Base(pkg)+"."+spec.Name.Name+"."+name.Name] = typ.String()
					}
				}
			}
			return false
		})
	}
	return out
}
