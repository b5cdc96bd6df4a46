package sfauth_test

import (
	"crypto/tls"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

// A construction is one call of a constructor with input of which every field that can be at fault is.
type construction struct {
	name   string // package and function
	err    func() error
	fields []string // that the error must name
}

func constructions() []construction {
	insecure := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	named := &http.Transport{TLSClientConfig: &tls.Config{ServerName: "acme.example"}}
	manager := oauthflow.ManagerConfig{
		StoreCalls: -1, Environment: "über", StoreEpoch: strings.Repeat("x", 65), APITransport: insecure,
		Timing: oauthflow.Timing{Lease: -1, Quiet: -1, Confirm: -1, LastTry: -1, Recheck: -1, Login: -1},
	}
	return []construction{
		{"fullcast.NewConnector", func() error {
			_, err := fullcast.NewConnector(fullcast.Config{})
			return err
		}, []string{"Config.Site", "Config.Store", "Config.Keyring"}},
		{"fullcast.NewConnector", func() error {
			_, err := fullcast.NewConnector(fullcast.Config{
				Site: "app.fullcast.io/", Environment: "über", StoreCalls: 5000, StoreEpoch: strings.Repeat("x", 65),
				Transport: insecure, APITransport: named,
				EgressAddresses: []string{"203.0.113.7", "10.0.0.1", "everywhere"},
			})
			return err
		}, []string{"Config.Site", "Config.EgressAddresses[1]", "Config.EgressAddresses[2]", "Config.Transport", "Config.APITransport", "Config.Store",
			"Config.StoreCalls", "Config.Keyring", "Config.Environment", "Config.StoreEpoch"}},
		{"fullcast.NewConnector", func() error {
			_, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Transport: insecure})
			return err
		}, []string{"Config.Transport", "Config.Store", "Config.Keyring"}},
		{"fullcast.AdminAPI", func() error {
			var sf *fullcast.Connector // its configuration is looked at first
			_, err := sf.AdminAPI(fullcast.AdminConfig{Origins: []string{"*"}, Names: []string{""}, Regions: []oauthflow.Region{"x"}, LoginsPerHour: -1})
			return err
		}, []string{"AdminConfig.Session", "AdminConfig.Origins[0]", "AdminConfig.Names[0]", "AdminConfig.Regions[0]", "AdminConfig.LoginsPerHour"}},
		{"fullcast/adminui.New", func() error { _, err := adminui.New(adminui.Config{}); return err },
			[]string{"Config.API", "Config.Session", "Config.Site", "Config.SignIn"}},
		{"fullcast/adminui.New", func() error {
			_, err := adminui.New(adminui.Config{
				Site: fullcast.Production, SignIn: "sign-in", Home: "/home", Prefix: "/sales force/", Names: []string{"main", ""},
				Others: []adminui.Entry{{Path: "/elsewhere", Title: "Elsewhere"}, {Path: "/app/motion/segments"}},
			})
			return err
		}, []string{"Config.API", "Config.Session", "Config.SignIn", "Config.Prefix", "Config.Home", "Config.Others[0].Path", "Config.Others[1].Title", "Config.Names[1]"}},
		{"metadata.NewOrg", func() error { _, err := metadata.NewOrg(metadata.OrgConfig{}); return err },
			[]string{"OrgConfig.HTTPClient", "OrgConfig.InstanceURL", "OrgConfig.Session", "OrgConfig.Version"}},
		{"oauthflow.NewFlow", func() error {
			_, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{"x", "x"}, Transport: insecure})
			return err
		}, []string{"Config.RedirectURLs[0]", "Config.RedirectURLs[1]", "Config.Transport"}},
		{"oauthflow.NewFlow", func() error { _, err := oauthflow.NewFlow(oauthflow.Config{}); return err }, []string{"Config.RedirectURLs"}},
		{"oauthflow.NewManager", func() error { _, err := oauthflow.NewManager(manager); return err },
			[]string{"ManagerConfig.Flow", "ManagerConfig.Store", "ManagerConfig.StoreCalls", "ManagerConfig.Keyring", "ManagerConfig.Environment",
				"ManagerConfig.StoreEpoch", "ManagerConfig.APITransport",
				"ManagerConfig.Timing.Lease", "ManagerConfig.Timing.Quiet", "ManagerConfig.Timing.Confirm", "ManagerConfig.Timing.LastTry",
				"ManagerConfig.Timing.Recheck", "ManagerConfig.Timing.Login"}},
		{"oauthflow/tokenstore.NewKeyring", func() error {
			good := tokenstore.GenerateSealingKey("twice")
			_, err := tokenstore.NewKeyring(tokenstore.SealingKey{}, good, good, tokenstore.SealingKey{ID: "a/b"})
			return err
		}, []string{"current.ID", "current.Key", "former[1].ID", "former[2].ID", "former[2].Key"}},
		{"oauthflow/tokenstore/filestore.Open", func() error { _, err := filestore.Open(filestore.Config{}); return err }, []string{"Config.Dir"}},
		{"oauthflow/orgtest.New", func() error {
			_, err := orgtest.New(orgtest.Config{
				MyDomain: "Acme_", SessionTimeout: -1, ApprovalLimit: -1, RefreshTime: -1, Release: -1, ValidUntilRevoked: -1,
				IntrospectionLag: -1, Propagation: -1, DeployTime: -1, Users: []orgtest.User{{Username: "nobody"}},
			})
			return err
		}, []string{"Config.MyDomain", "Config.SessionTimeout", "Config.ApprovalLimit", "Config.RefreshTime", "Config.Release",
			"Config.ValidUntilRevoked", "Config.IntrospectionLag", "Config.Propagation", "Config.DeployTime", "Config.Users[0]"}},
	}
}

func TestAConstructorNamesEveryFieldAtFaultInOneLineOfOneError(t *testing.T) {
	for _, c := range constructions() {
		err := c.err()
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		text := err.Error()
		for _, field := range c.fields {
			if n := strings.Count(text+" ", field+" ") + strings.Count(text, field+":"); n != 1 {
				t.Errorf("%s: %d times %s in: %s", c.name, n, field, text)
			}
		}
		if m := fieldOf.FindAllString(text, -1); len(m) != len(c.fields) {
			t.Errorf("%s: it names %q, want %q", c.name, m, c.fields)
		}
		if strings.Contains(text, "\n") {
			t.Errorf("%s: more than a line: %q", c.name, text)
		}
		if m := prefixOf.FindAllString(text, -1); len(m) != 1 || !strings.HasPrefix(text, m[0]) {
			t.Errorf("%s: the prefixes of packages are %q in: %s", c.name, m, text)
		}
	}
}

var (
	prefixOf = regexp.MustCompile(`\b(fullcast|adminui|oauthflow|tokenstore|metadata|filestore|sqlstore|redisstore|orgtest|oteloauth): `)
	fieldOf  = regexp.MustCompile(`\b((?:Manager|Org|Admin)?Config\.\w+(\.\w+)*|current\.\w+|former\[\d+\]\.\w+)`)
)

// Those of modules of their own are in such a table beside them.
func TestEachConstructorWithAConfigurationIsInTheTable(t *testing.T) {
	signature := regexp.MustCompile(`(?m)^func (?:\(\w+ \*\w+\) )?((?:New|Open)\w*)\([^)]*(?:Config|SealingKey)\b[^)]*\) \(.*error\)$`)
	for _, pkg := range public {
		for _, m := range signature.FindAllStringSubmatch(exported(t, pkg), -1) {
			name := pkg + "." + m[1]
			listed := false
			for _, c := range constructions() {
				listed = listed || c.name == name
			}
			switch pkg {
			case "oauthflow/tokenstore/sqlstore", "oauthflow/tokenstore/redisstore":
				own, err := os.ReadFile(pkg + "/constructor_test.go")
				listed = err == nil && strings.Contains(string(own), "NamesEveryFieldAtFault")
			case "oauthflow/oteloauth":
				listed = true // no field of its Config can be at fault; its error is the MeterProvider's
			}
			if !listed {
				t.Errorf("%s is in no table", name)
			}
		}
	}
}
