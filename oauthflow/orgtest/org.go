package orgtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Org is one simulated org. Make it with [New].
type Org struct {
	cfg Config

	mu         sync.Mutex
	id         string             // 18 characters
	host       string             // current My Domain host
	oldHosts   map[string]oldHost // names the org had before
	poolStatus int                // what the generic login hosts redirect token requests with; 0 = they answer them
	users      []*person
	components components
	apps       map[string]*app // by API name; an app goes with its metadata
	departed   map[string]*app // by consumer key: apps this org no longer has
	codes      map[string]*code
	sessions   map[string]*session // by access token
	refresh    map[string]*refreshToken
	approvals  []*approval
	jobs       map[string]*job
	running    int // deploys that are not over
	faults     []*armed
	ledger     []Entry
	tickets    map[string]string // consent page to user name
	keyTurn    int               // which signing key is in use
	serial     int
	release    atomic.Int64 // a Release

	records, toolingRecords objects
	results                 map[string]*found // of queries, by locator
	calls                   []time.Time       // API requests of the last day
	handlers                *http.ServeMux    // of the test
}

// person is a user with the id the org gave them.
type person struct {
	User
	id      string
	created time.Time
}

// New makes an org. It reports every field of the configuration that cannot be used.
func New(cfg Config) (*Org, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("orgtest: %w", err)
	}
	o := &Org{
		cfg:        cfg,
		oldHosts:   map[string]oldHost{},
		components: components{},
		apps:       map[string]*app{},
		departed:   map[string]*app{},
		codes:      map[string]*code{},
		sessions:   map[string]*session{},
		refresh:    map[string]*refreshToken{},
		jobs:       map[string]*job{},
		tickets:    map[string]string{},
		results:    map[string]*found{},
		handlers:   http.NewServeMux(),
	}
	o.records = objects{map[string]*table{"account": accounts()}, o.ownTable}
	o.toolingRecords = objects{map[string]*table{}, func(string) *table { return nil }}
	o.id = id18("00DTEST" + random(base62, 8))
	o.release.Store(int64(cfg.Release))
	o.host = o.hostOf(cfg.MyDomain)
	for _, u := range cfg.Users {
		o.users = append(o.users, &person{User: u, id: o.newID("005"), created: cfg.Now()})
	}
	if err := o.install(cfg.Existing); err != nil {
		return nil, fmt.Errorf("orgtest: Config.Existing: %w", err)
	}
	return o, nil
}

// InstanceURL is the address of the org's API, the My Domain host: "https://acme.my.salesforce.com".
func (o *Org) InstanceURL() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return "https://" + o.host
}

// LoginHost is the generic login host that knows this org: "login.salesforce.com", or "test.salesforce.com" for a sandbox.
func (o *Org) LoginHost() string {
	if o.cfg.Sandbox {
		return "test.salesforce.com"
	}
	return "login.salesforce.com"
}

// ID is the org's 18-character id. It begins with 00DTEST, so that it is never mistaken for a real one.
func (o *Org) ID() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.id
}

// AdminSession opens a session for the first user and returns what an administrator's tooling works with: the instance URL
// and an access token fit for REST and for the Metadata API. Each call opens a new session, even if that user is frozen.
func (o *Org) AdminSession() (instanceURL, accessToken string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.openSession(o.users[0], nil)
	return "https://" + o.host, s.token
}

// ExpireSessions ends every session of the org, as if nobody had used one for longer than the timeout: all access tokens
// are dead, refresh tokens live on. Source: help, session policies of connected apps.
func (o *Org) ExpireSessions() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.sessions {
		s.end(o.now())
	}
	o.record(Entry{Event: "sessions expired"})
}

// now is the org's time; the caller may hold the lock.
func (o *Org) now() time.Time { return o.cfg.Now() }

// hostOf builds the host name of a My Domain. Source: help, My Domain URL formats.
func (o *Org) hostOf(domain string) string {
	if o.cfg.Sandbox {
		return domain + ".sandbox.my.salesforce.com"
	}
	return domain + ".my.salesforce.com"
}

// userNamed finds a user by user name, nil if there is none.
func (o *Org) userNamed(username string) *person {
	i := slices.IndexFunc(o.users, func(p *person) bool { return strings.EqualFold(p.Username, username) })
	if i < 0 {
		return nil
	}
	return o.users[i]
}

// sorted lists the keys of a map in order, so that answers do not vary from run to run.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
