"""What the gateway of an environment has in the account: the database of its keys, and who may read its password."""
