"""A tunnel to the private API server of a cluster of EKS, through Session Manager and the environment's bastion."""
