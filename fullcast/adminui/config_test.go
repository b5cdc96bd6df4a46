package adminui_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/adminui"
)

func TestAConfigurationThatLeadsNowhereIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*adminui.Config)
		field  string
	}{
		"a sign-in page that needs one to be signed in": {func(c *adminui.Config) { c.SignIn = "/salesforce/sign-in" }, "Config.SignIn"},
		"a sign-in page that is the home":               {func(c *adminui.Config) { c.SignIn = home }, "Config.SignIn"},
		"a sign-in page that is another callback page":  {func(c *adminui.Config) { c.SignIn = "/app/motion/segments" }, "Config.SignIn"},
		"another site's sign-in page":                   {func(c *adminui.Config) { c.SignIn = "https://evil.example/sign-in" }, "Config.SignIn"},
		"another site's, as browsers read it":           {func(c *adminui.Config) { c.SignIn = "//evil.example" }, "Config.SignIn"},
		"the whole site as prefix":                      {func(c *adminui.Config) { c.Prefix = "/" }, "Config.Prefix"},
		"a pattern as prefix":                           {func(c *adminui.Config) { c.Prefix = "/{x}" }, "Config.Prefix"},
		"a page that is no callback page":               {func(c *adminui.Config) { c.Home = "/salesforce/home" }, "Config.Home"},
		"a page that is there twice":                    {func(c *adminui.Config) { c.Others = []adminui.Entry{{Path: home, Title: "Home"}} }, "Config.Others[0].Path"},
		"a name that is there twice":                    {func(c *adminui.Config) { c.Names = []string{"main", "main"} }, "Config.Names[1]"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := adminui.Config{
				API: http.NotFoundHandler(), Session: func(*http.Request) (fullcast.AdminUser, error) { return fullcast.AdminUser{}, nil },
				Site: fullcast.Production, SignIn: "/sign-in",
			}
			if _, err := adminui.New(cfg); err != nil {
				t.Fatal(err)
			}
			c.change(&cfg)
			_, err := adminui.New(cfg)
			if err == nil || strings.Count(err.Error(), "Config.") != 1 || !strings.HasPrefix(err.Error(), "adminui: "+c.field+":") {
				t.Errorf("%v", err)
			}
		})
	}
}
