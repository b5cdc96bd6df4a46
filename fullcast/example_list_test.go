package fullcast_test

import (
	"context"
	"fmt"
	"log"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

// A job over all customers asks for the connections that can be called, and a page for the support for those that an
// admin has to do something about.
func ExampleConnector_List() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	org.Connect(ctx, sf, acme)
	check(org.RevokeAll("Fullcast")) // what the customer's admin does in Salesforce one day
	fmt.Println(sf.Manager().Renew(ctx, acme) != nil)
	org.Connect(ctx, sf, oauthflow.Key{Tenant: "acme", Name: "second"})

	for conn, err := range sf.List(ctx, fullcast.Filter{Condition: fullcast.Usable}) {
		check(err)
		fmt.Println(conn.Key, "can be called")
	}
	for conn, err := range sf.List(ctx, fullcast.Filter{Condition: fullcast.NeedsAdmin}) {
		check(err)
		fmt.Println(conn.Key, "is", conn.Status, "-", fullcast.RemedyOf(conn))
	}
	// Output:
	// true
	// acme/second can be called
	// acme/main is broken - Connect the org again, as an admin of the org.
}
