package fullcast

import (
	"fmt"
	"html/template"
	"strings"
)

// Markdown returns the guide as Markdown.
func (g Guide) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", g.Title)
	for _, n := range g.Before {
		fmt.Fprintf(&b, "> %s\n>\n", n)
	}
	for _, s := range g.Sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.Title)
		if s.Note != "" {
			fmt.Fprintf(&b, "> **Note** %s\n\n", s.Note)
		}
		for i, step := range s.Steps {
			fmt.Fprintf(&b, "%d. %s\n", i+1, step.Do)
			if step.Note != "" {
				fmt.Fprintf(&b, "\n   > **Note** %s\n\n", step.Note)
			}
			for _, set := range step.Settings {
				fmt.Fprintf(&b, "   - **%s**", set.Label)
				if set.Hint != "" {
					fmt.Fprintf(&b, ": %s", set.Hint)
				}
				b.WriteByte('\n')
				for _, v := range set.copied() {
					fmt.Fprintf(&b, "     - `%s`\n", v)
				}
				if set.Note != "" {
					fmt.Fprintf(&b, "\n     > **Note** %s\n\n", set.Note)
				}
			}
		}
	}
	b.WriteString("\n## What follows in practice\n\n")
	for _, n := range g.After {
		fmt.Fprintf(&b, "- %s\n", n)
	}
	fmt.Fprintf(&b, "\nSource: <%s>\n", g.Source)
	return b.String()
}

// copied returns the values that are typed or pasted; the state of a checkbox is not.
func (s GuideSetting) copied() []string {
	if len(s.Values) == 1 && (s.Values[0] == "selected" || s.Values[0] == "cleared") {
		return nil
	}
	return s.Values
}

// HTML returns the guide as a fragment for a page of the service's own: headings from h2, ordered lists, and a code
// element with class "copy" for each value that is to be copied. It holds no script and no style.
func (g Guide) HTML() (template.HTML, error) {
	t, err := template.New("guide").Funcs(template.FuncMap{"copied": GuideSetting.copied}).Parse(guideTemplate)
	if err != nil {
		return "", &Error{Op: "guide", Err: err}
	}
	var b strings.Builder
	if err := t.Execute(&b, g); err != nil {
		return "", &Error{Op: "guide", Err: err}
	}
	return template.HTML(b.String()), nil // made by html/template
}

const guideTemplate = `<section class="guide">
<h2>{{.Title}}</h2>
{{range .Before}}<p class="note">{{.}}</p>
{{end}}{{range .Sections}}<h3>{{.Title}}</h3>
{{with .Note}}<p class="note">{{.}}</p>
{{end}}<ol>
{{range .Steps}}<li>{{.Do}}
{{with .Note}}<p class="note">{{.}}</p>
{{end}}{{if .Settings}}<dl>
{{range .Settings}}<dt>{{.Label}}</dt>
{{if .Hint}}<dd>{{.Hint}}</dd>
{{end}}{{range copied .}}<dd><code class="copy">{{.}}</code></dd>
{{end}}{{with .Note}}<dd class="note">{{.}}</dd>
{{end}}{{end}}</dl>
{{end}}</li>
{{end}}</ol>
{{end}}<h3>What follows in practice</h3>
<ul>
{{range .After}}<li>{{.}}</li>
{{end}}</ul>
<p><a href="{{.Source}}" rel="noreferrer">{{.Source}}</a></p>
</section>
`
