package metadata_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

// An org answers with any name. A caller that writes what it read below a folder must not write elsewhere.
func TestANameThatAnOrgAnswersLeadsOutOfNoFolder(t *testing.T) {
	for _, name := range []string{"../../../.ssh/x", "..", "/etc/x", `..\..\x`, "a/../../x", "a/b", "a/"} {
		t.Run(name, func(t *testing.T) {
			org := open(t, func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprint(w, soapAnswer("readMetadata", "<result><records><fullName>"+name+"</fullName><label>A</label></records></result>"))
			}, nil)
			app, err := org.Read(t.Context(), metadata.KindConnectedApp, "A")
			if err != nil {
				t.Fatal(err)
			}
			for what, write := range map[string]func() ([]metadata.File, error){"Files": app.Files, "Source": app.Source} {
				files, err := write()
				var e *metadata.Error
				if !errors.As(err, &e) || len(files) != 0 || !strings.Contains(err.Error(), "not fit for a file name") {
					t.Errorf("%s: %v, %v; want a refusal of the name", what, files, err)
				}
			}
		})
	}
}
