package sfauth_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// A saying is one row of the catalogue of Salesforce's answers, as its source has it.
type saying map[string]string

// catalogue reads the rows of the catalogue, and the values of the constants that they name.
func catalogue(t *testing.T) (rows []saying) {
	t.Helper()
	names := map[string]string{}
	var list *ast.CompositeLit
	for _, file := range []string{"errors.go", "reason.go", "catalogue.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), "oauthflow/"+file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.CompositeLit); ok && spec.Names[0].Name == "catalogue" {
				list = lit
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				names[spec.Names[0].Name], _ = strconv.Unquote(lit.Value)
			}
			return true
		})
	}
	if list == nil {
		t.Fatal("no catalogue is found")
	}
	for _, e := range list.Elts {
		row := saying{}
		for _, kv := range e.(*ast.CompositeLit).Elts {
			field := kv.(*ast.KeyValueExpr)
			name := field.Key.(*ast.Ident).Name
			switch v := field.Value.(type) {
			case *ast.BasicLit:
				row[name], _ = strconv.Unquote(v.Value)
			case *ast.Ident:
				row[name] = cmp.Or(names[v.Name], v.Name)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// operations are those in which the answers of each side are met, and the side in words.
var operations = map[string]struct{ op, where string }{
	"":             {"refresh", "OAuth"},
	"anySide":      {"refresh", "anywhere"},
	"tokenSide":    {"refresh", "token endpoint"},
	"refreshSide":  {"refresh", "refresh"},
	"callbackSide": {"callback", "callback"},
	"resourceSide": {"request", "API"},
	"requestSide":  {"request", "API"},
}

func (s saying) failure(t *testing.T) *oauthflow.Error {
	status, err := strconv.Atoi(strings.ReplaceAll(cmp.Or(s["status"], "400"), "xx", "00"))
	if err != nil {
		t.Fatal(err)
	}
	code := s["code"]
	if code == "*" {
		code = "MALFORMED_QUERY"
	}
	return &oauthflow.Error{Op: operations[s["side"]].op, Host: "acme.my.salesforce.com", Status: status,
		Code: strings.TrimSuffix(code, "*"), Description: s["description"], Kind: oauthflow.ErrorKind(s["kind"])}
}

func (s saying) says() string {
	var parts []string
	if s["status"] != "" {
		parts = append(parts, "HTTP "+s["status"])
	}
	if s["code"] != "" && s["code"] != "*" {
		parts = append(parts, "`"+s["code"]+"`")
	}
	if s["description"] != "" {
		parts = append(parts, "\""+s["description"]+"\"")
	}
	if s["form"] == "jwtToken" {
		parts = append(parts, "to a JWT")
	}
	switch s["author"] {
	case "authorSalesforce":
		parts = append(parts, "in Salesforce's words")
	case "authorUnknown":
		parts = append(parts, "in Salesforce's words, or in none")
	}
	return strings.Join(parts, " ")
}

// What Salesforce says, what it means and who has to do what is one document, which is made from the code.
func TestTheDocumentOfWhatSalesforceSaysIsThatOfTheCode(t *testing.T) {
	var b strings.Builder
	missing := func(host string, isNew bool) fullcast.Remedy {
		e := &oauthflow.Error{Op: "refresh", Host: host, Status: 400, Code: "invalid_client_id", Kind: oauthflow.KindAppMissing, AppIsNew: isNew}
		return fullcast.RemedyOf(oauthflow.Connection{Kind: oauthflow.ExternalClientAppKind, Fault: e})
	}
	unlisted := fullcast.RemedyOf(oauthflow.Connection{Fault: &oauthflow.Error{Op: "request", Status: 400, Kind: oauthflow.KindUnknownAnswer}})
	b.WriteString("# What Salesforce says, and who has to do what\n\n" +
		"This page is generated (`go test . -update`) from the catalogue of package `oauthflow` and the remedies of package `fullcast`. The first\n" +
		"row that matches an answer decides; a part of the description suffices. Whatever is not listed never ends a connection, and is tried again;\n" +
		"but an API call that is refused with status 400 is refused again, and `" + unlisted.ID() + "`.\n\n" +
		"Three things change the remedy of a row. Where `retry` helps, a login is the admin's to repeat: `" + fullcast.Reauthorize.ID() + "`. A login host that serves many\n" +
		"orgs, such as login.salesforce.com, does not know every app: an external client app that it does not know is `" + missing("login.salesforce.com", false).ID() + "`.\n" +
		"At the org's own My Domain host, an app that is younger than 30 minutes is `" + missing("acme.my.salesforce.com", true).ID() + "`.\n\n" +
		"*Token endpoint* stands for token, revocation and introspection, *refresh* for a refresh alone, *OAuth* for all of these and the callback of a login,\n" +
		"*API* for the org's resources. An empty cell in *of a connected app* means the same remedy.\n\n" +
		"| where | Salesforce says | kind | reason | it means | remedy | of a connected app | who |\n|---|---|---|---|---|---|---|---|\n")
	for _, s := range catalogue(t) {
		e := s.failure(t)
		external := fullcast.RemedyOf(oauthflow.Connection{Kind: oauthflow.ExternalClientAppKind, Fault: e})
		connected := fullcast.RemedyOf(oauthflow.Connection{Kind: oauthflow.ConnectedAppKind, Fault: e})
		if external == 0 || connected == 0 {
			t.Errorf("%s has no remedy", s.says())
			continue
		}
		other := ""
		if connected != external {
			other = connected.ID()
		}
		if want := s["reason"]; string(e.Reason()) != want && s["side"] != "" {
			t.Errorf("%s: the error's reason is %q, the row's %q", s.says(), e.Reason(), want)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", operations[s["side"]].where, s.says(), s["kind"], s["reason"], e.Sentence(), external.ID(), other, external.Actor())
	}
	b.WriteString("\n## Remedies\n\nThe text is what the customer's admin gets, with the service's network addresses in the place of *addresses*. `ForAdmin`\n" +
		"says before it what has happened, and after it whether the org has to be connected again.\n\n| remedy | who | in one sentence | text for the admin |\n|---|---|---|---|\n")
	for r := fullcast.Retry; r.String() != ""; r++ {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.ID(), r.Actor(), r, r.ForAdmin([]string{"*addresses*"}))
	}
	const name = "docs/salesforce-says.md"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is not what the code says (%v); make it with: go test . -update", name, err)
	}
}
