// Package needs is how a test says what it needs of its surroundings: a program, a service, reference data, a right.
//
// A machine that lacks it skips the test, so that "go test" passes with nothing but Go. Where SFAUTH_REQUIRE_SERVICES is 1,
// as the gate has it, the test fails instead: what was not run was not shown. No test skips in any other way. How often a test
// repeats its work is another question, which SFAUTH_FULL_SIZE answers.
package needs

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// Everything reports whether no test may be left out.
func Everything() bool { return os.Getenv("SFAUTH_REQUIRE_SERVICES") == "1" }

// FullSize reports whether no test may be cut short, which takes about an hour: SFAUTH_FULL_SIZE is 1.
func FullSize() bool { return os.Getenv("SFAUTH_FULL_SIZE") == "1" }

// Run runs the tests of a package that has many and returns the code to exit with. "go test" runs as many packages at once
// as there are processors, so that each takes one, and leaves its garbage longer; both halve the work. Where everything must
// run, as under the race detector, the tests have all processors.
func Run(m *testing.M) int {
	if !Everything() {
		runtime.GOMAXPROCS(1)
	}
	debug.SetGCPercent(400)
	return m.Run()
}

// Missing ends a test that lacks something: format says what, and how to get it.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if Everything() {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Patience skips a test that takes long or judges times of the clock, unless everything must run. Under the race detector, where
// it would take ten times as long, it runs at full size alone: the gate runs it without the detector.
func Patience(t testing.TB) {
	t.Helper()
	if !Everything() {
		t.Skip("takes long or judges times of the clock; set SFAUTH_REQUIRE_SERVICES=1")
	}
	Unraced(t)
}

// Unraced skips a test under the race detector, unless at full size: it has one goroutine, in which nothing races, and much to do.
func Unraced(t testing.TB) {
	t.Helper()
	if raced && !FullSize() {
		t.Skip("takes long under the race detector; set SFAUTH_FULL_SIZE=1")
	}
}

// Size returns how often a test repeats its work or how much of it there is.
func Size(full, fast int) int {
	if FullSize() {
		return full
	}
	return fast
}

// EveryCase reports whether every case is tried: at full size, and in the gate without the race detector.
func EveryCase() bool { return FullSize() || Everything() && !raced }

// OneIn reports whether the case with a number is tried: one in n where not every case is.
func OneIn(n, number int) bool { return number%n == 0 || EveryCase() }

// Late reports whether something took longer than it may. Only the gate judges that, and not under the race detector: on a busy
// machine, or looked at so closely, all is late.
func Late(took, limit time.Duration) bool { return Everything() && !raced && took > limit }

// Service returns the address of a running server, which an environment variable names. No test looks for a server that is
// not named: it would write to a database of somebody else's.
func Service(t testing.TB, variable string) string {
	t.Helper()
	address := os.Getenv(variable)
	if address == "" {
		Missing(t, "%s names no server", variable)
	}
	return address
}

// Folder returns the folder that an environment variable names.
func Folder(t testing.TB, variable string) string {
	t.Helper()
	dir := os.Getenv(variable)
	if dir == "" {
		Missing(t, "%s is not set", variable)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		Missing(t, "%s is %s, which is no folder here", variable, dir)
	}
	return dir
}

// Program returns the path of a program; the names are those under which systems know it.
func Program(t testing.TB, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	Missing(t, "%s is not installed", strings.Join(names, " or "))
	return ""
}

// Root ends a test that only root can run.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Missing(t, "only root can do this")
	}
}

// Mounts ends a test that mounts a file system, which takes root and a system that allows it. SFAUTH_MOUNTS=elsewhere says
// that another run of the gate has these tests, on a machine of its own: then they are skipped even where all else must run.
func Mounts(t testing.TB) {
	t.Helper()
	Patience(t)
	if os.Getenv("SFAUTH_MOUNTS") == "elsewhere" {
		t.Skip("another run of the gate mounts file systems")
	}
	Root(t)
}
