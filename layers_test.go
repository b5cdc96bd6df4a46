package sfauth_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/fullcast/sfauth"

// A layer is what one place of the tree may import. Places are folders below the module root; a folder belongs to the
// longest place that contains it. Imports only go down, so no place may import one that may import it.
type layer struct {
	ours    []string // places of this project that may be imported
	foreign []string // modules of others that may be imported; nil means the standard library only
}

const (
	oauth2Module = "golang.org/x/oauth2"
	oidcModule   = "github.com/coreos/go-oidc/v3"
	restyModule  = "github.com/go-resty/resty/v2"
	sysModule    = "golang.org/x/sys"
	textModule   = "golang.org/x/text"
	anyModule    = "*"

	httpmockModule = "github.com/jarcoal/httpmock"
)

// layers is the picture in ARCHITECTURE.md as data. A new package needs a line here before it may exist.
var layers = map[string]layer{
	".":                               {},
	"internal/crew":                   {},
	"internal/secret":                 {},
	"internal/salesforce":             {},
	"internal/scrub":                  {ours: []string{"internal/secret"}},
	"internal/badfields":              {},
	"internal/secretscan":             {ours: []string{"internal/scrub"}, foreign: []string{textModule}},
	"metadata":                        {ours: []string{"internal/badfields", "internal/secret", "internal/secretscan", "internal/salesforce", "internal/scrub"}, foreign: []string{restyModule}},
	"policy":                          {ours: []string{"metadata", "internal/salesforce", "internal/secret", "internal/secretscan", "internal/scrub"}},
	"oauthflow/tokenstore":            {ours: []string{"internal/badfields", "internal/secret"}},
	"oauthflow":                       {ours: []string{"oauthflow/tokenstore", "internal/badfields", "internal/crew", "internal/secret", "internal/salesforce", "internal/scrub"}, foreign: []string{oauth2Module, oidcModule}},
	"oauthflow/orgtest":               {},
	"oauthflow/tokenstore/storetest":  {ours: []string{"oauthflow/tokenstore"}},
	"oauthflow/tokenstore/filestore":  {ours: []string{"internal/badfields", "oauthflow/tokenstore"}, foreign: []string{sysModule}},
	"oauthflow/tokenstore/sqlstore":   {ours: []string{"internal/badfields", "oauthflow/tokenstore"}},
	"oauthflow/tokenstore/redisstore": {ours: []string{"internal/badfields", "oauthflow/tokenstore"}, foreign: []string{"github.com/redis/go-redis/v9"}},
	"oauthflow/oteloauth":             {ours: []string{"oauthflow"}, foreign: []string{"go.opentelemetry.io/otel"}},
	"fullcast":                        {ours: []string{"fullcast/internal/callback", "internal/badfields", "policy", "metadata", "oauthflow", "oauthflow/tokenstore", "internal/crew", "internal/secret", "internal/salesforce", "internal/scrub"}, foreign: []string{oauth2Module, restyModule}},
	"examples":                        {ours: []string{"*"}, foreign: []string{anyModule}},
	"internal/bench":                  {ours: []string{"*"}, foreign: []string{anyModule}},
	"internal/browser":                {ours: []string{"*"}, foreign: []string{anyModule}},
	"internal/canary":                 {},
	"internal/driver":                 {ours: []string{"*"}, foreign: []string{anyModule}},
	"internal/faults":                 {ours: []string{"*"}, foreign: []string{anyModule}},
	"internal/hostile":                {},
	"internal/interop":                {ours: []string{"*"}, foreign: []string{anyModule}},
	"internal/needs":                  {},
	"internal/servers":                {ours: []string{"internal/needs"}},

	"fullcast/adminui":           {ours: []string{"fullcast", "fullcast/internal/callback", "internal/badfields"}},
	"fullcast/internal/callback": {},
	"fullcast/fullcasttest":      {ours: []string{"fullcast", "metadata", "oauthflow", "oauthflow/tokenstore", "oauthflow/orgtest"}, foreign: []string{httpmockModule}},
}

// private places serve the project's own checks and stories; nothing else may import them but by its name in the table.
var private = []string{"examples", "internal/bench", "internal/browser", "internal/canary", "internal/driver", "internal/faults", "internal/hostile", "internal/interop", "internal/needs", "internal/servers"}

// An edge is one import statement in a file that is not a test.
type edge struct {
	from string // folder of the importing package, "." for the root
	to   string // import path
}

// violation says what is wrong with an edge, or "" when the edge goes down.
func violation(e edge) string {
	place := placeOf(e.from)
	rule, known := layers[place]
	if !known {
		return fmt.Sprintf("%s is in no layer; add it to the table in layers_test.go", e.from)
	}
	if e.to == "C" {
		return fmt.Sprintf("%s uses cgo", e.from)
	}
	if e.to == module || strings.HasPrefix(e.to, module+"/") {
		folder := strings.TrimPrefix(strings.TrimPrefix(e.to, module), "/")
		if folder == "" {
			folder = "."
		}
		target := placeOf(folder)
		switch {
		case target == place:
			return ""
		case slices.Contains(private, target) && !slices.Contains(rule.ours, target):
			return fmt.Sprintf("%s imports %s, which nothing may import", e.from, e.to)
		case slices.Contains(rule.ours, target), slices.Contains(rule.ours, "*"):
			return ""
		}
		return fmt.Sprintf("%s imports %s, which is not below it", e.from, e.to)
	}
	if !strings.Contains(strings.Split(e.to, "/")[0], ".") {
		return "" // standard library
	}
	for _, m := range rule.foreign {
		if m == anyModule || e.to == m || strings.HasPrefix(e.to, m+"/") {
			return ""
		}
	}
	return fmt.Sprintf("%s imports %s, a module its layer does not use", e.from, e.to)
}

// placeOf returns the longest place of the table that contains the folder, or the folder itself.
func placeOf(folder string) string {
	for p := folder; p != "."; p = filepath.ToSlash(filepath.Dir(p)) {
		if _, ok := layers[p]; ok {
			return p
		}
	}
	return folder
}

func TestEveryImportGoesDownALayer(t *testing.T) {
	edges := importsInTree(t)
	if len(edges) == 0 {
		t.Fatal("read no imports; the walk found no Go files")
	}
	for e, file := range edges {
		if v := violation(e); v != "" {
			t.Errorf("%s: %s", file, v)
		}
	}
}

func TestTheLayerRule(t *testing.T) {
	tests := []struct {
		name string
		from string
		to   string
		want string // part of the complaint; "" means allowed
	}{
		{"fullcast stands on policy", "fullcast", module + "/policy", ""},
		{"fullcast may reach past policy to metadata", "fullcast", module + "/metadata", ""},
		{"policy never knows the product", "policy", module + "/fullcast", "not below it"},
		{"metadata never imports its judge", "metadata", module + "/policy", "not below it"},
		{"metadata never imports oauthflow", "metadata", module + "/oauthflow", "not below it"},
		{"oauthflow never imports metadata", "oauthflow", module + "/metadata", "not below it"},
		{"oauthflow never imports its simulator", "oauthflow", module + "/oauthflow/orgtest", "not below it"},
		{"a store stands on tokenstore", "oauthflow/tokenstore/filestore", module + "/oauthflow/tokenstore", ""},
		{"a store knows no Manager", "oauthflow/tokenstore/filestore", module + "/oauthflow", "not below it"},
		{"oauthflow knows no store", "oauthflow", module + "/oauthflow/tokenstore/filestore", "not below it"},
		{"stores do not know each other", "oauthflow/tokenstore/sqlstore", module + "/oauthflow/tokenstore/filestore", "not below it"},
		{"the simulator imports nothing of ours", "oauthflow/orgtest", module + "/internal/secret", "not below it"},
		{"the simulator uses the standard library", "oauthflow/orgtest", "net/http/httptest", ""},
		{"the simulator uses no module", "oauthflow/orgtest", oauth2Module, "a module its layer does not use"},
		{"a subfolder belongs to its layer", "oauthflow/internal/wire", module + "/metadata", "not below it"},
		{"a subfolder may import its own layer", "oauthflow/internal/wire", module + "/oauthflow", ""},
		{"the root imports nothing", ".", module + "/fullcast", "not below it"},
		{"secrets stand on nothing", "internal/secret", module + "/oauthflow", "not below it"},
		{"resty is metadata's", "metadata", restyModule, ""},
		{"resty never touches the token endpoint", "oauthflow", restyModule, "a module its layer does not use"},
		{"packages of an allowed module are allowed", "oauthflow", oauth2Module + "/clientcredentials", ""},
		{"a module whose name only begins alike is another", "oauthflow", oauth2Module + "x", "a module its layer does not use"},
		{"an unlisted module is refused", "policy", "github.com/pkg/errors", "a module its layer does not use"},
		{"an example may import everything", "examples/quickstart", module + "/oauthflow/orgtest", ""},
		{"nothing imports an example", "fullcast", module + "/examples/quickstart", "nothing may import"},
		{"not even a private check imports an example", "internal/faults", module + "/examples/worker", "nothing may import"},
		{"the test kit stands on the front door and the simulator", "fullcast/fullcasttest", module + "/oauthflow/orgtest", ""},
		{"the pages stand on the front door alone", "fullcast/adminui", module + "/oauthflow", "not below it"},
		{"the front door never imports its pages", "fullcast", module + "/fullcast/adminui", "not below it"},
		{"the front door never imports its test kit", "fullcast", module + "/fullcast/fullcasttest", "not below it"},
		{"only the test kit mocks", "fullcast", httpmockModule, "a module its layer does not use"},
		{"a new folder must be placed first", "util", "fmt", "in no layer"},
		{"cgo is refused", "oauthflow/tokenstore/filestore", "C", "uses cgo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := violation(edge{tt.from, tt.to})
			if tt.want == "" && got != "" {
				t.Errorf("got complaint %q, want none", got)
			}
			if tt.want != "" && !strings.Contains(got, tt.want) {
				t.Errorf("got complaint %q, want one with %q", got, tt.want)
			}
		})
	}
}

func TestTheLayerTableHasNoCycle(t *testing.T) {
	var visit func(place string, path []string)
	visit = func(place string, path []string) {
		if slices.Contains(path, place) {
			t.Errorf("cycle: %s -> %s", strings.Join(path, " -> "), place)
			return
		}
		for _, next := range layers[place].ours {
			if next != "*" {
				visit(next, append(path[:len(path):len(path)], place))
			}
		}
	}
	for place := range layers {
		visit(place, nil)
	}
}

// importsInTree reads every import of every file that is not a test, for all platforms and all modules of the tree, and
// returns a file that holds it.
func importsInTree(t *testing.T) map[edge]string {
	t.Helper()
	edges := map[edge]string{}
	for path := range goFiles(t) {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range file.Imports {
			to, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			edges[edge{filepath.ToSlash(filepath.Dir(path)), to}] = path
		}
	}
	return edges
}

// goFiles yields the path of each Go file of the tree, of all modules.
func goFiles(t *testing.T) iter.Seq[string] {
	return func(yield func(string) bool) {
		err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name := d.Name()
			if d.IsDir() && path != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			if !d.IsDir() && strings.HasSuffix(name, ".go") && !yield(path) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}
