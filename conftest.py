"""What tests of all folders share: how many examples hypothesis tries."""

from hypothesis import HealthCheck, settings

from tests.support import rounds

# Tests share a machine with whatever else runs on it: how long an example takes says nothing.
settings.register_profile(
    "slipway", deadline=None, suppress_health_check=list(HealthCheck), max_examples=2500 if rounds.FULL else 250
)
settings.load_profile("slipway")
