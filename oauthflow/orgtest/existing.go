package orgtest

import "fmt"

// install takes over metadata the org has from the start.
func (o *Org) install(files map[string]string) error {
	var list []change
	for _, name := range sorted(files) {
		if name == "package.xml" { // of a package as it would be deployed; its files say all
			continue
		}
		k, fullName, ok := kindOfFile(name)
		if !ok {
			return fmt.Errorf("%s: not the path of a metadata type this org knows", name)
		}
		body, err := parseXML([]byte(files[name]))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, change{kind: k, fullName: fullName, body: body, file: name})
	}
	for _, k := range kinds { // an org always has its settings
		if member := k.settingsMember(); member != "" && files[k.file(member)] == "" {
			list = append(list, change{kind: k, fullName: member, body: &node{}, file: k.file(member)})
		}
	}
	for _, c := range list {
		if c.typ == securitySettings && o.cfg.LockSessions {
			c.body.set("sessionSettings/lockSessionsToIp", "true")
		}
	}
	for _, res := range o.applyAll(o.components, list, rules{version: anyAPI, trusted: true}) {
		if res.problem != nil {
			return fmt.Errorf("%s: %s", res.file, res.problem.text)
		}
	}
	o.settle(o.components)
	for _, a := range o.apps {
		a.known = a.known.Add(-o.cfg.Propagation)
	}
	return nil
}
