module github.com/fullcast/sfauth/internal/faults

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/fullcast/sfauth v0.0.0
	go.uber.org/goleak v1.3.0
)

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace github.com/fullcast/sfauth => ../..
