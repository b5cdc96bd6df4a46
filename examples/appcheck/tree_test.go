package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
)

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.RemoveAll(name); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, name); err != nil {
		needs.Missing(t, "no links here: %v", err)
	}
}

// A tree may come from somebody else: a pull request, a customer's zip. Its owner is the attacker, and outside is a file of the
// person who runs the program.
func TestALinkThatLeadsOutOfTheTreeIsNeitherReadNorWritten(t *testing.T) {
	for _, c := range []struct {
		name  string
		plant func(t *testing.T, outside string)
		args  []string
	}{
		{"an absolute link in the tree", func(t *testing.T, outside string) { link(t, outside, global) }, []string{"force-app"}},
		{"an absolute link, the working directory named", func(t *testing.T, outside string) { link(t, outside, global) }, []string{"."}},
		{"a relative link in the tree", func(t *testing.T, outside string) {
			here, err := filepath.EvalSymlinks(mustGetwd(t))
			if err != nil {
				t.Fatal(err)
			}
			outside, _ = filepath.EvalSymlinks(outside)
			to, err := filepath.Rel(filepath.Join(here, filepath.Dir(global)), outside)
			if err != nil {
				t.Fatal(err)
			}
			link(t, to, global)
		}, []string{"force-app"}},
		{"a link named by a shell's pattern", func(t *testing.T, outside string) { link(t, outside, global) }, []string{global}},
		{"a link to a link", func(t *testing.T, outside string) { link(t, outside, "hop"); link(t, mustGetwd(t)+"/hop", global) }, []string{"force-app"}},
		{"a folder that is a link", func(t *testing.T, outside string) { link(t, filepath.Dir(outside), filepath.Dir(global)) }, []string{filepath.Dir(global)}},
		{"a file below a folder that is a link", func(t *testing.T, outside string) { link(t, filepath.Dir(outside), filepath.Dir(global)) }, []string{global}},
		{"a project that is a link", func(t *testing.T, outside string) { link(t, filepath.Dir(outside), "force-app") }, []string{"force-app"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			project(t, external(fullcast.Production))
			withoutPKCE(t)
			outside := filepath.Join(t.TempDir(), filepath.Base(global))
			text := get(t, global)
			put(t, outside, text)
			c.plant(t, outside)
			got := check(t, "", append([]string{"-correct", "-write"}, c.args...)...)
			got.want(t, 2, "", "path escapes from parent")
			if get(t, outside) != text {
				t.Error("a file outside of the tree was written")
			}
		})
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return here
}

func TestALinkInsideTheTreeIsReadAndNotWritten(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	kept := filepath.Join(filepath.Dir(global), "kept.txt")
	text := get(t, global)
	put(t, kept, text)
	link(t, "kept.txt", global)
	check(t, "", "force-app").want(t, 1, "PKCE", "")
	check(t, "", "-correct", "-write", "force-app").want(t, 2, "", "is a link or no regular file, and was not written")
	if get(t, kept) != text {
		t.Error("the link's file was written")
	}
	if info, err := os.Lstat(global); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}

func TestAHardLinkOfAFileElsewhereKeepsItsContent(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	text := get(t, global)
	other := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Link(global, other); err != nil {
		needs.Missing(t, "no hard links here: %v", err)
	}
	check(t, "", "-correct", "-write", ".").want(t, 0, ": 0 findings, ", "")
	if get(t, other) != text || get(t, global) == text {
		t.Error("the other name of the file was written, or the file was not")
	}
}

// swap plants a link while the program waits for the answer to its question.
type swap struct {
	plant func()
	done  bool
}

func (s *swap) Read(p []byte) (int, error) {
	if !s.done {
		s.done = true
		s.plant()
	}
	return copy(p, "y\n"), nil
}

func TestALinkPlantedWhileTheProgramAsksIsNotFollowed(t *testing.T) {
	for _, what := range []string{"file", "folder"} {
		t.Run(what, func(t *testing.T) {
			project(t, external(fullcast.Production))
			withoutPKCE(t)
			text := get(t, global)
			outside := filepath.Join(t.TempDir(), filepath.Base(global))
			put(t, outside, text)
			typed := &swap{plant: func() {
				if what == "file" {
					link(t, outside, global)
				} else {
					link(t, filepath.Dir(outside), filepath.Dir(global))
				}
			}}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"-correct", "."}, func(string) string { return "" }, typed, &stdout, &stderr, refuse{t})
			if code != 2 || get(t, outside) != text {
				t.Errorf("status %d, want 2, and the file outside as it was: %s", code, &stderr)
			}
			if names, err := filepath.Glob(filepath.Dir(outside) + "/.appcheck-*"); err != nil || len(names) > 0 {
				t.Errorf("left outside: %q, %v", names, err)
			}
		})
	}
}

func TestAZipWhoseEntriesLeadOutOfItIsRefused(t *testing.T) {
	for _, name := range []string{"../x.eca", "/x.eca", "a/../../x.eca", "a/./x.eca", `//x.eca`} {
		project(t)
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("<ExternalClientApplication/>")); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		put(t, "in/app.zip", b.String())
		if got := check(t, "", "in/app.zip"); got.code != 2 || !strings.Contains(got.stderr, "leads out of the zip") {
			t.Errorf("%s: status %d: %s", name, got.code, got.stderr)
		}
	}
}
