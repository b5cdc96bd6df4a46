package fullcast_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
)

func ExampleConnector_ReadinessHandler() {
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	ready, err := sf.ReadinessHandler(fullcast.ReadinessConfig{})
	check(err)
	pages := http.NewServeMux()
	pages.Handle("GET /readyz", ready)

	ask := func() { // what Kubernetes does
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		fmt.Println(w.Code)
	}
	ask()
	check(sf.Close(context.Background())) // on SIGTERM
	ask()
	// Output:
	// 200
	// 503
}

func ExampleConnector_Readiness() {
	ctx := context.Background()
	org := fullcasttest.NewOrg(log.Default(), fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	check(err)
	defer sf.Close(ctx)
	found := sf.Readiness(ctx)
	fmt.Println("ready:", found.Ready())
	for _, c := range found.Checks {
		fmt.Printf("%s: %s\n", c.Subject, c.State)
	}
	// Output:
	// ready: true
	// manager: ok
	// store: ok
	// keys: ok
	// clock: ok
	// events: ok
	// salesforce: unknown
}
