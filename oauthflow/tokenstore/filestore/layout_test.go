//go:build linux || darwin

package filestore_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// only returns the one file in dir with a suffix.
func only(t *testing.T, dir, suffix string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	if err != nil || len(found) != 1 {
		t.Fatalf("got %v and %v, want one file with the suffix %s", found, err, suffix)
	}
	return found[0]
}

// A scene is a store with a record, and a place outside with a file that nobody may touch.
type scene struct {
	dir, outside string
	store        *filestore.Store
	record, lock string // files of the victim
}

const outsideText = "not a record"

func newScene(t *testing.T) scene {
	t.Helper()
	sc := scene{dir: filepath.Join(t.TempDir(), "store"), outside: filepath.Join(t.TempDir(), "outside")}
	must(t, os.WriteFile(sc.outside, []byte(outsideText), 0o600))
	sc.store = open(t, sc.dir)
	must(t, sc.store.Save(t.Context(), recordAt(victim, 0)))
	sc.record, sc.lock = only(t, sc.dir, ".rec"), only(t, sc.dir, ".lock")
	must(t, sc.store.Save(t.Context(), recordAt("bystander", 0)))
	return sc
}

// replaced removes a file and lets put make something in its place.
func replaced(path string, put func(path string) error) error {
	return errors.Join(os.Remove(path), put(path))
}

func TestAFileOfAnotherKindOrOpenToOthersIsNotUsed(t *testing.T) {
	tests := []struct {
		name string
		root bool // only root can set it up
		set  func(sc scene) error
	}{
		{name: "the record is a link to a file outside", set: func(sc scene) error {
			return replaced(sc.record, func(p string) error { return os.Symlink(sc.outside, p) })
		}},
		{name: "the record is a link to a record", set: func(sc scene) error {
			return errors.Join(os.Rename(sc.record, sc.record+".old"), os.Symlink(filepath.Base(sc.record)+".old", sc.record))
		}},
		{name: "the record is a link to nothing", set: func(sc scene) error {
			return replaced(sc.record, func(p string) error { return os.Symlink("nothing", p) })
		}},
		{name: "the record has a second name", set: func(sc scene) error { return os.Link(sc.record, sc.outside+".link") }},
		{name: "the record is a pipe", set: func(sc scene) error {
			return replaced(sc.record, func(p string) error { return syscall.Mkfifo(p, 0o600) })
		}},
		{name: "the record is a directory", set: func(sc scene) error {
			return replaced(sc.record, func(p string) error { return os.Mkdir(p, 0o700) })
		}},
		{name: "the world may read the record", set: func(sc scene) error { return os.Chmod(sc.record, 0o644) }},
		{name: "the group may write the record", set: func(sc scene) error { return os.Chmod(sc.record, 0o620) }},
		{name: "the record belongs to another", root: true, set: func(sc scene) error { return os.Chown(sc.record, 4242, -1) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root {
				needs.Root(t)
			}
			sc := newScene(t)
			must(t, tt.set(sc))
			start := time.Now()
			_, err := sc.store.Load(t.Context(), victim)
			wantUnsafe(t, "Load", err, sc.record)
			wantUnsafe(t, "Save", sc.store.Save(t.Context(), recordAt(victim, 1)), sc.record)
			wantUnsafe(t, "Delete", sc.store.Delete(t.Context(), victim, 1), sc.record)
			wantUnsafe(t, "List", onlyBystander(t, sc.store), sc.record)
			if spent := time.Since(start); needs.Late(spent, 2*time.Second) {
				t.Errorf("it took %v to find out", spent)
			}
			must(t, sc.store.Save(t.Context(), recordAt("bystander", 1)))
			sc.checkOutside(t)
		})
	}
}

func TestALockThatIsNoPlainFileOrOpenToOthersIsNotUsed(t *testing.T) {
	tests := []struct {
		name string
		set  func(sc scene) error
	}{
		{"the lock is a link", func(sc scene) error {
			return replaced(sc.lock, func(p string) error { return os.Symlink(sc.outside, p) })
		}},
		{"the lock is a pipe", func(sc scene) error {
			return replaced(sc.lock, func(p string) error { return syscall.Mkfifo(p, 0o600) })
		}},
		{"the lock has a second name", func(sc scene) error { return os.Link(sc.lock, sc.outside+".link") }},
		{"everybody may lock", func(sc scene) error { return os.Chmod(sc.lock, 0o666) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sc := newScene(t)
			must(t, tt.set(sc))
			wantUnsafe(t, "Save", sc.store.Save(t.Context(), recordAt(victim, 1)), sc.lock)
			wantUnsafe(t, "Delete", sc.store.Delete(t.Context(), victim, 1), sc.lock)
			if r, err := sc.store.Load(t.Context(), victim); err != nil || !isWhole(r) {
				t.Errorf("Load, which takes no lock: got %v and %v", r, err)
			}
			sc.checkOutside(t)
		})
	}
}

func TestALinkInPlaceOfTheTemporaryFileLeadsNowhere(t *testing.T) {
	sc := newScene(t)
	must(t, os.Symlink(sc.outside, strings.TrimSuffix(sc.lock, "lock")+"tmp"))
	must(t, sc.store.Save(t.Context(), recordAt(victim, 1)))
	sc.checkOutside(t)
}

func TestALockFileThatSomebodyRemovesIsMadeAgain(t *testing.T) {
	sc := newScene(t)
	must(t, os.Remove(sc.lock))
	must(t, sc.store.Save(t.Context(), recordAt(victim, 1)))
}

func TestOpenRefusesADirectoryThatIsNotItsOwn(t *testing.T) {
	mkdir := func(mode os.FileMode) func(dir string) error {
		return func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, mode)) }
	}
	tests := []struct {
		name string
		root bool
		set  func(dir string) error
		want error
	}{
		{name: "everybody may write", set: mkdir(0o777), want: filestore.ErrUnsafe},
		{name: "everybody may write, sticky", set: mkdir(0o777 | os.ModeSticky), want: filestore.ErrUnsafe},
		{name: "the group may look", set: mkdir(0o750), want: filestore.ErrUnsafe},
		{name: "the world may pass", set: mkdir(0o701), want: filestore.ErrUnsafe},
		{name: "a link to a good directory", set: func(dir string) error {
			return errors.Join(os.Mkdir(dir+".real", 0o700), os.Symlink(dir+".real", dir))
		}, want: filestore.ErrUnsafe},
		{name: "a file", set: func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, want: filestore.ErrUnsafe},
		{name: "it belongs to another", root: true, set: func(dir string) error {
			return errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, 4242, -1))
		}, want: filestore.ErrUnsafe},
		{name: "its parent is missing", set: func(dir string) error { return os.Remove(filepath.Dir(dir)) }, want: os.ErrNotExist},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.root {
				needs.Root(t)
			}
			dir := filepath.Join(t.TempDir(), "parent", "store")
			must(t, os.Mkdir(filepath.Dir(dir), 0o700))
			must(t, tt.set(dir))
			_, err := filestore.Open(filestore.Config{Dir: dir})
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want an error wrapping %q that names the directory", err, tt.want)
			}
		})
	}
	t.Run("no directory", func(t *testing.T) {
		_, err := filestore.Open(filestore.Config{})
		if err == nil || !strings.Contains(err.Error(), "Config.Dir") {
			t.Errorf("got %v, want an error that names the field", err)
		}
	})
}

func TestOpenMakesADirectoryForNobodyElse(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	must(t, open(t, dir).Save(t.Context(), recordAt(victim, 0)))
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	must(t, err)
}

func TestAnIDNamesNoPlaceOutsideTheDirectory(t *testing.T) {
	parent := t.TempDir()
	s := open(t, filepath.Join(parent, "store"))
	ids := []string{"../escaped", "../../escaped", "/var/escaped", "a/../../escaped", "..", ".", "/", `..\escaped`, strings.Repeat("../", 85)}
	for _, id := range ids {
		must(t, s.Save(t.Context(), recordAt(id, 0)))
		if r, err := s.Load(t.Context(), id); err != nil || !isWhole(r) {
			t.Errorf("Load of %q: got %v and %v", id, r, err)
		}
	}
	entries, err := os.ReadDir(parent)
	if must(t, err); len(entries) != 1 {
		t.Errorf("got %v beside the store", entries)
	}
	entries, err = os.ReadDir(filepath.Join(parent, "store"))
	must(t, err)
	ours := regexp.MustCompile(`^([0-9a-f]{64}\.rec|[0-9a-f]{2}\.lock)$`)
	for _, e := range entries {
		if !ours.MatchString(e.Name()) {
			t.Errorf("got a file %q", e.Name())
		}
	}
}

func TestWhatIsNoRecordIsRefusedByTheNameOfItsField(t *testing.T) {
	good := recordAt(victim, 0)
	tests := []struct {
		name   string
		field  string
		change func(r *tokenstore.Record)
	}{
		{"no id", "ID", func(r *tokenstore.Record) { r.ID = "" }},
		{"an id of 256 bytes", "ID", func(r *tokenstore.Record) { r.ID = strings.Repeat("x", 256) }},
		{"an id of 300 bytes", "ID", func(r *tokenstore.Record) { r.ID = strings.Repeat("x", 300) }},
		{"an id with NUL", "ID", func(r *tokenstore.Record) { r.ID = "connection/acme\x00/main" }},
		{"an id with a line end", "ID", func(r *tokenstore.Record) { r.ID = "connection/acme\n" }},
		{"an id with an umlaut", "ID", func(r *tokenstore.Record) { r.ID = "connection/bäcker" }},
		{"no due time", "Due", func(r *tokenstore.Record) { r.Due = time.Time{} }},
		{"due before 1970", "Due", func(r *tokenstore.Record) { r.Due = time.Unix(0, -1) }},
		{"due after 9999", "Due", func(r *tokenstore.Record) { r.Due = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"too much data", "Data", func(r *tokenstore.Record) { r.Data = make([]byte, tokenstore.MaxRecordData+1) }},
		{"the last version", "Version", func(r *tokenstore.Record) { r.Version = 1<<64 - 1 }},
	}
	s := open(t, filepath.Join(t.TempDir(), "store"))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := good
			tt.change(&r)
			err := s.Save(t.Context(), r)
			if err == nil || errors.Is(err, tokenstore.ErrConflict) || !strings.Contains(err.Error(), tt.field) {
				t.Errorf("Save: got %v, want an error that names %s", err, tt.field)
			}
			if tt.field != "ID" {
				return
			}
			if _, err := s.Load(t.Context(), r.ID); err == nil || errors.Is(err, tokenstore.ErrNotFound) {
				t.Errorf("Load: got %v, want an error that names ID", err)
			}
			if err := s.Delete(t.Context(), r.ID, 1); err == nil || errors.Is(err, tokenstore.ErrConflict) {
				t.Errorf("Delete: got %v, want an error that names ID", err)
			}
		})
	}
}

func wantUnsafe(t *testing.T, doing string, err error, path string) {
	t.Helper()
	var e *filestore.FileError
	if !errors.Is(err, filestore.ErrUnsafe) || !errors.As(err, &e) || e.Path != path {
		t.Errorf("%s: got %v, want an error wrapping ErrUnsafe about %s", doing, err, path)
	}
}

// onlyBystander lists all, which must yield the bystander and then an error, and returns that.
func onlyBystander(t *testing.T, s *filestore.Store) error {
	t.Helper()
	var got []string
	var end error
	for r, err := range s.List(t.Context(), "", time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		if end = err; err == nil {
			got = append(got, r.ID)
		}
	}
	if fmt.Sprint(got) != "[bystander]" {
		t.Errorf("List: got %v, want the bystander", got)
	}
	return end
}

func (sc scene) checkOutside(t *testing.T) {
	t.Helper()
	if text, err := os.ReadFile(sc.outside); err != nil || string(text) != outsideText {
		t.Errorf("the file outside: got %q and %v", text, err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
