"""What models stand on inside an EKS cluster."""
