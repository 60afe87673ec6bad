"""The rules that nothing is deployed against: one set, run offline over a plan and by Pulumi over its resources."""
