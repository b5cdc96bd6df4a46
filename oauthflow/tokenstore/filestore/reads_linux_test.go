package filestore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

// counted is a store whose process is asked how often it has read from a file.
type counted struct{ *filestore.Store }

func (counted) Reads(context.Context) (int, error) { return fileReads() }

func fileReads() (n int, err error) {
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, err
	}
	_, after, _ := bytes.Cut(b, []byte("syscr: "))
	_, err = fmt.Sscan(string(after), &n)
	return n, err
}

func TestAListReadsWhatItYields(t *testing.T) {
	tried := 0
	for _, c := range storetest.Clauses() {
		if !strings.Contains(c.Name, " read") {
			continue
		}
		tried++
		t.Run(c.Name, func(t *testing.T) {
			dir := filepath.Join(inMemory(t), "store")
			if err := c.Check(t.Context(), func() tokenstore.Store { return counted{open(t, dir)} }); err != nil {
				t.Error(err)
			}
		})
	}
	if tried != 2 {
		t.Errorf("%d clauses are about reading, want 2", tried)
	}
}

func TestALongListGoesThroughTheFolderOnce(t *testing.T) {
	const records = 40_000
	s := fill(t, records)
	n := readsOf(t, s, due(0).AddDate(1, 0, 0), records)
	if n > 2*records+100 { // once to find it, once to yield it
		t.Errorf("%d reads of files for a list of %d", n, records)
	}
}

// readsOf lists what is due before a time, which must be so many records, and returns how often that reads from a file.
func readsOf(t *testing.T, s *filestore.Store, before time.Time, want int) int {
	t.Helper()
	reads, err := fileReads()
	must(t, err)
	got := 0
	for _, err := range s.List(t.Context(), "", before) {
		must(t, err)
		got++
	}
	after, err := fileReads()
	must(t, err)
	if got != want {
		t.Errorf("%d records are due before %v, want %d", got, before, want)
	}
	return after - reads
}

// The access time of a file is only a hint: where it says nothing, as in a folder of an earlier version or after a backup was
// restored, or something wrong, a list finds all the same what is due.
func TestAListFindsWhatIsDueWhateverTheAccessTimesAreAndCarriesThemOver(t *testing.T) {
	const records, perDay = 400, 4
	begin := time.Now().Truncate(time.Second)
	dueAt := func(i int) time.Time { return begin.Add(time.Duration(i/perDay) * 24 * time.Hour) }
	id := func(i int) string { return fmt.Sprintf("connection/tenant-%d/main", i) }
	tests := map[string]func(i int) time.Time{
		"of the time when a file was made": func(int) time.Time { return begin },
		"in the past":                      func(int) time.Time { return time.Unix(0, 1) },
		"in a hundred years":               func(int) time.Time { return begin.AddDate(100, 0, 0) },
		"in ten years, to the second":      func(int) time.Time { return begin.AddDate(10, 0, 0) },
		"in ten years, to the microsecond": func(i int) time.Time { return begin.AddDate(10, 0, 0).Add(time.Duration(i) * time.Microsecond) },
	}
	for name, at := range tests {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(inMemory(t), "store")
			s := open(t, dir)
			for i := range records {
				r := recordAt(id(i), 0)
				r.Due = dueAt(i)
				must(t, s.Save(t.Context(), r))
			}
			files, err := filepath.Glob(filepath.Join(dir, "*.rec"))
			must(t, err)
			modified := map[string]time.Time{}
			for i, file := range files {
				info, err := os.Stat(file)
				must(t, err)
				modified[file] = info.ModTime()
				must(t, os.Chtimes(file, at(i), time.Time{}))
			}
			for days := range 3 {
				readsOf(t, s, begin.Add(time.Duration(days)*24*time.Hour+time.Microsecond), perDay*(days+1))
			}
			if n := readsOf(t, s, begin, 0); n > records/10 {
				t.Errorf("a list of nothing reads %d of %d files, want few once all have been seen", n, records)
			}
			for file, was := range modified { // by which a backup finds what has changed
				info, err := os.Stat(file)
				if must(t, err); !info.ModTime().Equal(was) {
					t.Errorf("a list changes when %s was modified", file)
				}
			}
			r := recordAt(id(records-1), 1) // due in a hundred days
			r.Due = begin.Add(-time.Hour)
			must(t, s.Save(t.Context(), r))
			readsOf(t, s, begin, 1)
			readsOf(t, s, begin.AddDate(30, 0, 0), records)
		})
	}
}

// Those who may not be asked to note an access time are read as before.
func TestAListWorksInAFolderThatIsReadOnly(t *testing.T) {
	disk := mount(t, "-t", "tmpfs", "tmpfs")
	s := open(t, filepath.Join(disk, "store"))
	must(t, s.Save(t.Context(), recordAt(victim, 0)))
	must(t, os.Chtimes(only(t, filepath.Join(disk, "store"), ".rec"), time.Unix(1, 0), time.Time{}))
	if out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
		t.Fatalf("remount: %s", out)
	}
	readsOf(t, s, recordAt(victim, 0).Due, 0)
	readsOf(t, s, recordAt(victim, 0).Due.Add(time.Microsecond), 1)
	if _, err := s.Load(t.Context(), "another"); !errors.Is(err, tokenstore.ErrNotFound) {
		t.Error(err)
	}
}

// What is due from 2037 on has a hint that is rounded, in the order of due times.
func TestAListOpensNothingThatIsDueLaterInWhateverYear(t *testing.T) {
	const each = 50
	s := open(t, filepath.Join(inMemory(t), "store"))
	var dues []time.Time
	for _, year := range []int{1970, 1971, 2026, 2036, 2037, 2038, 2039, 2106, 2500, 9998, 9999} {
		dues = append(dues, time.Date(year, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(year, 12, 31, 23, 59, 59, 999_999_000, time.UTC))
	}
	for i, due := range dues {
		for n := range each {
			r := recordAt(fmt.Sprintf("connection/tenant-%d/%d", i, n), 0)
			r.Due = due
			must(t, s.Save(t.Context(), r))
		}
	}
	for i, due := range dues {
		for _, before := range []time.Time{due, due.Add(-24 * time.Hour)} {
			if i == 0 || before.Before(dues[i-1]) {
				continue
			}
			if n := readsOf(t, s, before, i*each); n > 2*i*each+each+10 { // those of this moment may be rounded down to before it
				t.Errorf("%d reads for the %d that are due before %v", n, i*each, before)
			}
		}
		readsOf(t, s, due.Add(time.Microsecond), (i+1)*each)
	}
}
