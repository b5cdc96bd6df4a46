package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

// acme is the connection of the examples.
var acme = oauthflow.Key{Tenant: "acme", Name: "main"}

// A page that shows the state of one connection asks the store, and never Salesforce.
func ExampleConnector_Load() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)

	_, err = sf.Load(ctx, acme)
	var cause *oauthflow.Error
	fmt.Println(errors.As(err, &cause) && cause.Kind == oauthflow.KindNotConnected)
	org.Connect(ctx, sf, acme)
	now, err := sf.Load(ctx, acme)
	check(err)
	fmt.Println(now.Key, now.Status, now.InstanceURL)
	// Output:
	// true
	// acme/main active https://acme.my.salesforce.com
}
