"""Entry of `pulumi up`: the stack's name picks the program."""

from stacks.by_hand import run

run()
