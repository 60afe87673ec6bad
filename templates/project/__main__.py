"""Entry of `pulumi up`: the stack's name picks the program."""

from slipway.commands.by_hand import run

run()
