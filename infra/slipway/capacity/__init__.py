"""The capacity of node pools: which is eligible for a model, how many replicas fit, how an update rolls."""
