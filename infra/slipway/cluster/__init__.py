"""The API server, and what is read from it: pods, rollouts, who owns what."""
