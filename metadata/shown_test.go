package metadata_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

func TestANameInAnErrorNeverReadsAsAnotherAndForgesNoLine(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{
		"Fullcast Motion Package", "Fullcast Motion Package ", "Fullcast  Motion Package", "Fullcast\u00a0Motion Package", "Fullcast Motion\nPackage",
		"Fullcаst Motion Package", "Fullcast Motion Package\u200b", "a.eca", "a.eca:3", `"a.eca"`, "a\x1b[31m.eca", "a\u202e.eca", "a\ufffd.eca", "a\xff.eca",
	} {
		for how, shown := range map[string]string{
			"an error":            (&metadata.Error{Op: "read", Name: name, Err: errors.New("gone\nlevel=ERROR \u009b2K")}).Error(),
			"a file's failure":    (&metadata.ComponentError{File: name, Problem: "gone"}).Error(),
			"a component failure": (&metadata.ComponentError{Type: "ConnectedApp", FullName: name, Problem: "gone"}).Error(),
		} {
			if other, twice := seen[how+shown]; twice {
				t.Errorf("%s: %q and %q both read %s", how, name, other, shown)
			}
			seen[how+shown] = name
			if strings.ContainsFunc(shown, steers) {
				t.Errorf("%s of %q reads %q", how, name, shown)
			}
		}
	}
	if got := (&metadata.Error{Op: "read", Name: "ConnectedApp Fullcast Motion", Line: 3, Err: errors.New("gone")}).Error(); got != "metadata: read ConnectedApp Fullcast Motion:3: gone" {
		t.Errorf("an ordinary error reads %s", got)
	}
}
