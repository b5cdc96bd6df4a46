//go:build !linux && !darwin

package filestore_test

import (
	"errors"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

func TestOpenSaysThatThisSystemIsNotSupported(t *testing.T) {
	if _, err := filestore.Open(filestore.Config{Dir: t.TempDir()}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v, want an error wrapping errors.ErrUnsupported", err)
	}
}
