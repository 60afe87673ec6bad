"""What `slipway simulate` foretells of a load, beside what the real cluster did with it."""
