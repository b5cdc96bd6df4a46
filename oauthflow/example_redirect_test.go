package oauthflow_test

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
)

func ExampleCheckRedirect() {
	// In a service the Transport is that of a Source. Here it is an org that redirects, and whose refresh names no new host.
	client := &http.Client{
		Transport:     says(302, "", "Location", "https://acme-corp.my.salesforce.com/services/data/v66.0/sobjects/Account"),
		CheckRedirect: oauthflow.CheckRedirect,
	}
	resp, err := client.Post("https://acme.my.salesforce.com/services/data/v66.0/sobjects/Account", "application/json", strings.NewReader(`{"Name":"Acme"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, "to", resp.Header.Get("Location")) // and no GET was sent there
	// Output:
	// 302 to https://acme-corp.my.salesforce.com/services/data/v66.0/sobjects/Account
}
