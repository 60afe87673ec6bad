"""Makes the plan of an environment, prices it, and holds it against the policy."""
