"""A stand-in for the pulumi-kubernetes plugin, for machines to which Pulumi cannot download it.

It speaks the provider protocol over server-side apply and keeps the plugin's state shape, identifiers, annotations
and replacement rules, so that a program and its state may move between the two. What it does not do (Helm,
Kustomize, YAML components, patch resources, client-side apply) it refuses by name.
"""
