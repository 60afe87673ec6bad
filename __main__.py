"""Entry of `pulumi up`: the stack's name picks the program."""

from slipway.by_hand import run

run()
