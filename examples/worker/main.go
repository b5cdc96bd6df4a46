// Worker runs a fleet: several processes that share one store and call a customer's org, while sessions end all the
// time and processes are stopped and started again. At the end the org's own ledger says whether any refresh token was
// used twice and whether any connection was lost. The org is a simulated one, with refresh token rotation.
//
// What to set: nothing. As flags, -for (10s), -workers (4), -connections (3), and -kill=false to end no process by SIGKILL.
// In the environment, SFAUTH_POSTGRES names a PostgreSQL database to share, such as
// postgres://user@127.0.0.1:5432/test; a table is made in it and dropped at the end. Without it a directory is shared.
//
// What you will see: a table of the processes on a terminal, a line a second elsewhere, and then the ledger.
//
// Exit status: 0 nothing was lost; 1 the ledger is not clean; 2 bad input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/fullcast/sfauth/examples/internal/outcome"
)

func main() {
	if os.Getenv(workerVariable) != "" {
		os.Exit(work(os.Stdin, os.Stdout, os.Stderr))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run ends early, with the ledger, when ctx does.
func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	s, err := parse(args, env)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err == nil {
		err = s.drive(ctx, stdout)
	}
	return outcome.Report(stderr, "worker", err)
}
