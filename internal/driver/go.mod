module github.com/fullcast/sfauth/internal/driver

go 1.26.0

require (
	github.com/fullcast/sfauth v0.1.0
	github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore v0.1.0
)

require (
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/go-resty/resty/v2 v2.17.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.0.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	modernc.org/libc v1.77.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // indirect
	github.com/go-jose/go-jose/v4 v4.1.8 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	modernc.org/sqlite v1.60.1
)

replace (
	github.com/fullcast/sfauth => ../..
	github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore => ../../oauthflow/tokenstore/sqlstore
)
