package needs_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
)

const child = "NEEDS_CHILD"

// lacks are the tests that this binary runs again as a child: each lacks what it asks for.
var lacks = map[string]func(*testing.T){
	"Missing":  func(t *testing.T) { needs.Missing(t, "no %s here", "moon") },
	"Unset":    func(t *testing.T) { needs.Folder(t, "NEEDS_UNSET") },
	"Gone":     func(t *testing.T) { needs.Folder(t, "NEEDS_GONE") },
	"Program":  func(t *testing.T) { needs.Program(t, "no-such-program", "nor-this-one") },
	"Service":  func(t *testing.T) { t.Log("uses " + needs.Service(t, "NEEDS_SERVICE")) },
	"Patience": func(t *testing.T) { needs.Patience(t) },
}

func TestWhatIsMissingSkipsATestAndFailsItWhereEverythingMustRun(t *testing.T) {
	if name := os.Getenv(child); name != "" {
		lacks[name](t)
		return
	}
	for name, want := range map[string]string{
		"Missing": "no moon here", "Unset": "NEEDS_UNSET is not set", "Gone": "NEEDS_GONE is ", "Program": "no-such-program or nor-this-one is not installed",
		"Service": "NEEDS_SERVICE names no server",
	} {
		if code, said := again(t, name, "0"); code != 0 || !strings.Contains(said, "--- SKIP") || !strings.Contains(said, want) {
			t.Errorf("%s ends with %d, want a skip that says %q:\n%s", name, code, want, said)
		}
		if code, said := again(t, name, "1"); code == 0 || !strings.Contains(said, "--- FAIL") || !strings.Contains(said, want) {
			t.Errorf("%s, required, ends with %d, want a failure that says %q:\n%s", name, code, want, said)
		}
	}
}

func TestAServerThatIsNamedIsUsed(t *testing.T) {
	t.Setenv("NEEDS_SERVICE", "postgres://127.0.0.1:1/test")
	if code, said := again(t, "Service", "0"); code != 0 || !strings.Contains(said, "uses postgres://127.0.0.1:1/test") {
		t.Errorf("got %d, want a run over the server:\n%s", code, said)
	}
}

func TestSizesAndCasesAreFullWhereThatIsAskedFor(t *testing.T) {
	needs.Unraced(t) // under the detector there are fewer
	all, some := "900 of 7: 0 1 2 3 4 5 6", "5 of 7: 0 3 6"
	for _, tt := range []struct{ full, required, want string }{
		{"0", "0", some}, {"1", "0", all}, {"1", "1", all}, {"0", "1", "5 of 7: 0 1 2 3 4 5 6"},
	} {
		t.Setenv("SFAUTH_FULL_SIZE", tt.full)
		t.Setenv("SFAUTH_REQUIRE_SERVICES", tt.required)
		got := fmt.Sprint(needs.Size(900, 5), " of 7:")
		for number := range 7 {
			if needs.OneIn(3, number) {
				got += fmt.Sprint(" ", number)
			}
		}
		if got != tt.want {
			t.Errorf("full %s, required %s: got %q, want %q", tt.full, tt.required, got, tt.want)
		}
	}
}

func TestWhatIsLateIsJudgedWhereEverythingMustRun(t *testing.T) {
	needs.Unraced(t) // under the detector nothing is
	for required, want := range map[string]bool{"0": false, "1": true} {
		t.Setenv("SFAUTH_REQUIRE_SERVICES", required)
		if got := needs.Late(2*time.Second, time.Second); got != want {
			t.Errorf("two seconds of one, with %s: got %t, want %t", required, got, want)
		}
		if needs.Late(time.Second, time.Second) {
			t.Errorf("a second of one is late, with %s", required)
		}
	}
}

func TestWhatTakesLongRunsWhereEverythingMust(t *testing.T) {
	t.Setenv("SFAUTH_FULL_SIZE", "1") // else not under the race detector
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
