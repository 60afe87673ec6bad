"""What each command of `slipway` does; cli.py only reads their arguments."""
