"""KEDA on the local cluster, as others have it in the cloud: its programs, its image, its objects."""
