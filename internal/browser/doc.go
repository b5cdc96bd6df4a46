// Package browser holds tests in which a real browser, headless Chromium, uses the admin page of examples/webapp.
//
// The program runs as it would in production, under https://app.fullcast.io, and calls a simulated org under its
// production name: its requests go through a proxy, as the environment variable HTTPS_PROXY tells it, and it trusts the
// org's certificate authority by SSL_CERT_FILE. Browser and program find both on loopback; nothing leaves the machine.
//
// It also opens the HTML report of package policy as a customer does, as a file.
//
// That no code stays behind is said of the tab's history, Referers, and what scripts can see. Chromium's profile on disk
// keeps each address of a chain of redirects, as it does for every login of this kind; the code in it is spent, and was good
// for one session and its proof key only.
//
// The tests skip without Chromium, unless SFAUTH_REQUIRE_SERVICES is 1. With -pictures DIR they leave screenshots:
//
//	go test -run Pictures . -pictures DIR
package browser
