package fullcast

// AdminRoutes are the routes of [Connector.AdminAPI], each with its method.
func AdminRoutes(c *Connector) (all []string) {
	for _, r := range (&adminAPI{c: c}).routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}
