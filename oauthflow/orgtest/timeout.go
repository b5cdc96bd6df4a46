package orgtest

import "time"

// sessionTimeouts are the timeouts that Setup lists. Source: Metadata API, SessionSettings, sessionTimeout.
var sessionTimeouts = map[string]time.Duration{
	"FifteenMinutes": 15 * time.Minute, "ThirtyMinutes": 30 * time.Minute, "SixtyMinutes": time.Hour, "NinetyMinutes": 90 * time.Minute,
	"TwoHours": 2 * time.Hour, "FourHours": 4 * time.Hour, "EightHours": 8 * time.Hour, "TwelveHours": 12 * time.Hour,
	"TwentyFourHours": 24 * time.Hour,
}

// sessionTimeout is that of apps without one of their own: what the org's session settings say, else what the test has configured.
func (o *Org) sessionTimeout() time.Duration {
	if c := o.components.find(securitySettings, "Security"); c != nil {
		if d := sessionTimeouts[c.body.value("sessionSettings/sessionTimeout")]; d > 0 {
			return d
		}
	}
	return o.cfg.SessionTimeout
}
