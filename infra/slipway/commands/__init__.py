"""What each command of `slipway` does; cli only reads their arguments."""
