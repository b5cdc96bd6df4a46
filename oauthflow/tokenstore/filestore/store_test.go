//go:build linux || darwin

package filestore_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

func TestTheStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
		dir := t.TempDir() + "/store"
		return func() tokenstore.Store { return open(t, dir) }
	})
}

// open opens a store that is closed at the end of the test.
func open(t testing.TB, dir string) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(filestore.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
