package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/fullcast/sfauth/examples/internal/outcome"
)

// openTree opens a folder as the root that nothing below it leads out of: a symbolic link in a tree of somebody else's may name any
// file of this machine. A folder below the working directory must itself lie there. The caller closes the root.
func openTree(folder string) (*os.Root, error) {
	if !filepath.IsLocal(folder) {
		return os.OpenRoot(folder)
	}
	here, err := os.OpenRoot(".")
	if err != nil {
		return nil, err
	}
	defer here.Close()
	return here.OpenRoot(folder)
}

// readIn reads a regular file of up to maxFile. A pipe is not opened: that would wait for a writer.
func readIn(root *os.Root, name string) ([]byte, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, errNoFile
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}

var errNoFile = errors.New("is no file of up to 64 MiB")

// write replaces the file as a whole or not at all, unless it has changed since it was read. The new file has the permissions of the
// old one. Other names of the old file (hard links) keep the old content.
func (c change) write() error {
	root, err := openTree(c.at.tree)
	if err != nil {
		return outcome.Input("%v", err)
	}
	defer root.Close()
	name := filepath.FromSlash(c.at.name)
	was, err := root.Lstat(name)
	if err != nil {
		return outcome.Input("%v", err)
	}
	if !was.Mode().IsRegular() {
		return outcome.Input("%s is a link or no regular file, and was not written; name the file itself", c.at.path)
	}
	now, err := readIn(root, name)
	if err != nil {
		return outcome.Input("%s: %v", c.at.path, err)
	}
	if !bytes.Equal(now, c.was) {
		return outcome.Input("%s has changed meanwhile and was not written; run it again", c.at.path)
	}
	temp := filepath.FromSlash(path.Join(path.Dir(c.at.name), ".appcheck-"+rand.Text()))
	next, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = next.Write(c.become)
	err = errors.Join(err, next.Chmod(was.Mode().Perm()), next.Sync(), next.Close())
	if err == nil {
		err = root.Rename(temp, name) // replaces a link that somebody has put there meanwhile, and not what it leads to
	}
	if err != nil {
		_ = root.Remove(temp)
	}
	return err
}
