"""What the gateway adds to a request, beside Envoy and nginx that proxy alone, in the same run."""
