"""What every plugin needs that speaks the engine's protocol."""
