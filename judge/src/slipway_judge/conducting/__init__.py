"""One rollout conducted: evidence gathered, the state advanced and kept, the weights set."""
