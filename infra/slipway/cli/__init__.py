"""The command `slipway`: what it takes, by group of commands."""

from slipway.cli.entry import main
from slipway.cli.group import cli

__all__ = ["cli", "main"]
