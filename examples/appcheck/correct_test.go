package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

// snapshot is every file below the working directory.
func snapshot(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all[filepath.ToSlash(name)] = get(t, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCorrectingChangesTheBytesOfTheFindingsAndNoOthers(t *testing.T) {
	project(t, external(fullcast.Production))
	edit(t, header, "<label>", "<!-- our own --><description>our own words</description>\r\n\t<label>")
	want := snapshot(t)
	withoutPKCE(t)
	edit(t, policies, "<refreshTokenPolicyType>Infinite<", "<refreshTokenPolicyType>Zero<")
	if err := os.Chmod(policies, 0o600); err != nil {
		t.Fatal(err)
	}
	got := check(t, "", "-correct", "-write", ".")
	got.want(t, 0, ": 0 findings, ", "Refresh Token Policy: Immediately expire refresh token -> Refresh token is valid until revoked\n")
	got.want(t, 0, "", "changes "+global+"\n")
	now := snapshot(t)
	if len(now) != len(want) {
		t.Errorf("%d files, want %d", len(now), len(want))
	}
	for name, text := range want {
		if now[name] != text {
			t.Errorf("%s is\n%s\nwant\n%s", name, now[name], text)
		}
	}
	info, err := os.Stat(policies)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v (%v), want what it was", info.Mode(), err)
	}
	check(t, "", "-correct", "-write", ".").want(t, 0, ": 0 findings, ", "There is nothing to write.")
}

func TestCorrectingAsksAndWritesOnlyForWhoSaysYes(t *testing.T) {
	for _, tt := range []struct {
		typed string
		code  int
	}{{"", 1}, {"\n", 1}, {"n\n", 1}, {"maybe\n", 1}, {"y\n", 0}, {"YES\n", 0}} {
		project(t, external(fullcast.Production))
		withoutPKCE(t)
		before := snapshot(t)[global]
		got := check(t, tt.typed, "-correct", ".")
		got.want(t, tt.code, "Fullcast (external client app)", "Write 1 file? [y/N] ")
		if written := snapshot(t)[global] != before; written != (tt.code == 0) {
			t.Errorf("typed %q: written %t", tt.typed, written)
		}
	}
}

func TestWhatMetadataCannotCorrectStaysAndIsExplained(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	for name := range snapshot(t) {
		if strings.Contains(name, "/Fullcast") {
			put(t, strings.Replace(name, "/Fullcast", "/Other", 1), strings.ReplaceAll(get(t, name), "<externalClientApplication>Fullcast<", "<externalClientApplication>Other<"))
			if err := os.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	check(t, "", "-correct", "-write", ".").want(t, 1, "error: API Name", "API Name stays: ")
}

func TestCorrectingAPartOfAnAppWritesThatPartAlone(t *testing.T) {
	project(t, external(fullcast.Production))
	const switches = source + "/extlClntAppPolicies/Fullcast_plcy.ecaPlcy-meta.xml"
	want := snapshot(t)
	edit(t, switches, "<isOauthPluginEnabled>true<", "<isOauthPluginEnabled>false<")
	check(t, "", "-correct", "-write", switches).want(t, 0, ": 0 findings", "which was not read\n")
	for name, text := range snapshot(t) {
		if want[name] != text {
			t.Errorf("%s is\n%s\nwant\n%s", name, text, want[name])
		}
	}
}

func TestAFileThatChangedMeanwhileIsNotOverwritten(t *testing.T) {
	project(t, external(fullcast.Production))
	c := change{file{global, ".", global, false}, []byte("what was read"), []byte("what it would become")}
	if err := c.write(); err == nil || !strings.Contains(err.Error(), "has changed meanwhile") {
		t.Errorf("got %v", err)
	}
	if get(t, global) == "what it would become" {
		t.Error("overwritten")
	}
}

func TestCorrectingPrintsNoPathThatForgesALineOrSteersTheTerminal(t *testing.T) {
	project(t, external(fullcast.Production))
	withoutPKCE(t)
	const hostile = "f\n::error ::forged\x1b[2J\u009b31m"
	if err := os.Rename(strings.SplitN(source, "/", 2)[0], hostile); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-correct", "."}, {"-correct", "-write", "."}} {
		got := check(t, "n\n", args...)
		if all := got.stdout + got.stderr; strings.ContainsAny(all, "\x1b\u009b") || strings.Contains(all, "\n::") || !strings.Contains(all, "changes f") {
			t.Errorf("%s: %q", args, all)
		}
	}
}
