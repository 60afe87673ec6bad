"""An environment's EKS cluster, its nodes and EKS's own add-ons."""
