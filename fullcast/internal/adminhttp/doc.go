// Package adminhttp is the HTTP of the admin API: routes and rights, who may send a request from which page, bodies, the
// cookie that ties a login to a browser, the rate of logins, and the form of an error. It knows nothing of Salesforce: what a
// route does is a function that its caller gives.
package adminhttp
