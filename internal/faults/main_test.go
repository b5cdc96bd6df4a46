package faults

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// workerVariable tells this binary to be a worker, and how.
const workerVariable = "SFAUTH_FAULTS_WORKER"

func TestMain(m *testing.M) {
	if script := os.Getenv(workerVariable); script != "" {
		os.Exit(work(script, os.Stdin, os.Stdout))
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		code = 1
	}
	if printTable(os.Stdout) > 0 && code == 0 {
		code = 1
	}
	os.Exit(code)
}
