//go:build tools

// Package tools pins the Versity S3 Gateway, the model store of the local environment.
package tools

import _ "github.com/versity/versitygw/cmd/versitygw"
