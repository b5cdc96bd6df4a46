package interop_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// A browser is an admin who follows a link, fills every form put before him and sends it, until he is sent away from the
// login host: it keeps cookies, follows redirects and reads HTML.
type browser struct {
	client http.Client
	fill   map[string]string // what the admin types, by the name of the input
}

func newBrowser(f *front, fill map[string]string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	leaving := func(r *http.Request, via []*http.Request) error {
		if !slices.Contains(f.names, r.URL.Hostname()) {
			return http.ErrUseLastResponse
		}
		if len(via) > 10 {
			return errors.New("too many redirects")
		}
		return nil
	}
	return &browser{http.Client{Transport: f.transport(), Jar: jar, CheckRedirect: leaving}, fill}, nil
}

// follow opens the link and returns where the browser is sent in the end: the callback URL with its query.
func (b *browser) follow(link string) (*url.URL, error) {
	resp, err := b.client.Get(link)
	for range 5 {
		if err != nil {
			return nil, err
		}
		if away := resp.Header.Get("Location"); away != "" {
			resp.Body.Close()
			return url.Parse(away)
		}
		resp, err = b.submit(resp)
	}
	return nil, fmt.Errorf("still no callback after five forms")
}

func (b *browser) submit(page *http.Response) (*http.Response, error) {
	defer page.Body.Close()
	doc, err := html.Parse(page.Body)
	if err != nil {
		return nil, err
	}
	form := find(doc, "form")
	if form == nil {
		return nil, fmt.Errorf("%s: status %d and no form", page.Request.URL.Path, page.StatusCode)
	}
	action, err := page.Request.URL.Parse(attribute(form, "action"))
	if err != nil {
		return nil, err
	}
	values := url.Values{}
	for n := range form.Descendants() {
		if n.Type != html.ElementNode || n.Data != "input" || attribute(n, "name") == "" {
			continue
		}
		name := attribute(n, "name")
		if typed, ok := b.fill[name]; ok {
			values.Set(name, typed)
		} else {
			values.Set(name, attribute(n, "value"))
		}
	}
	return b.client.Post(action.String(), "application/x-www-form-urlencoded", strings.NewReader(values.Encode()))
}

func find(root *html.Node, tag string) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
