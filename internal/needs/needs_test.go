package needs_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

const child = "NEEDS_CHILD"

// lacks are the tests that this binary runs again as a child: each lacks what it asks for.
var lacks = map[string]func(*testing.T){
	"Missing":  func(t *testing.T) { needs.Missing(t, "no %s here", "moon") },
	"Unset":    func(t *testing.T) { needs.Folder(t, "NEEDS_UNSET") },
	"Gone":     func(t *testing.T) { needs.Folder(t, "NEEDS_GONE") },
	"Program":  func(t *testing.T) { needs.Program(t, "no-such-program", "nor-this-one") },
	"Patience": func(t *testing.T) { needs.Patience(t) },
}

func TestWhatIsMissingSkipsATestAndFailsItWhereEverythingMustRun(t *testing.T) {
	if name := os.Getenv(child); name != "" {
		lacks[name](t)
		return
	}
	for name, want := range map[string]string{
		"Missing": "no moon here", "Unset": "NEEDS_UNSET is not set", "Gone": "NEEDS_GONE is ", "Program": "no-such-program or nor-this-one is not installed",
	} {
		if code, said := again(t, name, "0"); code != 0 || !strings.Contains(said, "--- SKIP") || !strings.Contains(said, want) {
			t.Errorf("%s ends with %d, want a skip that says %q:\n%s", name, code, want, said)
		}
		if code, said := again(t, name, "1"); code == 0 || !strings.Contains(said, "--- FAIL") || !strings.Contains(said, want) {
			t.Errorf("%s, required, ends with %d, want a failure that says %q:\n%s", name, code, want, said)
		}
	}
}

func TestWhatTakesMinutesRunsWhereEverythingMust(t *testing.T) {
	if code, said := again(t, "Patience", "0"); code != 0 || !strings.Contains(said, "--- SKIP") {
		t.Errorf("got %d, want a skip:\n%s", code, said)
	}
	if code, said := again(t, "Patience", "1"); code != 0 || !strings.Contains(said, "--- PASS") {
		t.Errorf("got %d, want a run:\n%s", code, said)
	}
}

// again runs one of the tests in a process of its own.
func again(t *testing.T, name, required string) (code int, said string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run", "^TestWhatIsMissing", "-test.v")
	cmd.Env = append(os.Environ(), child+"="+name, "SFAUTH_REQUIRE_SERVICES="+required, "NEEDS_GONE="+t.TempDir()+"/gone")
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}
