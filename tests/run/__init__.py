"""`make test`: every part of it, side by side where that is possible, and what each took."""
