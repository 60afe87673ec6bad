"""Prometheus and Alertmanager on the local cluster, run by the Prometheus Operator as others have it in the cloud."""
