package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/metadata"
)

// twiceIn are the files of a tree with components that an app has already, and the error about all others.
func twiceIn(err error) (names []string, other error) {
	joined, several := err.(interface{ Unwrap() []error })
	if !several {
		var e *metadata.Error
		if errors.Is(err, metadata.ErrTwice) && errors.As(err, &e) {
			return []string{e.Name}, nil
		}
		return nil, err
	}
	var rest []error
	for _, one := range joined.Unwrap() {
		more, other := twiceIn(one)
		names, rest = append(names, more...), append(rest, other)
	}
	return names, errors.Join(rest...)
}

// readSecond reads such a file as an app of its own. Those of one app come together later, as those of several paths do.
func readSecond(tree fs.FS, at, name string) (subject, error) {
	full := path.Join(filepath.ToSlash(at), name)
	data, err := readRegular(tree, name)
	if err != nil {
		return subject{}, outcome.Input("%s: %v", full, err)
	}
	app, err := metadata.ParseFile(name, data)
	if err != nil {
		return subject{}, outcome.Input("%s: %v", full, err)
	}
	return subject{app: app, files: map[string]file{name: {path: full, tree: at, name: name}}}, nil
}

// ofSecond says of the files that are judged apart.
func (in input) ofSecond() string {
	const few = 3
	names := make([]string, 0, few)
	for _, name := range in.second[:min(few, len(in.second))] {
		names = append(names, printable(concealed(name)))
	}
	holds := "1 file of a tree holds what an app there has already, and is judged as an app of its own"
	if n := len(in.second); n > 1 {
		holds = fmt.Sprintf("%d files of a tree hold what an app there has already, and are judged as an app of their own", n)
	}
	if more := len(in.second) - few; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return holds + ": " + enumerate(names)
}
