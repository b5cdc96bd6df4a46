package fullcast

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

type adminLogin struct {
	Redirect string   `json:"redirect"` // holds what ties the login to its callback
	Choice   Choice   `json:"choice"`
	Advice   []string `json:"advice"` // to be read before the browser leaves
}

// loginAdvice is what helps where Salesforce shows an error in place of its login page: such an error never comes back to Fullcast.
var loginAdvice = []string{
	"Sign in to Salesforce as a user who stays, and choose Allow.",
	"If Salesforce shows an error in place of that page, come back to this page: \"invalid_client_id\" means that the consumer key is not that of an app in this org, " +
		"\"redirect_uri_mismatch\" that the app lacks one of the three callback URLs, and both may also mean that the app is less than 30 minutes old.",
}

func (a *adminAPI) login(r adminhttp.Request) adminhttp.Answer {
	k := keyOf(r)
	o, err := a.beginOptions(r)
	if err == nil && (o.Client.Host.IsZero() || !a.mayMake(k.Name)) {
		err = a.mayBegin(r.Context(), k, o)
	}
	if err != nil {
		return a.refuse(r, err)
	}
	l, err := a.c.Connect(r.Context(), k, o)
	if err != nil {
		return a.refuse(r, err)
	}
	return adminhttp.OK(adminLogin{l.Redirect, l.Choice, loginAdvice})
}

// mayBegin refuses what no connection can come of: a name that is none, or not one of Names, and no entries where there is no app yet.
func (a *adminAPI) mayBegin(ctx context.Context, k oauthflow.Key, o BeginOptions) error {
	if !isConnectionName(k.Name) {
		return invalid("connect", k, "Key.Name", nameProblem)
	}
	_, err := a.c.Load(ctx, k)
	switch {
	case !missing(err): // it exists, or Connect says why that cannot be told
		return nil
	case !a.mayMake(k.Name):
		return invalid("connect", k, "Key.Name", "must be one of "+strings.Join(a.names, ", "))
	case o.Client.Host.IsZero():
		return missingEntries("connect", k)
	}
	return nil
}

func (a *adminAPI) beginMigration(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	o, err := a.beginOptions(r)
	if err == nil && o.Client.Host.IsZero() {
		err = missingEntries("begin migration", now.Key)
	}
	if err != nil {
		return a.refuse(r, err)
	}
	redirect, err := a.c.BeginMigration(r.Context(), now.Key, o)
	if err != nil {
		return a.refuse(r, err)
	}
	return adminhttp.OK(adminLogin{redirect, ChoseMigration, loginAdvice})
}

// beginOptions reads the form of a login. The host is looked up where nothing else is wrong.
func (a *adminAPI) beginOptions(r adminhttp.Request) (BeginOptions, error) {
	o := BeginOptions{
		LoginHint: r.Body[inLoginHint], Prompt: r.Body[inPrompt], ExpectOrg: r.Body[inExpectOrg], ExpectUser: r.Body[inExpectUser],
		CallbackURL: string(a.c.site) + adminPage,
	}
	var bad badfields.List
	if page, sent := r.Body[inPage]; sent {
		o.CallbackURL = string(a.c.site) + page
		if !slices.Contains(a.c.site.CallbackURLs(), o.CallbackURL) {
			bad.Add("BeginOptions.CallbackURL", "must be one of "+strings.Join(callbackPaths[:], ", "))
		}
	}
	if strings.TrimSpace(r.Body[inHost]+r.Body[inKey]+r.Body[inSecret]) != "" {
		o.Client = readClient(r.Body, a.regions, &bad)
		if len(bad) == 0 {
			a.lookUp(r.Context(), o.Client.Host, &bad)
		}
	}
	if len(bad) > 0 {
		return o, &Error{Op: "begin", Key: keyOf(r), Remedy: remedyFor(bad, ""), Err: bad}
	}
	o.Binding = r.Given()
	return o, nil
}

// readClient reads what connects an org, and says of each entry at fault why it cannot be used.
func readClient(in map[string]string, regions []oauthflow.Region, bad *badfields.List) oauthflow.Client {
	c := oauthflow.Client{Kind: metadata.KindExternalClientApp}
	var err error
	switch c.Host, err = oauthflow.ParseHost(in[inHost], regions...); {
	case strings.TrimSpace(in[inHost]) == "":
		bad.Add("Client.Host", "is required: the org's My Domain, such as acme.my.salesforce.com")
	case err != nil:
		for _, f := range fieldsOf(err) {
			bad.Add("Client.Host", f.Problem)
		}
	}
	if c.ID = strings.TrimSpace(in[inKey]); c.ID == "" {
		bad.Add("Client.ID", "is required")
	} else if unusual(c.ID) || strings.Contains(c.ID, " ") {
		bad.Add("Client.ID", "is no consumer key; copy it again from Setup, without blanks")
	}
	secret := strings.TrimSpace(in[inSecret])
	if c.Secret = oauthflow.NewSecret(secret); secret == "" {
		bad.Add("Client.Secret", "is required")
	} else if unusual(secret) {
		bad.Add("Client.Secret", "is no consumer secret; copy it again from Setup")
	}
	return c
}

// unusual reports what no consumer key or secret can be: too long, or with other characters than visible ASCII and blanks.
func unusual(s string) bool {
	return len(s) > 512 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func missingEntries(op string, k oauthflow.Key) error {
	var bad badfields.List
	readClient(nil, nil, &bad)
	return &Error{Op: op, Key: k, Remedy: FixConfiguration, Err: bad}
}

type adminCompleted struct {
	Connected  bool            `json:"connected"` // true; what [CallbackScript] tells its page
	Migrated   bool            `json:"migrated"`
	Connection adminConnection `json:"connection"`
	Next       []string        `json:"next"` // what is left to do
}

// complete ends a login with the query of a callback page.
func (a *adminAPI) complete(r adminhttp.Request) adminhttp.Answer {
	if speculative(r.Request) {
		return adminhttp.Answer{Status: http.StatusNoContent}
	}
	var bad []adminhttp.Field
	path := r.Body["path"]
	if !a.c.isCallback(path) {
		bad = append(bad, adminhttp.Field{Field: "path", Message: fmt.Sprintf("The path is not a callback page of %s.", a.c.site)})
	}
	query, err := url.ParseQuery(strings.TrimPrefix(r.Body["query"], "?"))
	if err != nil || !query.Has("code") && !query.Has("error") {
		bad = append(bad, adminhttp.Field{Field: "query", Message: "The query is not that of a callback."})
	}
	if len(bad) > 0 {
		return adminhttp.Invalid(bad...).Answer()
	}
	conn, migration, err := a.c.complete(r.Context(), oauthflow.Callback{Tenant: r.User.Tenant, Path: path, Binding: r.Had(), Query: query})
	if err != nil {
		return a.notCompleted(r, err)
	}
	out := adminCompleted{Connected: true, Migrated: migration, Connection: a.shown(*conn.seen.Load(), nil), Next: []string{}}
	if migration {
		out.Next = afterMigration
	}
	return adminhttp.OK(out)
}

// notCompleted tells of a callback that belongs to no login which waits for it, such as that of a page that was opened again, without
// asking for another login where every connection works.
func (a *adminAPI) notCompleted(r adminhttp.Request, err error) adminhttp.Answer {
	var cause *oauthflow.Error
	if !errors.As(err, &cause) || cause.Kind != oauthflow.KindState || errors.Is(err, oauthflow.ErrSuperseded) {
		return a.refuse(r, err)
	}
	a.tell(r, err)
	p := a.problem(err)
	p.Message = "No login waits here for this callback: the page was opened again, the login was begun in another browser or session, or it has " +
		"expired. Nothing was changed. If the connection is not shown as active, begin its login again."
	if a.allWork(r) {
		p.Remedy = nil
	}
	return p.Answer()
}

// allWork reports whether the tenant has connections, and each can be called.
func (a *adminAPI) allWork(r adminhttp.Request) bool {
	some := false
	for conn, err := range a.c.List(r.Context(), Filter{Tenant: r.User.Tenant}) {
		if err != nil || !Usable.holds(conn) {
			return false
		}
		some = true
	}
	return some
}

// updateCredentials takes what the form leaves out from the connection.
func (a *adminAPI) updateCredentials(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	in := map[string]string{inHost: now.Host.String(), inKey: now.ConsumerKey}
	for name, value := range r.Body {
		if strings.TrimSpace(value) != "" {
			in[name] = value
		}
	}
	var bad badfields.List
	regions := a.regions
	if in[inHost] == now.Host.String() { // which was accepted when it was entered
		regions = []oauthflow.Region{oauthflow.GovernmentCloud, oauthflow.China}
	}
	c := readClient(in, regions, &bad)
	if len(bad) == 0 && c.Host != now.Host {
		a.lookUp(r.Context(), c.Host, &bad)
	}
	if len(bad) > 0 {
		return a.refuse(r, &Error{Op: "update credentials", Key: now.Key, Remedy: FixConfiguration, Err: bad})
	}
	conn, err := a.c.UpdateCredentials(r.Context(), now.Key, c)
	if errors.Is(err, ErrCredentialsUnproved) && c.ID == now.ConsumerKey { // a secret that is new may need a few minutes, too
		a.tell(r, err)
		p := a.problem(err)
		p.Fields = []adminhttp.Field{{Field: inSecret, Message: "Salesforce has not accepted this consumer secret. Compare it with Setup; if it is right, Fullcast tries it again by itself."}}
		return p.Answer()
	}
	if err != nil {
		return a.refuse(r, err)
	}
	return adminhttp.OK(a.shown(*conn.seen.Load(), nil))
}
