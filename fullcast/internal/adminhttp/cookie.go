package adminhttp

import (
	"crypto/rand"
	"net/http"
	"strings"
)

// Cookie keeps the binding of a browser's logins: a random value that scripts do not see and no other host of the domain can set.
type Cookie struct {
	Secure bool // the site speaks https
}

// cookieAge is how long a login that was begun last can come back, with its result: much longer than a login lives.
const cookieAge = 2 * 60 * 60

// bindingSize is the length of the value, which has 130 random bits.
const bindingSize = 26

// name has the prefix __Host- where browsers take it: with https alone.
func (c Cookie) name() string {
	if c.Secure {
		return "__Host-sfauth-login"
	}
	return "sfauth-login"
}

// Of returns the binding that a browser has sent; empty where it has none.
func (c Cookie) Of(r *http.Request) string {
	found := r.CookiesNamed(c.name())
	if len(found) != 1 || len(found[0].Value) != bindingSize || strings.Trim(found[0].Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return ""
	}
	return found[0].Value
}

// Give returns the binding of a browser, a new one where it has none, and leaves it there. It stays the same while logins are under
// way: two tabs may each have one. SameSite is Lax, since Strict would keep it from a page that Salesforce's site leads to.
func (c Cookie) Give(w http.ResponseWriter, r *http.Request) string {
	value := c.Of(r)
	if value == "" {
		value = rand.Text()
	}
	http.SetCookie(w, &http.Cookie{
		Name: c.name(), Value: value, Path: "/", MaxAge: cookieAge, HttpOnly: true, Secure: c.Secure, SameSite: http.SameSiteLaxMode,
	})
	return value
}
