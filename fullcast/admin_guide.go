package fullcast

import (
	"strings"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

type adminGuide struct {
	Site         Site                `json:"site"`
	Kind         metadata.Kind       `json:"kind"`
	Host         *adminHost          `json:"host,omitempty"`
	CallbackURLs []string            `json:"callbackUrls"`
	Title        string              `json:"title"`
	Before       []string            `json:"before"`
	Sections     []adminGuideSection `json:"sections"`
	After        []string            `json:"after"`
	Source       string              `json:"source"`
}

// adminHost is the org that a guide is for.
type adminHost struct {
	LoginHost string            `json:"loginHost"`
	Type      orgType           `json:"type"`
	Advice    string            `json:"advice,omitempty"`
	Links     map[string]string `json:"links"` // pages of its Setup
}

type adminGuideSection struct {
	Title string           `json:"title"`
	Note  string           `json:"note,omitempty"`
	Steps []adminGuideStep `json:"steps"`
}

type adminGuideStep struct {
	Do       string              `json:"do"`
	Note     string              `json:"note,omitempty"`
	Settings []adminGuideSetting `json:"settings"`
}

type adminGuideSetting struct {
	Label  string   `json:"label"`
	Values []string `json:"values"`
	Copy   bool     `json:"copy"` // the values are typed or pasted, not chosen
	Hint   string   `json:"hint,omitempty"`
	Note   string   `json:"note,omitempty"`
}

// guide is the setup guide for an org that is named by its login host. Nothing is asked of the org.
func (a *adminAPI) guide(r adminhttp.Request) adminhttp.Answer {
	q := r.URL.Query()
	kind := metadata.Kind(q.Get("kind")).OrDefault()
	var bad []adminhttp.Field
	if !kind.Known() {
		bad = append(bad, adminhttp.Field{Field: "kind", Message: "The kind must be ExternalClientApp or ConnectedApp."})
	}
	var of *adminHost
	if given := q.Get("host"); given != "" {
		host, err := oauthflow.ParseHost(given, a.regions...)
		for _, w := range WrongEntries(err) {
			bad = append(bad, adminhttp.Field{Field: "host", Message: w.Text})
		}
		of = &adminHost{host.String(), typeOf(host), host.Advisory(), setupLinks(host)}
	}
	if len(bad) > 0 {
		return adminhttp.Invalid(bad...).Answer()
	}
	g := SetupGuide(a.c.site, kind)
	out := adminGuide{
		Site: a.c.site, Kind: kind, Host: of, CallbackURLs: a.c.site.CallbackURLs(),
		Title: g.Title, Before: g.Before, After: g.After, Source: g.Source,
	}
	for _, s := range g.Sections {
		section := adminGuideSection{Title: s.Title, Note: s.Note}
		for _, step := range s.Steps {
			shown := adminGuideStep{Do: step.Do, Note: step.Note, Settings: []adminGuideSetting{}}
			for _, set := range step.Settings {
				shown.Settings = append(shown.Settings, adminGuideSetting{
					set.Label, append([]string{}, set.Values...), pasted(set), set.Hint, set.Note,
				})
			}
			section.Steps = append(section.Steps, shown)
		}
		out.Sections = append(out.Sections, section)
	}
	return adminhttp.OK(out)
}

// pasted reports whether the values of a setting are typed or pasted: what is chosen from a list or selected is not.
func pasted(s GuideSetting) bool {
	return len(s.Values) > 0 && (s.Hint == "" || strings.HasPrefix(s.Hint, "Copy and paste"))
}
