package faults

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// rules names, for each safety rule of the Manager, what the patch in testdata/rules takes away and what must turn red.
var rules = []struct {
	name, removed, folder, test string
}{
	{"R01", "a request needs a won compare-and-swap", "oauthflow", "TestTwoManagersOverOneStoreRefreshOnce"},
	{"R02", "a result is durable before its use", "oauthflow", "TestNobodySeesATokenBeforeItIsSaved"},
	{"R03", "the fence in front of the write", "oauthflow", "TestARequestIsTakenBackWhenItsLeaseEndsBeforeTheFirstByte"},
	{"R04", "what was sent is read to its end", "oauthflow", "TestALateAnswerIsTakenWhileItsSenderStillWaits"},
	{"R05", "a take-over waits for lease and quiet period", "oauthflow", "TestARequestThatSalesforceNeverActedOnIsFoundOutAndRepeated"},
	{"R06", "in doubt, introspection comes first", "oauthflow", "TestALostAnswerIsNeverPaidForWithAReplay"},
	{"R07", "without a writable store nothing is sent", "oauthflow", "TestWithoutAWritableStoreNothingIsSent"},
	{"R08", "what is valid is served while the store is down", "oauthflow", "TestWhatIsStillValidIsServedWhileTheStoreCannotBeRead"},
	{"R09", "a refresh comes late and rarely", "oauthflow", "TestAHealthyConnectionIsNotRefreshed"},
	{"R10", "an unknown refusal is not the end", "oauthflow", "TestAnUnknownRefusalIsNeverTakenForTheEnd"},
	{"R11", "a result of an older grant never overwrites", "oauthflow", "TestAuthorizingAnewDuringARefreshWins"},
	{"R12", "no redirects", "internal/faults", "TestF31RedirectsAreNotFollowed"},
	{"R13", "hosts come from an allow-list", "internal/faults", "TestF60ATenantNamesAHostOfItsOwn"},
	{"R14", "secrets are opaque", "internal/secret", ""},
}

func TestF67EachRuleIsMissedWhenItIsTakenAway(t *testing.T) {
	if !long {
		needs.Patience(t)
	}
	r := drill(t, 67, "each of the rules R1 to R14 taken out of a copy of the module", "a named test turns red, 14 of 14")
	copies := []string{copyModule(t), copyModule(t)}
	named := map[string][]string{}
	for _, rule := range rules {
		named[rule.folder] = append(named[rule.folder], rule.test)
	}
	for folder, tests := range named {
		if out, err := run(copies[0], folder, strings.Join(tests, "|")); err != nil {
			t.Fatalf("red before anything was taken away: %v\n%s", err, out)
		}
	}
	found := make([]error, len(rules))
	var all sync.WaitGroup
	var next atomic.Int32
	for _, copied := range copies {
		all.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(rules); i = next.Add(1) - 1 {
				found[i] = missed(copied, rules[i].name, rules[i].folder, rules[i].test)
			}
		})
	}
	all.Wait()
	var caught []string
	for i, rule := range rules {
		r.must(found[i] == nil, "%s (%s): %v", rule.name, rule.removed, found[i])
		if found[i] == nil {
			caught = append(caught, rule.name+" → "+cmp.Or(rule.test, "any test of "+rule.folder))
		}
	}
	r.saw("%d of %d caught: %s", len(caught), len(rules), strings.Join(caught, ", "))
}

func TestThePatchOfEachRuleApplies(t *testing.T) {
	needs.Program(t, "patch")
	copied := copyModule(t)
	for _, rule := range rules {
		if err := errors.Join(patch(copied, rule.name, "--forward"), patch(copied, rule.name, "--reverse")); err != nil {
			t.Errorf("%s: %v", rule.name, err)
		}
	}
}

func copyModule(t *testing.T) string {
	t.Helper()
	copied := t.TempDir()
	for _, part := range []string{"go.mod", "go.sum", "oauthflow", "internal"} {
		if err := copyTree(filepath.Join("..", "..", part), filepath.Join(copied, part)); err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

// missed returns nil when the test fails once the rule is taken away from the copy, to which the rule is given back.
func missed(copied, rule, folder, test string) (err error) {
	if err := patch(copied, rule, "--forward"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, patch(copied, rule, "--reverse")) }()
	out, err := run(copied, folder, test)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("no test noticed")
	case !errors.As(err, &exit) || !strings.Contains(out, "--- FAIL"): // such as a copy that does not build
		return fmt.Errorf("failed for another reason: %v\n%s", err, out)
	}
	return nil
}

func patch(copied, rule, direction string) error {
	file, err := os.Open(filepath.Join("testdata", "rules", rule+".patch"))
	if err != nil {
		return err
	}
	defer file.Close()
	apply := exec.Command("patch", "-p1", "--batch", direction)
	apply.Dir, apply.Stdin = copied, file
	if out, err := apply.CombinedOutput(); err != nil {
		return fmt.Errorf("the patch does not apply: %v\n%s", err, out)
	}
	return nil
}

// run runs the tests whose names begin so.
func run(module, folder, tests string) (string, error) {
	c := exec.Command("go", "test", "-vet=off", "-count=1", "-timeout", "5m", "-run", "^("+tests+")", ".")
	c.Dir = filepath.Join(module, folder)
	c.Env = append(os.Environ(), "GOWORK=off", "SFAUTH_FAULTS=")
	out, err := c.CombinedOutput()
	return string(out), err
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o644)
	})
}
