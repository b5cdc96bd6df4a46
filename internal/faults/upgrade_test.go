package faults

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// release builds this drill's worker from a later version of package oauthflow, which reads two formats of a record and
// makes the given one of them.
func release(t *testing.T, makes int) (program string) {
	t.Helper()
	source, err := filepath.Abs(filepath.Join("..", "..", "oauthflow"))
	must(t, err)
	b, err := os.ReadFile(filepath.Join(source, "format.go"))
	must(t, err)
	text := string(b)
	for was, is := range map[string]string{
		"newestFormat = 1":        "newestFormat = 2",
		"madeFormat   = 1":        fmt.Sprint("madeFormat = ", makes),
		"func (g *grant) encode(": "func (g *grant) encodeFirst(",
		"func decodeGrant(":       "func decodeFirst(",
	} {
		if strings.Count(text, was) != 1 {
			t.Fatalf("format.go does not have %q once", was)
		}
		text = strings.Replace(text, was, is, 1)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "format.go")
	must(t, os.WriteFile(changed, []byte(text), 0o644))
	second, err := filepath.Abs(filepath.Join("testdata", "formats", "second.go"))
	must(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(source, "format.go"): changed, filepath.Join(source, "second.go"): second,
	}})
	must(t, err)
	list := filepath.Join(dir, "overlay.json")
	must(t, os.WriteFile(list, overlay, 0o644))
	program = filepath.Join(dir, "worker")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", program, ".")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the later version does not build: %v\n%s", err, out)
	}
	return program
}

func of(program string) func(*script) { return func(s *script) { s.Program = program } }

func TestF55VersionsOfARecordsFormatShareAStore(t *testing.T) {
	reads, makes := of(release(t, 1)), of(release(t, 2))
	present := of("")
	for _, on := range []backEnd{files, postgres} {
		t.Run(string(on), func(t *testing.T) { rollingUpgrade(t, on, present, reads, makes) })
	}
}

// rollingUpgrade replaces this version by one that reads a second format, and that by one which makes it.
func rollingUpgrade(t *testing.T, on backEnd, present, reads, makes func(*script)) {
	const connections = 10
	expiries := size(20, 200)
	r := drill(t, 55, fmt.Sprintf("%s: this version beside one that reads the next format of a record, that beside one that makes it; 4 processes × 64 goroutines × 2 × %d expiries × 10 connections", on, expiries),
		"exactly one request each, 0 failed calls, 0 replays, 0 lost; then this version refuses and touches nothing")
	s := newSceneOn(t, on, connections, orgtest.Config{})
	mark, failed := s.mark(), 0
	for _, mix := range [][2]func(*script){{present, reads}, {reads, makes}} {
		workers := append(s.workers(2, mix[0]), s.workers(2, mix[1])...)
		failed += s.storm(workers, expiries)
		for _, w := range workers {
			if got, ok := w.do(order{Op: "close", Within: 10 * time.Second}); !ok || got.Err != "" {
				t.Errorf("close: %v %s", ok, got.Err)
			}
		}
	}
	a := s.since(mark)
	want := 2 * expiries * connections
	r.must(a.posts == want && a.rotations == want && a.replays == 0 && failed == 0, "%d requests and %d rotations of %d, %d replays, %d calls failed", a.posts, a.rotations, want, a.replays, failed)

	// A process that skips a release is refused, and the others do not notice.
	s.org.ExpireSessions()
	mark = s.mark()
	call := order{Op: "call", Conns: s.indices(), Each: 4 * connections, Within: 5 * time.Second}
	old, _ := s.worker(present).do(call)
	refused := old.Outcomes[string(oauthflow.KindForeign)]
	r.must(refused == 4*connections && s.since(mark).posts == 0, "this version beside the next but one: %v, %d requests", old.Outcomes, s.since(mark).posts)
	fresh, _ := s.worker(makes).do(call)
	b := s.since(mark)
	r.must(fresh.Outcomes["ok"] == 4*connections && b.posts == connections && b.replays == 0, "afterwards: %v, %d requests, %d replays", fresh.Outcomes, b.posts, b.replays)
	r.saw("%d requests, %d rotations, %d replays, %d calls failed; %d of %d refused, %d requests", a.posts, a.rotations, a.replays+b.replays, failed, refused, 4*connections, b.posts)
}
