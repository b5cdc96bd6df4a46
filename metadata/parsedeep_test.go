package metadata_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fullcast/sfauth/metadata"
)

// endless is a tree in which each folder holds an app and another folder. It counts the bytes of the folders' names that were asked for.
type endless struct {
	levels int
	asked  *int
}

func (e endless) Open(name string) (fs.File, error) { return e.of(name).Open(name) }

func (e endless) ReadDir(name string) ([]fs.DirEntry, error) {
	*e.asked += len(name)
	return fs.ReadDir(e.of(name), name)
}

func (e endless) of(folder string) fstest.MapFS {
	folder = strings.TrimSuffix(folder, "A.eca")
	at := strings.TrimSuffix(folder, "/") + "/"
	if at = strings.TrimPrefix(at, "./"); at == "/" {
		at = ""
	}
	tree := fstest.MapFS{at + "A.eca": {Data: []byte("<ExternalClientApplication" + ns + "/>")}}
	if strings.Count(at, "/") < e.levels {
		tree[at+"d"] = &fstest.MapFile{Mode: fs.ModeDir}
	}
	return tree
}

func TestATreeIsReadDownTo32LevelsAndOneErrorNamesTheFolderBelow(t *testing.T) {
	asked := 0
	apps, err := metadata.Parse(endless{2000, &asked})
	deep := strings.Repeat("d/", 32) + "d"
	var e *metadata.Error
	if len(apps) != 1 || !errors.As(err, &e) || !strings.Contains(err.Error(), deep+": ") || !strings.Contains(err.Error(), "32 levels") {
		t.Errorf("%d apps, %.300v", len(apps), err)
	}
	if asked > 32*2*32 {
		t.Errorf("folders of %d bytes of names were read", asked)
	}
}

func TestAFolderWithALongNameIsNotReadAndAnErrorNamesIt(t *testing.T) {
	long := strings.Repeat("d", 1025)
	apps, err := metadata.Parse(fstest.MapFS{long + "/A.eca": {}, "Old.connectedApp": {Data: []byte("<ConnectedApp" + ns + "/>")}})
	var e *metadata.Error
	if len(apps) != 1 || !errors.As(err, &e) || e.Name != long || !strings.Contains(err.Error(), "longer than 1024 bytes") {
		t.Errorf("%d apps, %.300v", len(apps), err)
	}
}
