"""Signatures of locks and images, made and verified by cosign."""
