"""The resource types of EKS."""
