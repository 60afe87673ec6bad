"""Models without a replica: who calls one waits here until it has one, and whoever scales it hears of that."""
