"""Keys, limits and the ledger of a gateway."""
