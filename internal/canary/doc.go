// Command canary looks for secrets in what a program or a test prints. It passes its input on, and fails when a secret was
// in it: plain, as a URL, JSON, HTML, base64, hex or a list of bytes writes it, or two of these one in the other.
//
//	go run ./examples/quickstart 2>&1 | canary
//	go test -json ./... 2>&1 | canary -json
//
// With -json it passes on what go test shows without -v, and looks at all that it prints with it.
//
// It knows a secret by its shape, as Salesforce and its simulator make tokens, codes and consumer secrets, and, with
// -values, by its value. Those come from the tests themselves: built over "canary -overlay", every process that finds a file
// named in SFAUTH_CANARY writes there each value that it makes a Secret of. No code of the SDK knows of this; the overlay is
// for the compiler.
package main
