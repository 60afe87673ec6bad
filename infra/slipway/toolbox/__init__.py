"""Run the field's own tools in environments of their own, locked, none of which Slipway depends on."""
