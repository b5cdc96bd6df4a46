package metadata_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/hostile"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

func zipOf(t *testing.T, write func(*zip.Writer)) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	write(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func store(w *zip.Writer, name, text string) {
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err != nil {
		panic(err)
	}
}

func TestAZipFromARetrieveIsRead(t *testing.T) {
	apps, err := metadata.ParseZip(zipOf(t, func(w *zip.Writer) {
		store(w, "unpackaged/", "")
		store(w, "unpackaged/package.xml", "<Package"+ns+"/>")
		store(w, "unpackaged/connectedApps/", "")
		store(w, "unpackaged/inner.zip", "a zip in a zip is not opened")
		store(w, "unpackaged/connectedApps/Old.connectedApp", "<ConnectedApp"+ns+"><label>Old</label></ConnectedApp>")
	}))
	if err != nil || len(apps) != 1 || apps[0].Connected.Label != "Old" {
		t.Errorf("%+v, %v", apps, err)
	}
}

func TestHostileZipsAreRefusedSoonAndInLittleMemory(t *testing.T) {
	needs.Unraced(t)
	for _, test := range []struct {
		name, says string
		data       []byte
	}{
		{"no zip", "not a valid zip", []byte("PK")},
		{"a name that leads out", "leads out", zipOf(t, func(w *zip.Writer) { store(w, "../../etc/x.eca", "x") })},
		{"an absolute name", "leads out", zipOf(t, func(w *zip.Writer) { store(w, "/etc/x.eca", "x") })},
		{"a name twice", "twice", zipOf(t, func(w *zip.Writer) { store(w, "a.eca", "x"); store(w, "a.eca", "y") })},
		{"a link", "link", zipOf(t, func(w *zip.Writer) {
			h := &zip.FileHeader{Name: "a.eca"}
			h.SetMode(fs.ModeSymlink | 0o777)
			if _, err := w.CreateHeader(h); err != nil {
				t.Fatal(err)
			}
		})},
		{"100,000 entries", "entries", zipOf(t, func(w *zip.Writer) {
			for i := range 100_000 {
				if _, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprint(i)}); err != nil {
					t.Fatal(err)
				}
			}
		})},
		{"a bomb", "fold", zipOf(t, func(w *zip.Writer) { store(w, "a.eca", strings.Repeat(" ", 1<<20)) })},
		{"four gigabytes in each of sixteen files", "larger", zipOf(t, func(w *zip.Writer) {
			for i := range 16 {
				raw(t, w, fmt.Sprint(i), make([]byte, 4<<10), 4<<30)
			}
		})},
		{"a file that is longer than it claims", "not a valid zip", zipOf(t, func(w *zip.Writer) { raw(t, w, "a.eca", deflated(t, 4<<20), 1<<10) })},
		{"ten files that are large together", "MiB", zipOf(t, func(w *zip.Writer) {
			for i := range 10 {
				raw(t, w, fmt.Sprint(i), make([]byte, 100<<10), 8<<20)
			}
		})},
		{"entries that claim more bytes than there are", "overlap", overlapping(t)},
		{"one folder in another, 32,000 times", `"0/d/d/`, zipOf(t, func(w *zip.Writer) { store(w, "0/"+strings.Repeat("d/", 32_000)+"New.connectedApp", "x") })},
		{"a folder 33 levels deep", "more than 32 levels", zipOf(t, func(w *zip.Writer) { store(w, strings.Repeat("d/", 33), "") })},
		{"a long name", "longer than 1024 bytes", zipOf(t, func(w *zip.Writer) { store(w, strings.Repeat("d", 1025), "") })},
	} {
		t.Run(test.name, func(t *testing.T) {
			within(t, 100*time.Millisecond, 64<<20, func() {
				_, err := metadata.ParseZip(test.data)
				var e *metadata.Error
				if !errors.As(err, &e) || !strings.Contains(err.Error(), test.says) {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestAZipMayHaveNamesOf32LevelsAnd1024Bytes(t *testing.T) {
	for _, folder := range []string{strings.Repeat("d/", 31), strings.Repeat("d", 1024-len("/Old.connectedApp")) + "/"} {
		apps, err := metadata.ParseZip(zipOf(t, func(w *zip.Writer) { store(w, folder+"Old.connectedApp", "<ConnectedApp"+ns+"/>") }))
		if err != nil || len(apps) != 1 {
			t.Errorf("%d apps, %v", len(apps), err)
		}
	}
}

// deflated compresses n blanks.
func deflated(t *testing.T, n int64) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestSpeed)
	if err == nil {
		_, err = io.CopyN(w, blanks{}, n)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

type blanks struct{}

func (blanks) Read(p []byte) (int, error) { return copy(p, strings.Repeat(" ", 4<<10)), nil }

// raw writes an entry that claims a size it does not have.
func raw(t *testing.T, w *zip.Writer, name string, data []byte, claimed uint64) {
	t.Helper()
	f, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: claimed})
	if err == nil {
		_, err = f.Write(data)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// overlapping makes two directory entries of one file's bytes.
func overlapping(t *testing.T) []byte {
	return zipOf(t, func(w *zip.Writer) {
		for i := range 3 {
			f, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), CompressedSize64: 200, UncompressedSize64: 200})
			if err == nil && i == 0 {
				_, err = f.Write(make([]byte, 200))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAZipWhoseEntriesLieAboutWhatTheyAreIsRefused(t *testing.T) {
	folder := uint32(0o40755) << 16
	for _, test := range []struct {
		name, entry string
		attributes  uint32
	}{
		{"a folder without a name", "", folder},
		{"a file without a name", "", 0},
		{"the root as a folder", "/", folder},
		{"the root as a file", "/", 0},
		{"two slashes", "//", folder},
		{"a folder of one letter without a slash", "a", folder},
		{"a component that is a folder without a slash", "A.eca", folder},
		{"a folder by its DOS attribute", "", 0x10},
		{"the folder above", "../", folder},
		{"a pipe with a slash", "../a/", uint32(0o10644) << 16},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := zipOf(t, func(w *zip.Writer) {
				store(w, "B.eca", "<ExternalClientApplication"+ns+"/>")
				_, err := w.CreateRaw(&zip.FileHeader{Name: test.entry, CreatorVersion: 3 << 8, ExternalAttrs: test.attributes})
				if err != nil {
					t.Fatal(err)
				}
			})
			apps, err := metadata.ParseZip(data)
			if e := (*metadata.Error)(nil); !errors.As(err, &e) || e.Op != "parse" || len(apps) > 0 {
				t.Errorf("%d apps, error %v", len(apps), err)
			}
		})
	}
}

func TestZipsWithHostileNamesAreReadSoon(t *testing.T) {
	needs.Unraced(t)
	for _, kind := range hostile.Zips() {
		t.Run(kind.Name, func(t *testing.T) {
			for _, size := range []int{8 << 10, 512 << 10} {
				data := kind.Make(size)
				within(t, time.Second, 128<<20, func() { _, _ = metadata.ParseZip(data) })
			}
		})
	}
}
