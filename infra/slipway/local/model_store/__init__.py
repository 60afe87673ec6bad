"""The model store of the local environment: a real S3 server that pods and this machine reach by the node's address."""
