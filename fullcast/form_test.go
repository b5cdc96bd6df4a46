package fullcast_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestAWrongEntryNamesItsFieldAndHasATextForThePersonWhoEnteredIt(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	begin := func(change func(*oauthflow.Client)) error {
		c := w.client(t, "Fullcast")
		change(&c)
		_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})
		return err
	}
	parse := func(host string) error { _, err := oauthflow.ParseHost(host); return err }
	for name, c := range map[string]struct {
		err   error
		field fullcast.FormField
		says  string
	}{
		"a host of no org":                {parse("acme.salesforce.com"), fullcast.FieldLoginHost, "My Domain"},
		"a site":                          {parse("acme.my.site.com"), fullcast.FieldLoginHost, "acme.my.salesforce.com"},
		"no host":                         {parse(" "), fullcast.FieldLoginHost, "is empty"},
		"no key":                          {begin(func(c *oauthflow.Client) { c.ID = "" }), fullcast.FieldConsumerKey, "required"},
		"a key with a blank in it":        {begin(func(c *oauthflow.Client) { c.ID = "3MVG9 x" }), fullcast.FieldConsumerKey, "copy it again"},
		"no secret":                       {begin(func(c *oauthflow.Client) { c.Secret = oauthflow.Secret{} }), fullcast.FieldConsumerSecret, "required"},
		"a secret with a line break":      {begin(func(c *oauthflow.Client) { c.Secret = oauthflow.NewSecret("A\nB") }), fullcast.FieldConsumerSecret, "copy it again"},
		"a secret that Salesforce denies": {&oauthflow.Error{Op: "exchange", Kind: oauthflow.KindClient, Code: "invalid_client"}, fullcast.FieldConsumerSecret, "secret"},
		"a key that Salesforce denies":    {&oauthflow.Error{Op: "exchange", Kind: oauthflow.KindAppMissing, Code: "invalid_client_id"}, fullcast.FieldConsumerKey, "key"},
		"a host that does not exist":      {&oauthflow.Error{Op: "exchange", Kind: oauthflow.KindNotSent, Err: oauthflow.ErrNoSuchHost}, fullcast.FieldLoginHost, "does not exist"},
	} {
		got := fullcast.WrongEntries(c.err)
		if len(got) != 1 || got[0].Field != c.field || !strings.Contains(got[0].Text, c.says) || !strings.HasSuffix(got[0].Text, ".") {
			t.Errorf("%s: got %+v of %v, want the %s with %q", name, got, c.err, c.field, c.says)
		}
	}
	for _, c := range []error{parse("acme.salesforce.com"), begin(func(c *oauthflow.Client) { c.ID = "" })} {
		if text := w.sf.ForAdmin(c); !strings.HasPrefix(text, "Please correct what was entered in Fullcast. The ") {
			t.Errorf("for the admin: %q", text)
		}
	}
	for name, err := range map[string]error{
		"no binding": func() error {
			_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast")})
			return err
		}(),
		"nothing":  nil,
		"a policy": &oauthflow.Error{Op: "exchange", Kind: oauthflow.KindUserPolicy, Code: "inactive_user"},
	} {
		if got := fullcast.WrongEntries(err); len(got) != 0 {
			t.Errorf("%s is no entry of a form: %+v", name, got)
		}
	}
}

// Who has left a form empty is told so once, of all its fields, and in no programmer's words.
func TestEachWrongEntryOfAFormIsNamedAtOnce(t *testing.T) {
	w := newWorld(t, config{})
	_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: oauthflow.Client{}, Binding: session})
	got := fullcast.WrongEntries(err)
	if len(got) != 3 || got[0].Field != fullcast.FieldLoginHost || got[1].Field != fullcast.FieldConsumerKey || got[2].Field != fullcast.FieldConsumerSecret {
		t.Errorf("got %+v of %v", got, err)
	}
	_, gov := oauthflow.ParseHost("agency.my.salesforce.mil")
	for _, text := range []string{w.sf.ForAdmin(err), w.sf.ForAdmin(gov)} {
		if !strings.HasPrefix(text, "Please correct what was entered in Fullcast. The ") || strings.Contains(text, "ParseHost") || strings.Contains(text, "is named") {
			t.Errorf("for the admin: %q", text)
		}
	}
	var e *fullcast.Error
	if !errors.As(err, &e) || e.Remedy != fullcast.FixConfiguration {
		t.Errorf("the remedy of %v", err)
	}
}

func TestWhatIsPastedWithBlanksAroundItIsTaken(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	for _, around := range []string{" ", "\t", "\r\n", "\u00a0", "\u200b", "\ufeff"} {
		c := w.client(t, "Fullcast")
		c.ID, c.Secret = around+c.ID+around, oauthflow.NewSecret(around+c.Secret.Reveal()+around)
		host, err := oauthflow.ParseHost(around + c.Host.String() + around)
		if err != nil {
			t.Errorf("a host with %q around it: %v", around, err)
			continue
		}
		c.Host = host
		conn, err := w.login(t, w.sf, (*fullcast.Connector).Begin, fullcast.BeginOptions{Client: c})
		if err != nil {
			t.Errorf("key and secret with %q around them: %v", around, err)
			continue
		}
		if now, err := conn.Status(t.Context()); err != nil || now.ConsumerKey != strings.TrimSpace(w.client(t, "Fullcast").ID) {
			t.Errorf("with %q around it the key is %q, %v", around, now.ConsumerKey, err)
		}
		if _, err := w.sf.UpdateCredentials(t.Context(), main, c); err != nil {
			t.Errorf("new credentials with %q around them: %v", around, err)
		}
	}
}
