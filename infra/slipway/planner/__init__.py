"""Makes the plan of an environment, prices it, and checks it against the policy."""
