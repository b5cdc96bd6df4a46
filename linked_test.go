package sfauth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// A goPackage is what the go command knows of a package of the root module or of one that it links.
type goPackage struct {
	ImportPath string
	DepOnly    bool     // linked by the root module, not part of it
	Deps       []string // import paths of all it links
	Module     *struct{ Path string }
}

// testKit is what services test with; none links it.
const testKit = "fullcast/fullcasttest"

// testOnly lists what must not reach a service's binary, each with the packages whose purpose it is.
var testOnly = map[string][]string{
	"testing":                                  {"internal/hostile", "internal/needs", "internal/servers", "oauthflow/tokenstore/storetest", "policy/policytest", testKit},
	"net/http/httptest":                        {"oauthflow/orgtest", testKit},
	"github.com/jarcoal/httpmock":              {testKit},
	module + "/oauthflow/orgtest":              {testKit},
	module + "/oauthflow/tokenstore/storetest": nil,
	module + "/" + testKit:                     nil,
}

// linkedTestSoftware returns what a package of ours links although only tests should.
func linkedTestSoftware(p goPackage) []string {
	folder := strings.TrimPrefix(p.ImportPath, module+"/")
	var found []string
	for software, allowed := range testOnly {
		if slices.Contains(p.Deps, software) && !slices.Contains(allowed, folder) {
			found = append(found, software)
		}
	}
	slices.Sort(found)
	return found
}

func TestNoServiceLinksTestSoftware(t *testing.T) {
	for _, p := range rootPackages(t) {
		if p.DepOnly {
			continue
		}
		if found := linkedTestSoftware(p); len(found) > 0 {
			t.Errorf("%s links %s", p.ImportPath, strings.Join(found, ", "))
		}
	}
}

func TestTheRuleForTestSoftware(t *testing.T) {
	tests := []struct {
		name string
		from string
		deps []string
		want []string
	}{
		{"a service links none", "fullcast", []string{"fmt", "net/http"}, nil},
		{"the simulator in a service is found", "fullcast", []string{module + "/oauthflow/orgtest"}, []string{module + "/oauthflow/orgtest"}},
		{"the test kit in a service is found", "policy", []string{module + "/" + testKit}, []string{module + "/" + testKit}},
		{"the test kit mocks and simulates", testKit, []string{"github.com/jarcoal/httpmock", module + "/oauthflow/orgtest", "net/http/httptest", "testing"}, nil},
		{"a mock in a store is found", "oauthflow/tokenstore/filestore", []string{"github.com/jarcoal/httpmock"}, []string{"github.com/jarcoal/httpmock"}},
		{"testing in a service is found", "policy", []string{"testing"}, []string{"testing"}},
		{"a conformance kit takes a testing.T", "oauthflow/tokenstore/storetest", []string{"testing"}, nil},
		{"a conformance kit needs no simulator", "oauthflow/tokenstore/storetest", []string{module + "/oauthflow/orgtest"}, []string{module + "/oauthflow/orgtest"}},
		{"the simulator takes no testing.T", "oauthflow/orgtest", []string{"testing", "net/http/httptest"}, []string{"testing"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := linkedTestSoftware(goPackage{ImportPath: module + "/" + tt.from, Deps: tt.deps})
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The golden file is the list of modules that a service takes on with this SDK. A new line in it is a decision.
func TestTheRootLinksTheseModulesOnly(t *testing.T) {
	var got, linked []string
	all := rootPackages(t)
	for _, p := range all {
		if !p.DepOnly && p.ImportPath != module+"/"+testKit {
			linked = append(linked, p.Deps...)
		}
	}
	for _, p := range all {
		if p.Module != nil && p.Module.Path != module && slices.Contains(linked, p.ImportPath) && !slices.Contains(got, p.Module.Path) {
			got = append(got, p.Module.Path)
		}
	}
	slices.Sort(got)
	text := strings.Join(append(got, ""), "\n")
	golden := filepath.Join("testdata", "linked-modules.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("linked modules:\n%s\n%s has:\n%s\nIf this is meant: go test . -update", text, golden, want)
	}
}

// rootPackages asks the go command for the packages of the root module and all they link, on one platform and outside
// the workspace, so that the answer is the same everywhere.
func rootPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,DepOnly,Deps,Module", "./...")
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}
