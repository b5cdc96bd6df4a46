package metadata_test

import (
	"io/fs"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/hostile"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

func TestHostileFilesTakeTimeInProportionToTheirSize(t *testing.T) {
	needs.Patience(t)
	type customer struct {
		tree fs.FS
		apps []metadata.App
	}
	each := func(do func(metadata.App)) func(customer) {
		return func(c customer) {
			for _, a := range c.apps {
				do(a)
			}
		}
	}
	hostile.InProportion(t, func(tree fs.FS) customer {
		apps, err := metadata.Parse(tree)
		if err != nil {
			t.Fatal(err)
		}
		return customer{tree, apps}
	},
		hostile.Task[customer]{Name: "Parse", Do: func(c customer) { _, _ = metadata.Parse(c.tree) }},
		hostile.Task[customer]{Name: "Spec", Do: each(func(a metadata.App) { a.Spec() })},
		hostile.Task[customer]{Name: "Validate", Do: each(func(a metadata.App) {
			if err := a.Validate(); err != nil {
				_ = err.Error()
			}
		})},
		hostile.Task[customer]{Name: "Files", Do: each(func(a metadata.App) { _, _ = a.Files() })},
		hostile.Task[customer]{Name: "Package", Do: each(func(a metadata.App) { _, _ = a.Package(68) })},
		hostile.Task[customer]{Name: "Source", Do: each(func(a metadata.App) { _, _ = a.Source() })},
		hostile.Task[customer]{Name: "Merge", Do: each(func(a metadata.App) {
			spec := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
			if a.Kind == metadata.KindConnectedApp {
				spec = fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
			}
			spec.APIName = a.Name
			_, _ = spec.Merge(a).Files()
		})},
		hostile.Task[customer]{Name: "Merge of its own Spec", Do: each(func(a metadata.App) { _, _ = a.Spec().Merge(a).Files() })},
	)
}
