package metadata_test

import (
	"archive/zip"
	"fmt"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

// TestAZipIsTakenUpToEachLimitAndRefusedAbove has one app in each zip, so that taken means read.
func TestAZipIsTakenUpToEachLimitAndRefusedAbove(t *testing.T) {
	const mebi = 1 << 20
	app := "<ConnectedApp" + ns + "><label>A</label></ConnectedApp>"
	// claiming adds an entry that says to be so large; Parse skips it, so nothing but its directory entry counts.
	claiming := func(w *zip.Writer, name string, packed, unpacked int) {
		raw(t, w, name, make([]byte, packed), uint64(unpacked))
	}
	for _, test := range []struct {
		limit, says string
		at          int
		fill        func(w *zip.Writer, n int) // makes a zip of n
	}{
		{"entries", "1001 entries, more than 1000", 1000, func(w *zip.Writer, n int) {
			for i := range n - 1 {
				store(w, fmt.Sprintf("%d.txt", i), "x")
			}
		}},
		{"compression", "more than 100-fold", 100 * 512, func(w *zip.Writer, n int) { claiming(w, "a.txt", 512, n) }},
		{"compression of next to nothing", "more than 100-fold", 100, func(w *zip.Writer, n int) { claiming(w, "a.txt", 0, n) }},
		{"one entry's size", "larger than what is taken", 64*mebi - len(app), func(w *zip.Writer, n int) {
			if n > 64*mebi-len(app) {
				n = 64*mebi + 1
			}
			claiming(w, "a.txt", mebi, n)
		}},
		{"the content's size", "more than 64 MiB of content", 64*mebi - len(app), func(w *zip.Writer, n int) {
			claiming(w, "a.txt", mebi, n/2)
			claiming(w, "b.txt", mebi, n-n/2)
		}},
	} {
		t.Run(test.limit, func(t *testing.T) {
			for _, n := range []int{test.at, test.at + 1} {
				apps, err := metadata.ParseZip(zipOf(t, func(w *zip.Writer) {
					store(w, "A.connectedApp", app)
					test.fill(w, n)
				}))
				switch {
				case n == test.at && (err != nil || len(apps) != 1):
					t.Errorf("%d: %d apps, error %v", n, len(apps), err)
				case n > test.at && (err == nil || !strings.Contains(err.Error(), test.says) || len(apps) > 0):
					t.Errorf("%d: %d apps, error %v", n, len(apps), err)
				}
			}
		})
	}
}

func TestADocumentIsTakenUpToEachLimitAndRefusedAbove(t *testing.T) {
	begin, end := "<ConnectedApp"+ns+"><label>A</label>", "</ConnectedApp>"
	for _, test := range []struct {
		limit, says string
		at          int
		inside      func(n int) string // makes a document of n
	}{
		{"bytes", "larger than 8 MiB", 8 << 20, func(n int) string {
			const open, shut = "<description>", "</description>"
			return open + strings.Repeat("x", n-len(begin+end+open+shut)) + shut
		}},
		{"levels", "deeper than 64", 64, func(n int) string { return strings.Repeat("<a>", n-1) + strings.Repeat("</a>", n-1) }},
		{"elements", "more than 30000 elements", 30_000, func(n int) string { return strings.Repeat("<a/>", n-2) }},
	} {
		t.Run(test.limit, func(t *testing.T) {
			for _, n := range []int{test.at, test.at + 1} {
				app, err := metadata.ParseFile("A.connectedApp", []byte(begin+test.inside(n)+end))
				switch {
				case n == test.at && (err != nil || app.Connected.Label != "A"):
					t.Errorf("%d: error %v", n, err)
				case n > test.at && (err == nil || !strings.Contains(err.Error(), test.says)):
					t.Errorf("%d: error %v", n, err)
				}
			}
		})
	}
}
