//go:build !linux

package needs

import (
	"os"
	"testing"
)

// Terminal ends the test: pseudo-terminals are made on Linux alone.
func Terminal(t testing.TB) (person, program *os.File) {
	t.Helper()
	Missing(t, "pseudo-terminals are made on Linux alone")
	return nil, nil
}
