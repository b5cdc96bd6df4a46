package sfauth_test

import (
	"cmp"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// imperatives are the verbs with which remedies ask for something.
const imperatives = "activate|add|allow|ask|assign|attach|check|choose|clear|clicks?|connect|contact|copy|correct|create|end|enter|give|have|install|let|look|make|open|" +
	"prefer|save|say|see|select|set|sign|switch|tell|try|unblock|unfreeze|update|use|wait"

// asks matches a clause that begins with one of them, and the words that lead through Setup.
var asks = regexp.MustCompile(`(?i)\bSetup\b|>|\bplease\b|(?:^|[.;:,] |\b(?:and|or|then) )(?:` + imperatives + `)\b`)

// What Salesforce's refusal means is said by the error, what to do about it by the remedy beside it. An error that says both
// repeats the remedy at best; at worst it says something else.
func TestTheSentenceOfAnErrorSaysWhatIsAndLeavesToTheRemedyWhatToDo(t *testing.T) {
	for _, s := range sentences(t) {
		if at := asks.FindString(s); at != "" {
			t.Errorf("%q asks for something: %q", s, at)
		}
	}
	for _, err := range []error{oauthflow.ErrOrgChanged, oauthflow.ErrUserChanged, oauthflow.ErrNoRefreshToken, oauthflow.ErrNoSuchHost, oauthflow.ErrSuperseded, fullcast.ErrMigrationRequired} {
		if at := asks.FindString(err.Error()); at != "" {
			t.Errorf("the error %q asks for something: %q", err, at)
		}
	}
}

// Each remedy begins with a verb that the test above knows.
func TestTheVerbsOfAllRemediesAreKnown(t *testing.T) {
	begins := regexp.MustCompile(`(?i)^(?:In Salesforce Setup(?: > [^,]*)?, )?(?:` + imperatives + `)\b`)
	for r := fullcast.Retry; r.String() != ""; r++ {
		if !begins.MatchString(r.String()) {
			t.Errorf("%s begins with another verb: %q", r.ID(), r)
		}
	}
}

// An admin reads both, one after the other.
func TestARemedyDoesNotRepeatTheSentenceOfItsError(t *testing.T) {
	for _, s := range catalogue(t) {
		e := s.failure(t)
		for _, kind := range []oauthflow.AppKind{oauthflow.ExternalClientAppKind, oauthflow.ConnectedAppKind} {
			remedy := fullcast.RemedyOf(oauthflow.Connection{Kind: kind, Fault: e})
			if twice := repeated(e.Sentence(), remedy.ForAdmin(nil)); twice != "" {
				t.Errorf("%s: %q is in the sentence and in the text for the admin of %s:\n%s\n%s", s.says(), twice, remedy.ID(), e.Sentence(), remedy.ForAdmin(nil))
			}
		}
	}
	for _, cause := range []error{oauthflow.ErrNoSuchHost, oauthflow.ErrOwnNetwork, oauthflow.ErrRelocated, oauthflow.ErrSuperseded} {
		e := &oauthflow.Error{Op: "refresh", Host: "acme.my.salesforce.com", Kind: oauthflow.KindNotSent, Err: cause}
		remedy := fullcast.RemedyOf(oauthflow.Connection{Kind: oauthflow.ExternalClientAppKind, Fault: e})
		if twice := repeated(e.Sentence(), remedy.ForAdmin(nil)); twice != "" {
			t.Errorf("%v: %q is told twice", cause, twice)
		}
	}
	if errors.Is(nil, oauthflow.ErrClosed) || repeated("It was the app of the org.", "That it WAS the app, of the org, is known.") == "" {
		t.Error("a text that repeats another is not seen")
	}
}

// repeated returns five words in a row that two texts share.
func repeated(a, b string) string {
	const row = 5
	words := regexp.MustCompile(`[^a-z']+`)
	plain := func(s string) string {
		return " " + strings.Trim(words.ReplaceAllString(strings.ToLower(s), " "), " ") + " "
	}
	list := strings.Fields(plain(a))
	for i := 0; i+row <= len(list); i++ {
		if run := strings.Join(list[i:i+row], " "); strings.Contains(plain(b), " "+run+" ") {
			return run
		}
	}
	return ""
}

// sentences are all texts in the source of package oauthflow that [oauthflow.Error.Sentence] is made of: those of the
// catalogue, the constants named sentence…, and what the functions of that name return.
func sentences(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob("oauthflow/*.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := func(n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil && strings.Contains(s, " ") {
					all = append(all, s)
				}
			}
			return true
		})
	}
	named := func(name string) bool {
		return strings.HasPrefix(strings.ToLower(name), "sentence") || name == "newAppSentence"
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, v := range n.Values {
					if named(n.Names[i].Name) {
						texts(v)
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && named(key.Name) {
					texts(n.Value)
				}
			case *ast.FuncDecl:
				if named(n.Name.Name) {
					texts(n.Body)
				}
			}
			return true
		})
	}
	const some = 80
	if len(all) < some {
		t.Fatalf("%d sentences are found, want some %d", len(all), cmp.Or(some))
	}
	return all
}
