package policy_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// schemaElements are the elements that the types of the newest API version have, as "Type/element", from the table of all
// versions that SFAUTH_SCHEMA holds. The element's type is the value.
func schemaElements(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "field-version-matrix.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, typ := map[string]string{}, ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "## "); ok {
			typ = name
		} else if columns := strings.Fields(line); len(columns) > 4 && !strings.Contains(line, "REMOVED") {
			all[typ+"/"+columns[0]] = strings.TrimPrefix(columns[1], "tns:")
		}
	}
	if len(all) < 200 {
		t.Fatalf("%d elements", len(all))
	}
	return all
}

// inSchema tells whether a place of a plan exists in the newest API version.
func inSchema(elements map[string]string, place string) bool {
	typ, path, _ := strings.Cut(place, "/")
	for name := range strings.SplitSeq(path, "/") {
		next, there := elements[typ+"/"+name]
		if !there {
			return false
		}
		typ = next
	}
	return true
}

func TestWhatAPlanOffersHasItsElementInTheSchemaAndWhatItHasNotIsLost(t *testing.T) {
	elements := schemaElements(t)
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	offered := map[string]bool{}
	for _, l := range leaves(metadata.KindConnectedApp) {
		if l.mark() == "platform" {
			continue
		}
		for _, member := range l.members() {
			for _, i := range plan(t, l.set(spec.New(), member, l.values()[0])).Items {
				switch {
				case i.Fate == policy.Offered && !inSchema(elements, i.Place):
					t.Errorf("%s: the newest schema has no %s", l, i.Place)
				case i.Fate == policy.Offered:
					offered[i.Place] = true
				case i.Fate == policy.Lost && (i.Place != "" || i.New != ""):
					t.Errorf("%s is lost, and has a place: %+v", l, i)
				}
			}
		}
	}
	if len(offered) < 60 {
		t.Errorf("only %d places", len(offered))
	}
}
