package fullcast_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

// What older software has exported is read row by row. A row that cannot be adopted stops no other, and the call may be repeated:
// it does the rest.
func ExampleConnector_AdoptAll() {
	ctx := context.Background()
	org := fullcasttest.Responders(log.Default(), httpmock.NewMockTransport()) // in a service: Salesforce
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	good := org.RefreshToken().Reveal()
	export := csv.NewReader(strings.NewReader("acme," + good + "\nglobex,spent-long-ago\nacme-twice," + good + "\n"))

	rows := func(yield func(fullcast.Adoption, error) bool) {
		for {
			row, err := export.Read()
			if err == io.EOF {
				return
			}
			a := fullcast.Adoption{Client: org.Client()}
			if err == nil {
				a.Key, a.RefreshToken = oauthflow.Key{Tenant: row[0], Name: "main"}, oauthflow.NewSecret(row[1])
			}
			if !yield(a, err) {
				return
			}
		}
	}
	adopted := 0
	err = sf.AdoptAll(ctx, rows, func(p fullcast.Progress) {
		if p.Err == nil {
			adopted++
		}
	})
	var failed *oauthflow.BulkError
	if errors.As(err, &failed) {
		fmt.Println(failed.Failed, "of", failed.Done, "failed:", failed.Kinds)
	}
	fmt.Println(adopted, "adopted")
	// Output:
	// 2 of 3 failed: map[connected elsewhere:1 grant dead:1]
	// 1 adopted
}
