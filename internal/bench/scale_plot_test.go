package bench

import (
	"fmt"
	"strings"
)

// panel is one diagram of the plot: lines over hours, and a limit where there is one.
type panel struct {
	title, unit string
	most        float64 // upper end of the scale
	limit       float64 // 0: none
	limitText   string
	everyHours  int // distance of the marks below
	mark        func(hour int) string
	lines       []plotLine
}

type plotLine struct {
	name   string
	values []float64 // by the hour
}

const (
	plotWidth, panelHeight  = 760, 250
	plotLeft, plotRight     = 64, 24
	plotTop, plotBottom     = 48, 44
	plotInner, plotInnerTop = plotWidth - plotLeft - plotRight, panelHeight - plotTop - plotBottom
)

const plotStyle = `<style>
text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:15px}.grid{stroke:#d0d7de}.limit{stroke:#cf222e;stroke-dasharray:6 4}
.l0{stroke:#0969da}.l1{stroke:#bc4c00}.l2{stroke:#1a7f37}.l0,.l1,.l2{fill:none;stroke-width:2}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.limit{stroke:#ff7b72}.l0{stroke:#58a6ff}.l1{stroke:#f0883e}.l2{stroke:#3fb950}}
</style>
`

// plot returns the panels, one below the other, as an SVG document that reads well on light and dark pages.
func plot(title string, panels ...panel) string {
	var b strings.Builder
	height := panelHeight * len(panels)
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img" aria-label="%s">`+"\n", plotWidth, height, title)
	b.WriteString(plotStyle)
	for i, p := range panels {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n", i*panelHeight)
		p.draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (p panel) draw(b *strings.Builder) {
	hours := 1
	for _, l := range p.lines {
		hours = max(hours, len(l.values)-1)
	}
	x := func(h int) float64 { return plotLeft + plotInner*float64(h)/float64(hours) }
	y := func(v float64) float64 { return plotTop + plotInnerTop*(1-v/p.most) }
	fmt.Fprintf(b, `<text class="title" x="%d" y="20">%s</text>`+"\n", plotLeft, p.title)
	for i := range 5 {
		v := p.most * float64(i) / 4
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%.4g</text>`+"\n",
			plotLeft, y(v), plotWidth-plotRight, plotLeft-8, y(v)+4, v)
	}
	for h := 0; h <= hours; h += p.everyHours {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n", x(h), panelHeight-plotBottom+20, p.mark(h))
	}
	for i, l := range p.lines {
		var d strings.Builder
		for h, v := range l.values {
			fmt.Fprintf(&d, "%c%.1f %.1f", "ML"[min(h, 1)], x(h), y(min(v, p.most)))
		}
		fmt.Fprintf(b, `<path class="l%d" d="%s"/>`+"\n", i, d.String())
		fmt.Fprintf(b, `<path class="l%d" d="M%d 36h18"/><text x="%d" y="40">%s</text>`+"\n", i, plotLeft+i*150, plotLeft+i*150+24, l.name)
	}
	fmt.Fprintf(b, `<text x="%d" y="40" text-anchor="end">%s</text>`+"\n", plotWidth-plotRight, p.unit)
	if p.limit > 0 {
		fmt.Fprintf(b, `<path class="limit" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, y(p.limit), plotWidth-plotRight, plotWidth-plotRight-4, y(p.limit)-6, p.limitText)
	}
}
