package metadata

import (
	"bytes"
	"fmt"
	"strings"
)

// Limits of all documents of one tree or zip together. The apps of a large org, a thousand, have less than half of either.
const (
	maxBytesOfAll = 64 << 20
	maxTagsOfAll  = 600_000
)

// budget is what may still be read of a tree or a zip. With a limit for each file alone, a zip of 900 kB could take gigabytes.
type budget struct{ bytes, tags int }

func newBudget() budget { return budget{maxBytesOfAll, maxTagsOfAll} }

// take takes a document from the budget before it is parsed. Its tags are estimated by the characters that begin one.
func (b *budget) take(document []byte) error {
	b.bytes -= len(document)
	b.tags -= bytes.Count(document, []byte("<"))
	switch {
	case b.bytes < 0:
		return fmt.Errorf("the files up to here have more than %d MiB together; it and those after it were not read", maxBytesOfAll>>20)
	case b.tags < 0:
		return fmt.Errorf("the files up to here have more than %d tags together; it and those after it were not read", maxTagsOfAll)
	}
	return nil
}

// Limits of a path in a tree or a zip: to read n folders that are in one another takes time in proportion to n². A zip allows 65,535
// bytes. A package of Salesforce's has paths of two or three levels, and a source tree of about ten.
const (
	maxPath   = 1024
	maxLevels = 32
)

// levelsOf is how many names a path has.
func levelsOf(path string) int { return strings.Count(path, "/") + 1 }
