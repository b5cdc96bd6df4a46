package faults

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// workerVariable tells this binary to be a worker, and how.
const workerVariable = "SFAUTH_FAULTS_WORKER"

// regardless are the tests that choose their own stores, or need none: where a store is asked for, they would only repeat
// themselves. A row that should be among them and is not is red.
const regardless = "InVirtualTime|F08|F18|F19|F22|TheDiskItself|EveryThirdFsync|F45|F46|F47|F50|F51|F52|F53|F55|F67|" +
	"OnTheOtherStores|Histor|ATrend|DoneAtOnce|LostAnswersAndDeaths"

func TestMain(m *testing.M) {
	if script := os.Getenv(workerVariable); script != "" {
		os.Exit(work(script, os.Stdin, os.Stdout))
	}
	flag.Parse()
	if skip := flag.Lookup("test.skip"); os.Getenv("SFAUTH_FAULTS_STORE") != "" && skip.Value.String() == "" {
		if err := skip.Value.Set(regardless); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:", err)
		code = 1
	}
	if printTable(os.Stdout, os.Getenv("SFAUTH_FAULTS_STORE")) > 0 && code == 0 {
		code = 1
	}
	os.Exit(code)
}
