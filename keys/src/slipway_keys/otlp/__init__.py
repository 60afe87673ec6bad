"""The access log of the gateway, received by OTLP: how admitted calls ended."""
