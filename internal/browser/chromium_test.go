package browser_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/fullcast/sfauth/internal/needs"
)

// reach says where the browser finds a name, and whose certificate it takes there.
type reach struct {
	host string // of a URL, such as "app.fullcast.io"
	addr string // on loopback
	cert *x509.Certificate
}

// browser is one run of Chromium with a profile of its own.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// chromium returns its path; a test asks for it first, before it builds and starts what only a browser uses.
func chromium(t *testing.T) string {
	t.Helper()
	return needs.Program(t, "chromium", "chromium-browser", "google-chrome")
}

func startBrowser(t *testing.T, places ...reach) *browser {
	t.Helper()
	var maps, pins []string
	for _, p := range places {
		maps = append(maps, fmt.Sprintf("MAP %s:443 %s", p.host, p.addr))
		sum := sha256.Sum256(p.cert.RawSubjectPublicKeyInfo)
		pins = append(pins, base64.StdEncoding.EncodeToString(sum[:]))
	}
	maps = append(maps, "MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.1")
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)),
		chromedp.UserDataDir(profile(t)),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", strings.Join(maps, ", ")),
		chromedp.Flag("ignore-certificate-errors-spki-list", strings.Join(pins, ",")),
		chromedp.WindowSize(1100, 900),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("chromium does not start: %v", err)
	}
	return &browser{t, ctx}
}

// tab is one page with cookies of its own, as another person's browser has.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	referers []string
	errors   []string // what the console complains about, such as a violated content security policy
}

func (b *browser) open(t *testing.T) *tab {
	t.Helper()
	var id target.ID
	err := chromedp.Run(b.ctx, chromedp.ActionFunc(func(ctx context.Context) error {
		ctx = cdp.WithExecutor(ctx, chromedp.FromContext(ctx).Browser)
		person, err := target.CreateBrowserContext().Do(ctx)
		if err != nil {
			return err
		}
		id, err = target.CreateTarget("about:blank").WithBrowserContextID(person).WithNewWindow(true).Do(ctx)
		return err
	}))
	if err != nil {
		t.Fatalf("no window opens: %v", err)
	}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithTargetID(id))
	t.Cleanup(cancel)
	x := &tab{t: t, ctx: ctx}
	chromedp.ListenTarget(ctx, x.hear)
	if err := chromedp.Run(ctx, network.Enable(), log.Enable(), page.Enable()); err != nil { // the tab ends with this context
		t.Fatal(err)
	}
	return x
}

func (x *tab) hear(event any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSentExtraInfo:
		for name, value := range e.Headers {
			if strings.EqualFold(name, "Referer") {
				x.referers = append(x.referers, fmt.Sprint(value))
			}
		}
	case *log.EventEntryAdded:
		if e.Entry.Source == log.SourceSecurity || e.Entry.Source == log.SourceViolation {
			x.errors = append(x.errors, e.Entry.Text)
		}
	}
}

const patience = 20 * time.Second

func (x *tab) do(actions ...chromedp.Action) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		x.t.Fatalf("%v\nat %s\n%s", err, x.address(), x.text())
	}
}

// address is what the address bar shows, without a query.
func (x *tab) address() string {
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	var at string
	_ = chromedp.Run(ctx, chromedp.Location(&at))
	u, err := url.Parse(at)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

func (x *tab) text() string {
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	var text string
	_ = chromedp.Run(ctx, chromedp.Evaluate("document.body.innerText", &text))
	return text
}

func (x *tab) visit(address string) { x.t.Helper(); x.do(chromedp.Navigate(address)) }

func (x *tab) fill(selector, value string) {
	x.t.Helper()
	x.do(chromedp.WaitReady(selector, chromedp.ByQuery), chromedp.SetValue(selector, value, chromedp.ByQuery))
}

// press presses a button, or follows a link of the page, and waits for the page that comes.
func (x *tab) press(selector string) {
	x.t.Helper()
	x.arrive(selector, chromedp.Click(selector, chromedp.ByQuery))
}

// follow opens an address as a link from elsewhere does: nobody has typed it.
func (x *tab) follow(address string) {
	x.t.Helper()
	script, err := json.Marshal(address)
	if err != nil {
		x.t.Fatal(err)
	}
	x.arrive("a link", chromedp.Evaluate("location.assign("+string(script)+")", nil))
}

func (x *tab) arrive(what string, by chromedp.Action) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, by); err != nil {
		x.t.Fatalf("%s: %v\nat %s\n%s", what, err, x.address(), x.text())
	}
}

// until waits until an expression is true, on whatever page is there by then.
func (x *tab) until(expression string) {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	for {
		var is bool
		err := chromedp.Run(ctx, chromedp.Evaluate(expression, &is))
		if err == nil && is {
			return
		}
		select {
		case <-ctx.Done():
			x.t.Fatalf("%s never became true (%v)\nat %s\n%s", expression, err, x.address(), x.text())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// shows fails the test unless the page says all of it.
func (x *tab) shows(words ...string) {
	x.t.Helper()
	text := x.text()
	for _, w := range words {
		if !strings.Contains(text, w) {
			x.t.Fatalf("the page at %s does not say %q:\n%s", x.address(), w, text)
		}
	}
}

// keepsNoCode fails the test if a code stands in the history or was in a Referer.
func (x *tab) keepsNoCode() {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(x.ctx, patience)
	defer cancel()
	var entries []*page.NavigationEntry
	err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		_, entries, err = page.GetNavigationHistory().Do(ctx)
		return err
	}))
	if err != nil {
		x.t.Fatal(err)
	}
	if len(entries) == 0 {
		x.t.Fatal("there is no history; nothing was seen")
	}
	for _, e := range entries {
		if holdsCode(e.URL) {
			x.t.Errorf("the history keeps a code, at entry %q", e.Title)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.referers {
		if holdsCode(r) {
			x.t.Errorf("a Referer holds a code: one of %d", len(x.referers))
		}
	}
}

func holdsCode(address string) bool {
	return strings.Contains(address, "code=") && !strings.Contains(address, "response_type=code&")
}

// calm fails the test if the browser has complained.
func (x *tab) calm() {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range x.errors {
		x.t.Errorf("the browser complains: %s", e)
	}
}

// profile is an empty folder for one browser. A browser that has ended may leave a helper that still writes there, so
// that removing it takes patience, and a rest of it is no fault of the page.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for range 20 {
			if err := os.RemoveAll(dir); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("a rest of the browser's profile stays in %s", dir)
	})
	return dir
}
