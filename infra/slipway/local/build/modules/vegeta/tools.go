//go:build tools

// Package tools pins vegeta, the open-loop load generator of the tests and benchmarks.
package tools

import _ "github.com/tsenart/vegeta/v12"
