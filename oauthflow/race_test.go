//go:build race

package oauthflow_test

// raced says that each step takes ten times as long: what only counts is counted less often.
const raced = true
