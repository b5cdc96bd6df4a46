package interop_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// The examples' README walks from an empty org to a call. Here a shell takes that walk with the programs themselves:
// they reach the org by its production names, through a proxy, over verified TLS.
func TestTheWalkInTheExamplesREADMEWorksAsWritten(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "examples", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```sh\n")
	walk, _, ok := strings.Cut(rest, "```\n")
	if !ok {
		t.Fatal("the README shows no commands")
	}
	org, f := startOrg(t, orgtest.Config{MyDomain: "acme"})
	_, session := org.AdminSession()

	// What the reader copies from elsewhere: a session, and the consumer key that the first command has printed by then.
	noted := filepath.Join(t.TempDir(), "consumer-key")
	if err := syscall.Mkfifo(noted, 0o600); err != nil {
		t.Fatal(err)
	}
	walk = replaceOnce(t, walk, "SF_ACCESS_TOKEN=…", "SF_ACCESS_TOKEN='"+session+"'")
	walk = replaceOnce(t, walk, "3MVG9…", `"$(cat '`+noted+`')"`)

	build := exec.Command("go", "build", "-o", t.TempDir(), "./examples/...") // which may download, and the walk may not
	build.Dir, build.Env = root, append(os.Environ(), "GOWORK=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	shell := exec.CommandContext(t.Context(), "bash", "-eu", "-c", walk)
	shell.Dir = root
	shell.Env = append(os.Environ(), "GOWORK=", "GOPROXY=off", "HTTPS_PROXY="+startTunnel(t, f), "SSL_CERT_FILE="+authorityFile(t, f),
		"SFAUTH_DIR="+filepath.Join(t.TempDir(), "kept"), "SFAUTH_CONSUMER_SECRET=", "SFAUTH_POSTGRES=")
	keyboard, err := shell.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	reader := &person{questions: []question{
		{`Consumer key: (\S+)\n`, func(key string) {
			go os.WriteFile(noted, []byte(key), 0) // which waits until the shell reads
		}},
		{`Show the consumer secret here\? \[y/N\] `, func(string) { fmt.Fprintln(keyboard, "n") }},
		{`Consumer secret \(not shown\): `, func(string) {
			_, secret, err := org.Credentials("Fullcast")
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintln(keyboard, secret)
		}},
		{`(https://acme\.my\.salesforce\.com/services/oauth2/authorize\?\S+)\s+Paste the address of the page you land on: `, func(redirect string) {
			landed, err := org.Approve(t.Context(), redirect)
			if err != nil {
				t.Error(err)
			}
			fmt.Fprintln(keyboard, landed)
		}},
	}}
	shell.Stdout, shell.Stderr = reader, reader
	err = shell.Run()
	// The link goes to the browser with the login's state and nonce, which are found in what is printed here.
	t.Log(regexp.MustCompile(`(/services/oauth2/authorize)\?\S+`).ReplaceAllString(reader.read, "$1?…"))
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{"5 of 5 components", "Connected to org " + org.ID(), `"Name":"Acme"`, "0 findings", "nothing was changed", "has revoked the tokens"} {
		if !strings.Contains(reader.read, want) {
			t.Errorf("nothing says %q", want)
		}
	}
}

// A person reads what programs print, and answers each question as soon as it is asked.
type person struct {
	questions []question
	read      string
	answered  int // bytes of read
}

type question struct {
	pattern string
	answer  func(what string)
}

var _ io.Writer = (*person)(nil)

func (p *person) Write(b []byte) (int, error) {
	p.read += string(b)
	for {
		asked := slices.IndexFunc(p.questions, func(q question) bool { return regexp.MustCompile(q.pattern).MatchString(p.read[p.answered:]) })
		if asked < 0 {
			return len(b), nil
		}
		q := p.questions[asked]
		at := regexp.MustCompile(q.pattern).FindStringSubmatchIndex(p.read[p.answered:])
		what := p.read[p.answered+at[len(at)-2] : p.answered+at[len(at)-1]]
		p.answered += at[1]
		q.answer(what)
	}
}

func replaceOnce(t *testing.T, in, old, with string) string {
	t.Helper()
	if n := strings.Count(in, old); n != 1 {
		t.Fatalf("%q stands %d times in\n%s", old, n, in)
	}
	return strings.Replace(in, old, with, 1)
}
