"""Plugins of the Pulumi engine for machines that cannot download them."""
