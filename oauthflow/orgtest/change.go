package orgtest

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// change is one piece of metadata on its way into the org.
type change struct {
	kind
	fullName string
	body     *node // nil deletes
	stage    stage
	file     string
	defect   string // why it cannot even be tried
}

// rules is how strictly changes are taken.
type rules struct {
	version        int
	trusted        bool // metadata the org has already: no rule about creation applies
	ignoreWarnings bool
}

// result tells what became of a change.
type result struct {
	change
	problem *problem
	warning string
	created bool
	changed bool
	deleted bool
	id      string
	rotates *node // global OAuth settings whose shouldRotate flags are to be carried out
}

// apply puts one change into a draft of the org's metadata, or says why not. The caller holds the lock.
func (o *Org) apply(draft components, c change, r rules) result {
	out := result{change: c}
	if c.defect != "" {
		out.problem = &problem{status: "INVALID_INPUT", text: c.defect, line: 1, column: 1}
		return out
	}
	old := draft.find(c.typ, c.fullName)
	if c.body == nil {
		out.deleted, out.warning, out.problem = remove(draft, c, r)
		return out
	}
	body := c.body.clone()
	if p := schema().check(c.typ, body, r.version); p != nil {
		out.problem = p
		return out
	}
	if p := o.judge(draft, c, body, old, r); p != nil {
		out.problem = p
		return out
	}
	if c.typ == "ExtlClntAppGlobalOauthSettings" && (body.is("shouldRotateConsumerKey") || body.is("shouldRotateConsumerSecret")) {
		out.warning = "The consumer key or secret is replaced by this deployment"
		if !r.ignoreWarnings { // "the deploy needs ignoreWarnings=true" (docs)
			out.problem = body.problem("INVALID_INPUT", out.warning)
			return out
		}
		out.rotates = body.clone()
	}
	if r.trusted {
		body.remove("oauthLink") // of the org the file came from
	}
	stored := o.put(draft, c.typ, c.fullName, body, r)
	out.created, out.id = old == nil, stored.id
	out.changed = old == nil || o.text(old) != o.text(stored)
	return out
}

// text is a component for comparison: elements in schema order, nothing but what a reader would see.
func (o *Org) text(c *component) string { return string(o.retrieved(c, newestAPI).file(c.typ)) }

// put stores a component in a draft, completed as the org would.
func (o *Org) put(draft components, typ, fullName string, body *node, r rules) *component {
	k, _ := kindOf(typ)
	now := o.now()
	c := &component{kind: k, fullName: fullName, body: body, created: now, modified: now}
	old := draft.find(typ, fullName)
	if old != nil {
		c.id, c.created, c.locked = old.id, old.created, old.locked
		if link := old.body.value("oauthLink"); link != "" {
			body.set("oauthLink", link)
		}
	} else {
		c.id = o.newID(recordPrefix(typ))
		c.locked = o.limits() && !r.trusted && typ == "ExtlClntAppGlobalOauthSettings"
	}
	o.complete(draft, c)
	o.lock(c, old, c.body)
	if old != nil || !r.trusted { // else it is as it was before
		o.rewritePolicy(draft, typ, c.body)
	}
	draft[componentKey{typ, fullName}] = c
	return c
}

// names an app may have. Source: the text Setup and deploys answer with.
var appName = regexp.MustCompile(`^[A-Za-z](_?[A-Za-z0-9])*$`)

const badName = "The External Client App API Name can only contain underscores and alphanumeric characters. It must be unique, " +
	"begin with a letter, not include spaces, not end with an underscore, and not contain two consecutive underscores."

// judge applies the rules that the schema does not hold.
func (o *Org) judge(draft components, c change, body *node, old *component, r rules) *problem {
	if !r.trusted && !appName.MatchString(c.fullName) {
		return body.problem("INVALID_FULLNAME", badName)
	}
	if c.typ == "ExternalClientApplication" {
		return o.judgeApplication(draft, c, body, old, r)
	}
	if c.typ == "ConnectedApp" {
		if p := o.judgeConnectedApp(body, old, r); p != nil || r.trusted {
			return p
		}
		return o.refusePolicy(draft, c.typ, body)
	}
	if c.settingsMember() != "" {
		return nil
	}
	owner := body.value("externalClientApplication")
	if draft.find("ExternalClientApplication", owner) == nil {
		return body.problem("INVALID_CROSS_REFERENCE_KEY",
			fmt.Sprintf("In field: externalClientApplication - no ExternalClientApplication named %s found", owner))
	}
	// one record of each type per app; reported from live orgs for the OAuth policy, assumed for the others
	if other := draft.satellite(c.typ, owner); other != nil && other.fullName != c.fullName {
		return body.problem("DUPLICATE_VALUE",
			"duplicate value found: ExternalClientApplicationId duplicates value on "+other.fullName)
	}
	if old != nil && old.body.value("externalClientApplication") != owner {
		return body.problem("FIELD_INTEGRITY_EXCEPTION", "externalClientApplication can't be changed") // assumed
	}
	switch c.typ {
	case "ExtlClntAppOauthSettings":
		return judgeOauthSettings(body, old, r)
	case "ExtlClntAppGlobalOauthSettings":
		if draft.satellite("ExtlClntAppOauthSettings", owner) == nil {
			return body.problem("INVALID_INPUT",
				"The external client app configured in your global OAuth Settings doesn't have a valid OAuth settings configuration.")
		}
		if p := o.judgeKey(body, old, r); p != nil {
			return p
		}
		return judgeCallbacks(body)
	case "ExtlClntAppOauthConfigurablePolicies":
		if p := o.judgePolicy(body, r); p != nil || r.trusted {
			return p
		}
		return o.refusePolicy(draft, c.typ, body)
	case "ExtlClntAppOauthSecuritySettings":
		if old == nil && !r.trusted { // reported: comes with a retrieve, cannot be created
			return body.problem("INVALID_TYPE", "Cannot create a new component of type ExtlClntAppOauthSecuritySettings")
		}
	}
	return nil
}

func (o *Org) judgeApplication(draft components, c change, body *node, old *component, r rules) *problem {
	if link := body.value("orgScopedExternalApp"); link != "" && link != o.id[:15]+":"+c.fullName && !r.trusted { // assumed to be like oauthLink
		return body.problem("INVALID_INPUT", "orgScopedExternalApp belongs to another org: "+link)
	}
	if old == nil && !r.trusted && draft.find("ConnectedApp", c.fullName) != nil { // reported by sfdx-hardis
		return body.problem("DUPLICATE_VALUE", "duplicate value found: DeveloperName duplicates value on ConnectedApp "+c.fullName)
	}
	return nil
}

// judgeOauthSettings holds to "Deployment fails if there's an OAuth link field in the settings file with incorrect
// information. If the field doesn't exist, it's generated" (help).
func judgeOauthSettings(body *node, old *component, r rules) *problem {
	if link := body.value("oauthLink"); link != "" && !r.trusted && (old == nil || old.body.value("oauthLink") != link) {
		return body.at("oauthLink").problem("INVALID_INPUT", "The OAuth link "+link+" isn't valid in this org")
	}
	for _, word := range splitList(body.value("commaSeparatedOauthScopes")) {
		if s, ok := findScope(word); !ok || (s.external != word && scopeAlias[word] == "") {
			var words []string
			for _, s := range scopes {
				words = append(words, s.external)
			}
			return body.at("commaSeparatedOauthScopes").problem("INVALID_INPUT", // a live org lists its words in such an error
				fmt.Sprintf("%s isn't a valid OAuth scope. Valid scopes: %s", word, strings.Join(words, ", ")))
		}
	}
	return nil
}

// judgeKey: a consumer key can be given when the app is made and never again. Source: issues of CumulusCI, ready-to-fly and
// devops-center-feedback; docs for the length; that every org takes a key at creation is assumed, reports differ.
func (o *Org) judgeKey(body *node, old *component, r rules) *problem {
	key, secret := body.at("consumerKey"), body.at("consumerSecret")
	switch {
	case r.trusted || key == nil && secret == nil:
		return nil
	case old != nil && key != nil:
		return key.problem("INVALID_INPUT", "You cannot provide a Consumer Key")
	case old != nil:
		return secret.problem("INVALID_INPUT", "You cannot provide a Consumer Secret") // assumed
	case key == nil:
		return nil
	}
	if len(key.text) < 8 || len(key.text) > 256 {
		return key.problem("INVALID_INPUT", "The consumer key must have 8 to 256 characters.")
	}
	if c, _ := o.clientWithKey(key.text); c.app != nil {
		return key.problem("DUPLICATE_VALUE", "The consumer key is already taken.")
	}
	return nil
}

// judgeCallbacks: "Max 2000 chars in all"; each line a URL, http only for localhost, own schemes allowed.
// Source: help, configure OAuth settings; the exact texts are assumed.
func judgeCallbacks(body *node) *problem {
	n := body.at("callbackUrl")
	if n == nil {
		return nil
	}
	if len(n.text) > 2000 {
		return n.problem("STRING_TOO_LONG", "Callback URL: data value too large (max length=2000)")
	}
	for _, line := range strings.Fields(n.text) {
		u, err := url.Parse(strings.Replace(line, ":*", ":0", 1)) // any port, as a retrieved file has it
		if err != nil || u.Scheme == "" || u.Scheme == "https" && u.Host == "" ||
			u.Scheme == "http" && u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1" {
			return n.problem("INVALID_INPUT", "Callback URL: must be a secure URL: "+line)
		}
	}
	return nil
}

// judgePolicy checks what the schema leaves as text. Source: live orgs, as reported, for the unit and for permission sets; the
// other texts are assumed.
func (o *Org) judgePolicy(body *node, r rules) *problem {
	if n := body.at("ipRelaxationPolicyType"); n != nil && indexFold(ipRelaxations, n.text) < 0 {
		return n.problem("INVALID_INPUT", fmt.Sprintf("'%s' is not a valid IP relaxation policy. Set it to %s.", n.text, strings.Join(ipRelaxations, ", ")))
	}
	if strings.HasPrefix(body.value("refreshTokenPolicyType"), "Specific") {
		if n, _ := strconv.Atoi(body.value("refreshTokenValidityPeriod")); n <= 0 {
			return body.problem("INVALID_INPUT", "Set the refresh token validity period to a number above 0.")
		}
		if period("1", body.value("refreshTokenValidityUnit")) == 0 { // text reported from a live org
			return body.problem("INVALID_INPUT", "Set the refresh token validity unit to Days, Hours, Months.")
		}
	}
	known := map[string]bool{}
	for _, u := range o.users {
		for _, set := range u.PermissionSets {
			known[set] = true
		}
	}
	for _, set := range splitList(body.value("commaSeparatedPermissionSet")) {
		if !known[set] && !r.trusted { // text reported from a live org; here an org has the permission sets that its users have
			return body.at("commaSeparatedPermissionSet").problem("INVALID_FIELD", "We couldn't find permission sets called "+set)
		}
	}
	return nil
}

var (
	oldIPRelaxations = []string{"ENFORCE", "BYPASS_2FACTOR", "BYPASS", "ENFORCE_RELAXREFRESH"}
	oldRefreshPolicy = regexp.MustCompile(`^(infinite|zero|specific_(lifetime|inactivity):[1-9]\d*:(HOURS|DAYS|MONTHS))$`)
)

func (o *Org) judgeConnectedApp(body *node, old *component, r rules) *problem {
	if old == nil && !r.trusted && !o.cfg.AllowConnectedApps { // docs and help, since Spring '26, through the API as well
		return body.problem("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
			"You can't create a connected app. To enable connected app creation, contact Salesforce Customer Support.")
	}
	if policy := body.at("oauthPolicy"); policy != nil {
		if v := policy.value("ipRelaxation"); indexFold(oldIPRelaxations, v) < 0 {
			return policy.problem("INVALID_INPUT", fmt.Sprintf("'%s' is not a valid value for ipRelaxation", v))
		}
		if v := policy.value("refreshTokenPolicy"); !oldRefreshPolicy.MatchString(v) {
			return policy.problem("INVALID_INPUT", fmt.Sprintf("'%s' is not a valid value for refreshTokenPolicy", v))
		}
	}
	config := body.at("oauthConfig")
	if config == nil {
		return nil
	}
	if p := o.judgeKey(config, old, r); p != nil {
		return p
	}
	return judgeCallbacks(config)
}

// applyAll works through changes stage by stage, additions in the order of their types and deletions in the reverse one, so
// that an app goes after what belongs to it. Then it adds what the org creates by itself.
func (o *Org) applyAll(draft components, list []change, r rules) []result {
	rank := func(c change) int {
		at := slices.IndexFunc(kinds, func(k kind) bool { return k.typ == c.typ })
		if c.body == nil {
			at = len(kinds) - at
		}
		return at + int(c.stage)*3*len(kinds)
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b change) int { return rank(a) - rank(b) })
	var out []result
	for _, c := range list {
		out = append(out, o.apply(draft, c, r))
	}
	o.createPolicies(draft)
	return out
}
