package orgtest

import (
	"crypto/subtle"
	"html"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

const badLogin = "Please check your username and password. If you still can't log in, contact your Salesforce administrator."

// loginPage asks for user name and password. The authorize request travels along in a hidden field (assumed: see interactive).
func loginPage(q url.Values, complaint string) answer {
	content := `<form method="post" action="` + authorizePath + `">
<p id="error">` + html.EscapeString(complaint) + `</p>
<label>Username <input id="username" name="un" value="` + html.EscapeString(q.Get("login_hint")) + `" autocomplete="off"></label>
<label>Password <input id="password" name="pw" type="password" autocomplete="off"></label>
<input type="hidden" name="request" value="` + html.EscapeString(q.Encode()) + `">
<button id="Login" name="step" value="login">Log In</button>
</form>`
	return pageAnswer(http.StatusOK, "Login | Salesforce", content)
}

// consentPage asks the logged-in user to allow the app. A one-time ticket stands for the login (assumed: see interactive).
func consentPage(p petition, ticket string, q url.Values) answer {
	var list strings.Builder
	for _, s := range p.scopes {
		list.WriteString("<li>" + html.EscapeString(s) + "</li>")
	}
	content := `<form method="post" action="` + authorizePath + `">
<h1>Allow Access?</h1>
<p>` + html.EscapeString(p.client.app.name) + ` is asking to:</p><ul>` + list.String() + `</ul>
<p>Do you want to allow access for ` + html.EscapeString(q.Get("login_hint")) + `?</p>
<input type="hidden" name="ticket" value="` + ticket + `">
<input type="hidden" name="request" value="` + html.EscapeString(q.Encode()) + `">
<button id="oadeny" name="step" value="deny">Deny</button>
<button id="oaapprove" name="step" value="allow">Allow</button>
</form>`
	return pageAnswer(http.StatusOK, "Allow Access? | Salesforce", content)
}

// interactive works through the two pages. What they look like is assumed; the ids are those of the real pages.
func (o *Org) interactive(in *request, form url.Values) answer {
	q, err := url.ParseQuery(form.Get("request"))
	if err != nil {
		return pageAnswer(http.StatusBadRequest, "Error", "Bad request")
	}
	username := form.Get("un")
	if form.Get("step") != "login" {
		username = o.ticketHolder(form.Get("ticket"))
		if username == "" {
			return loginPage(q, "Your session has ended. Log in again.")
		}
	} else if !o.passwordFits(username, form.Get("pw")) {
		return loginPage(q, badLogin)
	}
	hinted := maps.Clone(q)
	hinted.Set("login_hint", username)
	p := o.consider(in, hinted)
	switch {
	case p.failure != "":
		return p.refuse()
	case form.Get("step") == "login":
		return consentPage(p, o.newTicket(username), hinted)
	case form.Get("step") == "allow":
		return redirectAnswer(o.decide(p, allow))
	}
	return redirectAnswer(o.decide(p, deny))
}

func (o *Org) passwordFits(username, password string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.userNamed(username)
	return p != nil && p.refusal() == "" && subtle.ConstantTimeCompare([]byte(p.Password), []byte(password)) == 1
}

func (o *Org) newTicket(username string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	ticket := random(base62, 32)
	o.tickets[ticket] = username
	return ticket
}

func (o *Org) ticketHolder(ticket string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	username := o.tickets[ticket]
	delete(o.tickets, ticket)
	return username
}
