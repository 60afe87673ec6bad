"""The cluster of a device that has Kubernetes: its API server, what is the agent's there, how a pod fares."""
