package sfauth_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```$")
	defined = regexp.MustCompile(`(?m)^\s*(\w+(?:, \w+)*) := `)
)

// shown is where a document's Go stands: in a function that has what the text around it speaks of.
const shown = `package shown

import (
	"context"
	"fmt"
	"net/http"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

var (
	_ = fmt.Print
	_ http.Handler
	_ metadata.Kind
	_ oauthflow.Key
	_ orgtest.Config
)

func _(ctx context.Context, sf *fullcast.Connector, conn *fullcast.Connection, k oauthflow.Key) {
	{
`

func TestEveryGoBlockOfADocumentCompiles(t *testing.T) {
	example := read(t, "fullcast/example_test.go")
	var documents []string
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		documents = append(documents, found...)
	}
	blocks := 0
	for _, name := range documents {
		for _, block := range goBlock.FindAllStringSubmatch(read(t, name), -1) {
			blocks++
			first, _, _ := strings.Cut(block[1], "\n")
			if strings.Contains(example, "func Example() {\n\t"+first+"\n") { // another test holds it against that
				continue
			}
			t.Run(name+" "+first, func(t *testing.T) {
				if out := compile(t, block[1]); out != "" {
					t.Errorf("%s", out)
				}
			})
		}
	}
	if blocks < 3 {
		t.Errorf("found %d blocks; the search for them is broken", blocks)
	}
}

func TestAGoBlockThatDoesNotCompileIsNoticed(t *testing.T) {
	if out := compile(t, "report, err := conn.Check(ctx)\n"); out != "" {
		t.Errorf("a block that is right: %s", out)
	}
	if out := compile(t, "report, err := conn.Checks(ctx)\n"); !strings.Contains(out, "Checks") {
		t.Errorf("a block that calls what is not there: %q", out)
	}
}

// compile returns what the compiler has against a block, as if it stood in a package of this module.
func compile(t *testing.T, block string) string {
	t.Helper()
	source := shown + block
	for _, names := range defined.FindAllStringSubmatch(block, -1) {
		for _, name := range strings.Split(names[1], ", ") {
			if name != "_" {
				source += "\t_ = " + name + "\n" // a block need not use what it makes
			}
		}
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "shown.go")
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "internal", "shown", "shown.go"): file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(source + "\t}\n}\n"), filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "./internal/shown")
	out, err := build.CombinedOutput()
	if err == nil {
		return ""
	}
	return string(out) + err.Error()
}
