module github.com/fullcast/sfauth/internal/interop

go 1.26.0

require (
	github.com/coreos/go-oidc/v3 v3.21.0
	github.com/fullcast/sfauth v0.1.0
	golang.org/x/net v0.62.0
	golang.org/x/oauth2 v0.37.0
)

require (
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	github.com/go-resty/resty/v2 v2.17.2 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/fullcast/sfauth => ../..
