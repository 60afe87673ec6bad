"""Connections over gRPC: messages, calls, and the way down of their port."""
