package browser_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// reportPage writes the HTML report on two apps as a file, as a customer gets it by mail: one app in which much is wrong,
// with values that would break out of the page if they could, and one without fault.
func reportPage(t *testing.T) (name string) {
	t.Helper()
	want := fullcast.ExternalClientApp(fullcast.Production, "")
	app := fullcast.ExternalClientApp(fullcast.PreProduction, "admin@acme.example").New()
	wrong := false
	app.External.Label = `<img src="http://127.0.0.1:1/stolen">` + strings.Repeat("verylong", 30)
	app.GlobalOAuthSettings.IsPKCERequired = &wrong
	app.GlobalOAuthSettings.CallbackURL += "\nhttps://app.fullcast.io/" + strings.Repeat("path/", 40) + "?q=<script>fetch('http://127.0.0.1:1')</script>"
	app.OAuthPolicies.RefreshTokenPolicyType = "Zero"
	app.Policies = nil
	sets := slices.Concat(policy.Baseline(want), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
	old := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
	right := slices.DeleteFunc(policy.Baseline(old), func(r policy.Rule) bool { return slices.Contains(r.Needs, policy.PartSetupOnly) })
	var b bytes.Buffer
	err := policy.Write(&b, policy.HTML,
		policy.Check(policy.Subject{App: app, Version: 66, Settings: &metadata.OrgSettings{}}, sets...),
		policy.Check(policy.Subject{App: old.New(), Version: 66}, right...))
	if err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A watch notes what a tab asks for.
type watch struct {
	mu   sync.Mutex
	urls []string
}

func (x *tab) watch() *watch {
	w := &watch{}
	chromedp.ListenTarget(x.ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.urls = append(w.urls, e.Request.URL)
		}
	})
	return w
}

func (w *watch) seen() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.urls)
}

func fileURL(name string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(name)}).String()
}

func TestTheHTMLReport(t *testing.T) {
	b := startBrowser(t)
	for name, test := range map[string]func(*testing.T, *browser){
		"loads nothing and runs nothing":       reportLoadsNothing,
		"could not load anything unseen":       watchSees,
		"is readable in light, dark and print": reportIsReadable,
		"begins a printed page for each app":   reportPrints,
	} {
		t.Run(name, func(t *testing.T) { test(t, b) })
	}
}

func reportLoadsNothing(t *testing.T, b *browser) {
	x := b.open(t)
	w := x.watch()
	report := fileURL(reportPage(t))
	var scripts, findings int
	x.do(chromedp.Navigate(report),
		chromedp.Evaluate("document.scripts.length + document.images.length", &scripts),
		chromedp.Evaluate("document.querySelectorAll('article').length", &findings))
	if got := w.seen(); !slices.Equal(got, []string{report}) {
		t.Errorf("the page asked for %q, want itself alone", got)
	}
	if scripts != 0 || findings == 0 {
		t.Errorf("%d scripts and images in a page of %d findings", scripts, findings)
	}
	x.calm()
}

// watchSees shows that the watch would see a request.
func watchSees(t *testing.T, b *browser) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	x := b.open(t)
	w := x.watch()
	name := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(name, []byte(`<!DOCTYPE html><title>x</title><img src="`+server.URL+`/picture">`), 0o600); err != nil {
		t.Fatal(err)
	}
	x.do(chromedp.Navigate(fileURL(name)))
	if got := w.seen(); !slices.Contains(got, server.URL+"/picture") {
		t.Errorf("it saw %q alone", got)
	}
}

func reportIsReadable(t *testing.T, b *browser) {
	x := b.open(t)
	x.do(chromedp.Navigate(fileURL(reportPage(t))))
	for _, tt := range []struct {
		scheme, media string
		width         int64
		dark          bool
	}{
		{"light", "screen", 1100, false}, {"light", "screen", 320, false},
		{"dark", "screen", 1100, true}, {"dark", "screen", 320, true},
		{"dark", "print", 700, false}, // paper is light for everybody
	} {
		name := fmt.Sprintf("report-%s-%s-%d", tt.scheme, tt.media, tt.width)
		t.Run(name, func(t *testing.T) {
			var room, needed float64
			var faint []string
			var png []byte
			x.do(
				emulation.SetDeviceMetricsOverride(tt.width, 900, 1, false),
				emulation.SetEmulatedMedia().WithMedia(tt.media).WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: tt.scheme}}),
				chromedp.Evaluate("document.documentElement.clientWidth", &room),
				chromedp.Evaluate("document.documentElement.scrollWidth", &needed),
				chromedp.Evaluate(faintText, &faint),
				chromedp.CaptureScreenshot(&png),
			)
			if needed > room {
				t.Errorf("the page is %v wide, and has room for %v", needed, room)
			}
			for _, f := range faint {
				t.Errorf("hard to read: %s", f)
			}
			colours, corner := palette(t, png)
			if colours < 20 {
				t.Errorf("a picture of %d colours; the page is blank", colours)
			}
			if dark := corner < 0x8000; dark != tt.dark {
				t.Errorf("a dark page: %t, want %t", dark, tt.dark)
			}
			if *pictures != "" {
				x.do(chromedp.FullScreenshot(&png, 100))
				if err := os.WriteFile(filepath.Join(*pictures, name+".png"), png, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// faintText lists the texts whose contrast is below 4.5 to 1.
//
// Source: WCAG 2.2, 1.4.3 Contrast (Minimum).
const faintText = `(() => {
  const parse = (s) => s.match(/[\d.]+/g).map(Number);
  const light = (c) => {
    const [r, g, b] = c.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const e of document.body.querySelectorAll("*")) {
    if (![...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color).slice(0, 3)), light(behind(e))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5) faint.push(contrast.toFixed(2) + " to 1: " + e.textContent.trim().slice(0, 60));
  }
  return faint;
})()`

// palette tells how many colours a picture has, and how light its corner is, of 0xffff.
func palette(t *testing.T, png []byte) (colours int, corner uint32) {
	t.Helper()
	picture, _, err := image.Decode(bytes.NewReader(png))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[3]uint32]bool{}
	for y := picture.Bounds().Min.Y; y < picture.Bounds().Max.Y; y++ {
		for x := picture.Bounds().Min.X; x < picture.Bounds().Max.X; x++ {
			r, g, b, _ := picture.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	r, g, b, _ := picture.At(2, 2).RGBA()
	return len(seen), (r + g + b) / 3
}

func reportPrints(t *testing.T, b *browser) {
	x := b.open(t)
	var pdf []byte
	x.do(chromedp.Navigate(fileURL(reportPage(t))), chromedp.ActionFunc(func(ctx context.Context) (err error) {
		pdf, _, err = page.PrintToPDF().WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
		return err
	}))
	// Each app begins a page of its own, and what is wrong with the first takes more than one.
	if pages := bytes.Count(pdf, []byte("/Type /Page\n")); pages < 3 {
		t.Errorf("%d pages", pages)
	}
	if *pictures != "" {
		if err := os.WriteFile(filepath.Join(*pictures, "report.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
