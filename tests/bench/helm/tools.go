//go:build tools

// Package tools pins Helm, the peer that `make bench` renders the same manifests with.
package tools

import _ "helm.sh/helm/v3/cmd/helm"
