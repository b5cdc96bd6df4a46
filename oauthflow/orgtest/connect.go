package orgtest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// appCredentials is the Connect resource for consumer keys and secrets. It needs the org's switch
// ExternalClientAppSettings.enableClientSecretInRestApiAccess and an administrator.
// Source: docs, chatterapi OAuth credentials; sfdx-hardis and Infisical for the shapes. Error codes are assumed.
func (o *Org) appCredentials(in *request, s *session, path string) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.user.Profile != administrator {
		return restError(http.StatusForbidden, "INSUFFICIENT_ACCESS", "this feature is not enabled for this user")
	}
	if path == "usage" {
		return o.usage()
	}
	if !o.components.setting("ExternalClientAppSettings", "enableClientSecretInRestApiAccess") {
		return restError(http.StatusForbidden, "API_DISABLED_FOR_ORG", "this feature is not currently enabled for this user type or org")
	}
	parts := strings.Split(strings.TrimPrefix(path, "credentials/"), "/")
	a := o.externalWithID(parts[0])
	if a == nil {
		return notThere()
	}
	base := in.path[:strings.Index(in.path, "/apps/oauth/")] + "/apps/oauth/credentials/" + a.id + "/" + a.consumerID
	if len(parts) == 1 && in.Method == http.MethodGet {
		return jsonAnswer(http.StatusOK, map[string]any{"consumers": []map[string]string{{
			"id": a.consumerID, "key": a.current().key, "name": a.name, "url": base, "stagedCredentialsUrl": base + "/staged",
		}}})
	}
	if len(parts) < 2 || !sameID(parts[1], a.consumerID) {
		return notThere()
	}
	if len(parts) == 2 && in.Method == http.MethodGet {
		body := map[string]string{"id": a.consumerID, "key": a.current().key}
		if in.query.Get("part") == "keyandsecret" {
			body["secret"] = a.current().secret
		}
		return jsonAnswer(http.StatusOK, body)
	}
	if len(parts) >= 3 && parts[2] == "staged" {
		return o.stagedCredentials(in, a, base, parts[3:])
	}
	return notThere()
}

// usage lists the apps of the org. Source: sfdx-hardis reads these two members.
func (o *Org) usage() answer {
	list := []map[string]string{}
	for _, name := range sorted(o.apps) {
		a := o.apps[name]
		list = append(list, map[string]string{"developerName": a.name, "identifier": a.id})
	}
	return jsonAnswer(http.StatusOK, map[string]any{"apps": list})
}

// stagedCredentials lists, makes, removes and rotates the second set. Source: docs, chatterapi staged credentials; sfdx-hardis
// for the bodies; the word STAGED and the error codes are assumed.
func (o *Org) stagedCredentials(in *request, a *app, base string, id []string) answer {
	show := func(set *credentials) map[string]string {
		return map[string]string{"id": set.id, "key": set.key, "secret": set.secret, "state": "STAGED", "url": base + "/staged/" + set.id}
	}
	at := slices.IndexFunc(a.sets, func(c *credentials) bool { return c.staged && o.now().Before(c.until) })
	switch {
	case len(id) == 0 && in.Method == http.MethodGet:
		list := []map[string]string{}
		if at >= 0 {
			list = append(list, show(a.sets[at]))
		}
		return jsonAnswer(http.StatusOK, map[string]any{"stagedCredentials": list})
	case len(id) == 0 && in.Method == http.MethodPost:
		set, err := o.stage(a)
		if err != nil {
			return restError(http.StatusBadRequest, "INVALID_OPERATION", "only one staged credential is allowed per consumer")
		}
		return jsonAnswer(http.StatusCreated, show(set))
	case len(id) != 1 || at < 0 || !sameID(id[0], a.sets[at].id):
		return notThere()
	case in.Method == http.MethodDelete:
		a.sets = slices.Delete(a.sets, at, at+1)
		return answer{status: http.StatusNoContent, header: http.Header{}}
	case in.Method == http.MethodPatch:
		var body struct{ Command string }
		if json.Unmarshal(in.body, &body) != nil || body.Command != "rotate" {
			return restError(http.StatusBadRequest, "JSON_PARSER_ERROR", "command must be rotate")
		}
		set := a.sets[at]
		if o.promote(a) != nil {
			return notThere()
		}
		return jsonAnswer(http.StatusOK, show(set))
	}
	return notThere()
}

func (o *Org) externalWithID(id string) *app {
	for _, name := range sorted(o.apps) {
		if a := o.apps[name]; a.external && sameID(id, a.id) {
			return a
		}
	}
	return nil
}

// notThere is the REST API's 404. Source: docs, REST API status codes; that credentials answer with it is assumed.
func notThere() answer {
	return restError(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}
