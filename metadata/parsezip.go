package metadata

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Limits of a zip. What Salesforce sends of apps is far below.
const (
	maxEntries  = 1000
	maxUnzipped = 64 << 20
	maxRatio    = 100
)

// ParseZip reads every app of a zip file, for example of the answer to a retrieve, or of a deployment; see [Parse]. It writes
// nothing to disk. It refuses the whole zip in these cases: more than 1,000 entries; more than 64 MiB of content; an entry that
// is compressed more than a hundredfold; entries that overlap; a link or a device; a name of more than 1,024 bytes or 32 levels;
// a name with a backslash; a repeated name; a name that leads out of the zip.
func ParseZip(data []byte) ([]App, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, &Error{Op: "parse", Name: "zip", Err: err}
	}
	if err := judge(r.File, uint64(len(data))); err != nil {
		return nil, &Error{Op: "parse", Name: "zip", Err: err}
	}
	return Parse(r)
}

// judge looks at the directory of a zip before anything of it is read.
func judge(entries []*zip.File, size uint64) error {
	if len(entries) > maxEntries {
		return fmt.Errorf("%d entries, more than %d", len(entries), maxEntries)
	}
	var packed, unpacked uint64
	seen := map[string]bool{}
	for _, f := range entries {
		name, isDir := strings.CutSuffix(f.Name, "/") // the mode of an entry may say otherwise, and counts for files alone
		switch {
		case len(name) > maxPath:
			return fmt.Errorf("the entry name %+.100q is longer than %d bytes", f.Name, maxPath)
		case levelsOf(name) > maxLevels:
			return fmt.Errorf("the entry name %+.100q has more than %d levels of folders", f.Name, maxLevels)
		case strings.Contains(name, `\`):
			return fmt.Errorf("the entry name %+.100q has a backslash: make the zip with slashes between the names of folders", f.Name)
		case !filepath.IsLocal(name) || !fs.ValidPath(name):
			return fmt.Errorf("the entry name %+.100q leads out of the zip", f.Name)
		case seen[name]:
			return fmt.Errorf("the entry name %+.100q stands twice", f.Name)
		case !isDir && !f.Mode().IsRegular():
			return fmt.Errorf("the entry %+.100q is a link, a device or a folder without a slash", f.Name)
		case f.UncompressedSize64 > maxUnzipped || f.CompressedSize64 > size:
			return fmt.Errorf("the entry %+.100q is larger than what is taken", f.Name)
		case f.UncompressedSize64 > maxRatio*max(f.CompressedSize64, 1):
			return fmt.Errorf("the entry %+.100q is compressed more than %d-fold", f.Name, maxRatio)
		}
		seen[name] = true
		packed += f.CompressedSize64
		unpacked += f.UncompressedSize64
	}
	if unpacked > maxUnzipped {
		return fmt.Errorf("more than %d MiB of content", maxUnzipped>>20)
	}
	if packed > size {
		return errors.New("entries overlap")
	}
	return nil
}
