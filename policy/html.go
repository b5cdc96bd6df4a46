package policy

import (
	_ "embed"
	"html/template"
	"strings"
)

//go:embed report.html
var pageSource string

// page is the whole HTML page. Its policy for contents forbids everything but its own style.
var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"kind":      kindInWords,
	"lines":     func(s string) []string { return strings.Split(s, "\n") },
	"printable": printable,
	"totals":    Report.totals,
	"where":     Finding.where,
}).Parse(pageSource))
