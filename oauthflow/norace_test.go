//go:build !race

package oauthflow_test

const raced = false
