//go:build linux || darwin

package filestore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// The tests start this binary again as other processes; the variable says what such a process has to do.
const workerVariable = "SFAUTH_FILESTORE_WORKER"

func TestMain(m *testing.M) {
	if task := os.Getenv(workerVariable); task != "" {
		if err := work(strings.Fields(task)); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(needs.Run(m))
}

// workerEnv returns the environment of a worker with a task. Few threads make it repeatable, and the race detector need
// not wait a second at its end.
func workerEnv(task ...string) []string {
	return append(os.Environ(), workerVariable+"="+strings.Join(task, " "), "GOMAXPROCS=1", "GORACE=atexit_sleep_ms=0")
}

// worker prepares a process with a task.
func worker(task ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = workerEnv(task...)
	return cmd
}

// work does a task in a directory and prints what was acknowledged.
func work(task []string) error {
	s, err := filestore.Open(filestore.Config{Dir: task[1]})
	if err != nil {
		return err
	}
	defer s.Close()
	ctx := context.Background()
	switch task[0] {
	case "create":
		err = s.Save(ctx, recordAt(victim, 0))
	case "update":
		err = s.Save(ctx, recordAt(victim, 1))
	case "delete":
		err = s.Delete(ctx, victim, 1)
	case "count":
		var n int
		if n, err = strconv.Atoi(task[2]); err == nil {
			err = count(ctx, s, n)
		}
	case "saves":
		err = saves(ctx, s)
	}
	if err == nil {
		fmt.Println("done")
	}
	return err
}

// victim is the record that a worker changes when it is killed.
const victim = "connection/acme/victim"

// recordAt returns what is saved at a version; the content follows from the version.
func recordAt(id string, version uint64) tokenstore.Record {
	return tokenstore.Record{
		ID:      id,
		Version: version,
		Due:     time.Date(2026, 1, 1, 0, 0, int(version%1e6), 0, time.UTC),
		Data:    []byte(strings.Repeat(fmt.Sprintf("%s at %d. ", id, version), 1+int(version%50))),
	}
}

// isWhole reports whether r is what recordAt made and Save stored.
func isWhole(r tokenstore.Record) bool {
	want := recordAt(r.ID, r.Version-1)
	return r.Version > 0 && string(r.Data) == string(want.Data) && r.Due.Equal(want.Due)
}

// count adds one to the version of a record n times, against others who do the same.
func count(ctx context.Context, s *filestore.Store, n int) error {
	for n > 0 {
		r, err := s.Load(ctx, "counter")
		if err != nil {
			return err
		}
		switch err := s.Save(ctx, r); {
		case err == nil:
			n--
		case !errors.Is(err, tokenstore.ErrConflict):
			return err
		}
	}
	return nil
}

// saves saves a few records in turn, for ever, and prints each id and version that is acknowledged.
func saves(ctx context.Context, s *filestore.Store) error {
	for version := uint64(0); ; version++ {
		for i := range 4 {
			id := fmt.Sprintf("record-%d", i)
			if err := s.Save(ctx, recordAt(id, version)); err != nil {
				return err
			}
			fmt.Println(id, version+1)
		}
	}
}
