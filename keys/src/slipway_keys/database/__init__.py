"""PostgreSQL: connections, migrations, keys, limits and the ledger."""
