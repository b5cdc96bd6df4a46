package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// childVariable makes this program one process of a fleet: it names the store's folder and the org's address.
const childVariable = "SFAUTH_BENCH_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	printAll()
	os.Exit(code)
}

// there sends every request to one address.
type there struct{ host string }

func (s there) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host = "http", s.host
	return http.DefaultTransport.RoundTrip(r)
}

// child shows that it knows the connection's token, then has 250 callers replace it at once for each line that it reads,
// and writes how long the last one waited, in nanoseconds.
func child(text string) error {
	place, err := url.ParseQuery(text)
	if err != nil {
		return err
	}
	s, err := filestore.Open(filestore.Config{Dir: place.Get("dir")})
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := newManager(there{place.Get("host")}, s, benchKey)
	if err != nil {
		return err
	}
	defer m.Close(context.Background())
	source, lines := m.Source(acme), bufio.NewScanner(os.Stdin)
	for {
		tok, err := source.Token()
		if err != nil {
			return err
		}
		fmt.Println(tok.AccessToken)
		if !lines.Scan() {
			return nil
		}
		var mu sync.Mutex
		var last time.Duration
		var failed error
		var all sync.WaitGroup
		start := make(chan struct{})
		for range callers / processes {
			all.Go(func() {
				<-start
				began := time.Now()
				_, err := source.Replace(context.Background(), tok.AccessToken)
				mu.Lock()
				defer mu.Unlock()
				last = max(last, time.Since(began))
				if err != nil {
					failed = err
				}
			})
		}
		close(start)
		all.Wait()
		if failed != nil {
			return failed
		}
		fmt.Println(int64(last))
	}
}

const processes = 4

// fleet are processes over one store of files and one org, whose requests are counted.
type fleet struct {
	org      *transport
	commands []io.Writer
	said     []*bufio.Scanner
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{org: &transport{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		resp, err := f.org.RoundTrip(r)
		if err == nil {
			_, err = io.Copy(w, resp.Body)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	dir := filepath.Join(t.TempDir(), "records")
	s, err := filestore.Open(filestore.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	adopt(t, manager(t, f.org, s), acme)
	f.org.latency = latency
	place := url.Values{"dir": {dir}, "host": {server.Listener.Addr().String()}}.Encode()
	for range processes {
		c := exec.Command(os.Args[0])
		c.Env, c.Stderr = append(os.Environ(), childVariable+"="+place), os.Stderr
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			in.Close()
			if err := c.Wait(); err != nil {
				t.Error(err)
			}
		})
		f.commands, f.said = append(f.commands, in), append(f.said, bufio.NewScanner(out))
	}
	return f
}

// stampede has a thousand callers in all processes replace one token at once, and returns how long the last one waited
// and how many requests there were.
func (f *fleet) stampede(t *testing.T) (wait time.Duration, posts int64) {
	t.Helper()
	var tokens []string
	for _, said := range f.said {
		said.Scan()
		tokens = append(tokens, said.Text())
	}
	if tokens[0] == "" || len(slices.Compact(tokens)) != 1 {
		t.Fatal("the processes do not begin with the same token")
	}
	before := f.org.posts.Load()
	for _, in := range f.commands {
		if _, err := io.WriteString(in, "go\n"); err != nil {
			t.Fatal(err)
		}
	}
	for _, said := range f.said {
		var took time.Duration
		said.Scan()
		if _, err := fmt.Sscan(said.Text(), (*int64)(&took)); err != nil {
			t.Fatal(err)
		}
		wait = max(wait, took)
	}
	return wait, f.org.posts.Load() - before
}

func TestAThousandCallersInFourProcessesCauseOneRequest(t *testing.T) {
	f := newFleet(t)
	for range 3 {
		if _, posts := f.stampede(t); posts != 1 {
			t.Errorf("%d requests, want 1", posts)
		}
	}
}
