package sfauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// realTime names the packages of the workspace whose tests live by the real clock, each with what it waits for. The others
// have none, or time is virtual in them (testing/synctest).
var realTime = map[string]string{
	"examples/internal/console":       "a terminal",
	"examples/quickstart":             "nothing; it says how long it took",
	"internal/salesforce":             "nothing; the gate judges how long it takes",
	"internal/scrub":                  "nothing; the gate judges how long it takes",
	"metadata":                        "nothing; the gate judges how long it takes",
	"oauthflow/tokenstore/filestore":  "processes and locks",
	"oauthflow/oteloauth":             "a refresh in the background",
	"oauthflow/tokenstore/redisstore": "servers",
	"oauthflow/tokenstore/sqlstore":   "servers and locks",
	"oauthflow/tokenstore/storetest":  "goroutines that meet in a store",
}

// clock lists what waits or measures; what is compared with a date alone does neither.
var clock = []string{"time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.Tick", "time.Since", "context.WithTimeout", "context.WithDeadline"}

func TestFewPackagesAreTestedByTheRealClock(t *testing.T) {
	real, virtual := map[string]bool{}, map[string]bool{}
	for path := range goFiles(t) {
		folder := filepath.ToSlash(filepath.Dir(path))
		if !strings.HasSuffix(path, "_test.go") || slices.ContainsFunc([]string{"internal/bench", "internal/browser", "internal/faults", "internal/interop"}, func(own string) bool { return folder == own }) {
			continue // a lane of the gate runs them, not go test work
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok {
					real[folder] = real[folder] || slices.Contains(clock, x.Name+"."+s.Sel.Name)
					virtual[folder] = virtual[folder] || x.Name == "synctest"
				}
			}
			return true
		})
	}
	if !virtual["oauthflow"] || !real["oauthflow/tokenstore/filestore"] {
		t.Fatal("the search for clocks is broken")
	}
	for folder, found := range real {
		if found && !virtual[folder] && realTime[folder] == "" {
			t.Errorf("the tests of %s live by the real clock; let time be virtual, or say what they wait for", folder)
		}
	}
	for folder := range realTime {
		if !real[folder] {
			t.Errorf("the tests of %s do not look at a clock", folder)
		}
	}
}

// A server on its usual port may be somebody's; tests use what the environment names.
func TestNoTestLooksForAServerThatIsNotNamed(t *testing.T) {
	for path := range goFiles(t) {
		folder := filepath.ToSlash(filepath.Dir(path))
		if !strings.HasSuffix(path, "_test.go") || folder == "internal/bench" || folder == "internal/faults" || path == "clock_test.go" {
			continue // the drills and the benchmarks are not run by go test work
		}
		text := read(t, path)
		for _, port := range []string{":5432", ":3306", ":6379"} {
			if strings.Contains(text, "127.0.0.1"+port) || strings.Contains(text, "localhost"+port) {
				t.Errorf("%s looks for a server on port %s", path, port)
			}
		}
	}
}
