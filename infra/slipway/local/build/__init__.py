"""Programs built from pinned Go modules, which lie in modules/, and the Go that builds them."""
