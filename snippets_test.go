package sfauth_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// known are the names that a block of Go in a document may use without a word: packages, and what the text around it
// has made.
var known = map[string]string{
	"context": "context", "errors": "errors", "fmt": "fmt", "http": "net/http", "log": "log", "os": "os", "slog": "log/slog", "testing": "testing",
	"fullcast": module + "/fullcast", "oauthflow": module + "/oauthflow", "filestore": module + "/oauthflow/tokenstore/filestore",
	"orgtest": module + "/oauthflow/orgtest", "storetest": module + "/oauthflow/tokenstore/storetest", "metadata": module + "/metadata", "policy": module + "/policy",
}

const made = `var (
	ctx  context.Context
	conn *fullcast.Connection
	sf   *fullcast.Connector
	org  *orgtest.Org
	k    oauthflow.Key
)
`

// program makes a block of statements a file that compiles if the block does.
func program(block string) (string, error) {
	body := func(tail string) string { return "package snippet\n\n" + made + "func _() {\n" + block + tail + "}\n" }
	f, err := parser.ParseFile(token.NewFileSet(), "", body(""), 0)
	if err != nil {
		return "", err
	}
	var tail strings.Builder
	used := map[string]bool{"context": true, "fullcast": true, "orgtest": true, "oauthflow": true}
	for _, stmt := range f.Decls[1].(*ast.FuncDecl).Body.List {
		if a, ok := stmt.(*ast.AssignStmt); ok && a.Tok == token.DEFINE {
			for _, name := range a.Lhs {
				fmt.Fprintf(&tail, "_ = %s\n", name.(*ast.Ident).Name)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := s.X.(*ast.Ident); ok && known[id.Name] != "" {
				used[id.Name] = true
			}
		}
		return true
	})
	var imports strings.Builder
	for _, name := range slices.Sorted(maps.Keys(used)) {
		fmt.Fprintf(&imports, "import %s %q\n", name, known[name])
	}
	return strings.Replace(body(tail.String()), "package snippet\n", "package snippet\n\n"+imports.String(), 1), nil
}

// compiles builds blocks as packages that are nowhere but in the compiler's view.
func compiles(t *testing.T, blocks ...string) error {
	t.Helper()
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"build", "-o", os.DevNull, "-overlay", filepath.Join(dir, "overlay.json")}
	for i, block := range blocks {
		text, err := program(block)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("snippet%d", i)
		file := filepath.Join(dir, name+".go")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(here, "internal", name, "snippet.go")] = file
		args = append(args, "./internal/"+name)
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

func TestEveryBlockOfGoInADocumentCompiles(t *testing.T) {
	var blocks []string
	found := 0
	whole := regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	for name, document := range documents(t) {
		for _, m := range whole.FindAllStringSubmatch(document, -1) {
			found++
			if name != "README.md" { // whose blocks are an example that is run
				blocks = append(blocks, "\n// "+name+"\n"+m[1])
			}
		}
	}
	if found < 2 {
		t.Errorf("found %d blocks; the search for them is broken", found)
	}
	if len(blocks) == 0 {
		return
	}
	if err := compiles(t, blocks...); err != nil {
		t.Error(err)
	}
}

func TestABlockOfGoThatDoesNotCompileIsFound(t *testing.T) {
	for _, block := range []string{"org, err := orgtest.New(orgtest.Config{NoSuchField: true})\n", "conn.NoSuchMethod(ctx)\n", "report, err := conn.Check(\n"} {
		if compiles(t, block) == nil {
			t.Errorf("%q compiles", block)
		}
	}
}

// Names of the SDK in a document's text are those of the code: Type.Method, package.Name, Config.Field.
func TestEveryNameInADocumentIsExported(t *testing.T) {
	words, packages := map[string]bool{}, map[string]bool{}
	for _, pkg := range public {
		for _, word := range regexp.MustCompile(`\w+`).FindAllString(exported(t, pkg), -1) {
			words[word] = true
		}
		packages[path.Base(pkg)], words[path.Base(pkg)] = true, true
	}
	name := regexp.MustCompile(`^(?:\w+\.)+[A-Z]\w*`)
	total := 0
	for file, document := range documents(t) {
		for _, span := range codeSpan.FindAllStringSubmatch(fenced.ReplaceAllString(document, ""), -1) {
			if m := shownTest.FindStringSubmatch(span[1]); m != nil && m[1] != "" {
				testExists(t, span[1])
				continue
			}
			full := name.FindString(span[1])
			first, _, _ := strings.Cut(full, ".")
			if full == "" || first == strings.ToLower(first) && !packages[first] || strings.Contains(span[1], "://") {
				continue
			}
			total++
			for part := range strings.SplitSeq(full, ".") {
				if !words[part] {
					t.Errorf("%s: `%s`: nothing is called %s", file, span[1], part)
				}
			}
		}
	}
	if total < 30 {
		t.Errorf("found %d names; the search for them is broken", total)
	}
}
