//go:build tools

// Package tools pins toxiproxy, which tests put between a device and what it asks, to make the link slow and to cut it.
package tools

import _ "github.com/Shopify/toxiproxy/v2/cmd/server"
