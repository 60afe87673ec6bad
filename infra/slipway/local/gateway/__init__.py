"""Envoy Gateway on the local cluster, as others have it in the cloud: its programs, its images, its controller."""
