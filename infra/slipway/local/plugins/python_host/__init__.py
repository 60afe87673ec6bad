"""Run Python programs for a Pulumi CLI that was built from its Go module and came without language hosts.

The official executor (`pulumi-language-python-exec`) and the official dynamic provider script come with the
CLI's Go module and are used as they are; only the language host, a Go program outside that module, is written
here.
"""
