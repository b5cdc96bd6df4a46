package fullcast_test

import (
	"fmt"

	"github.com/fullcast/sfauth/fullcast"
)

func ExampleSiteOf() {
	site, err := fullcast.SiteOf("https://sandbox.fullcast.io/app/admin/motion?tab=2")
	fmt.Println(site, err)

	_, err = fullcast.SiteOf("https://sandbox.fullcast.io.example.com")
	fmt.Println(err)
	// Output:
	// https://sandbox.fullcast.io <nil>
	// fullcast: instance URL: "sandbox.fullcast.io.example.com" is not a Fullcast instance; use https://app.fullcast.io (production) or https://sandbox.fullcast.io (pre-production)
}

func ExampleExternalClientApp() {
	app := fullcast.ExternalClientApp(fullcast.PreProduction, "admin@example.com")
	fmt.Println(app.Name, app.ContactEmail, app.Distribution, app.StartPage)
	for _, u := range app.CallbackURLs {
		fmt.Println(u)
	}
	// Output:
	// Fullcast admin@example.com Local None
	// https://sandbox.fullcast.io/app/motion/segments
	// https://sandbox.fullcast.io/app/admin/motion
	// https://sandbox.fullcast.io/app/admin/export-import
}

func ExampleConnectedApp() {
	app := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	fmt.Println(app.Name, app.APIName)
	fmt.Println(app.Scopes)
	// Output:
	// Fullcast Motion Package Fullcast_Motion_Package
	// [Basic Full Api Web RefreshToken]
}
