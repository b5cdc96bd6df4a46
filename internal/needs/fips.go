package needs

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// UnderFIPS runs the tests of this binary whose names match the pattern, as -test.run has it, in a process that enforces FIPS 140-3, and
// returns what it prints. Env is added to its environment. The test fails where one of them fails, or none is found.
func UnderFIPS(t testing.TB, pattern string, env ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.v", "-test.run", pattern)
	cmd.Env = append(append(os.Environ(), "GODEBUG=fips140=only"), env...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "=== RUN") {
		t.Errorf("under GODEBUG=fips140=only: %v\n%s", err, out)
	}
	return string(out)
}
