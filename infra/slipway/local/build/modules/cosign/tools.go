//go:build tools

// Package tools pins cosign, which signs locks and images and verifies them.
package tools

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
