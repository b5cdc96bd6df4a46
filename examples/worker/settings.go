package main

import (
	"errors"
	"flag"
	"io"
	"time"

	"github.com/fullcast/sfauth/examples/internal/outcome"
)

const usage = `worker [-for TIME] [-workers N] [-connections N] [-kill=false]   run a fleet over one store

TIME is 2s to 10m, default 10s. N is 1 to 16, default 4 workers and 3 connections. Workers are stopped in good order and
by SIGKILL in turns, and started again; with -kill=false all are stopped in good order. In the environment,
SFAUTH_POSTGRES names a PostgreSQL database to share, such as postgres://user@127.0.0.1:5432/test; without it a
directory is shared.
`

// settings are what flags and environment say, validated.
type settings struct {
	length      time.Duration
	workers     int
	connections int
	kill        bool
	postgres    string // empty: files
}

func parse(args []string, env func(string) string) (settings, error) {
	s := settings{postgres: env("SFAUTH_POSTGRES")}
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.DurationVar(&s.length, "for", 10*time.Second, "")
	flags.IntVar(&s.workers, "workers", 4, "")
	flags.IntVar(&s.connections, "connections", 3, "")
	flags.BoolVar(&s.kill, "kill", true, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return s, err
	case err != nil:
		return s, outcome.Input("%v; worker -h shows all flags", err)
	case flags.NArg() > 0:
		return s, outcome.Input("%q is no flag; worker -h shows all flags", flags.Arg(0))
	case s.length < 2*time.Second || s.length > 10*time.Minute:
		return s, outcome.Input("-for must be 2s to 10m, such as -for 30s")
	case s.workers < 1 || s.workers > 16:
		return s, outcome.Input("-workers must be 1 to 16")
	case s.connections < 1 || s.connections > 16:
		return s, outcome.Input("-connections must be 1 to 16")
	}
	return s, nil
}
