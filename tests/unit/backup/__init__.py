"""Unit tests of `slipway.backup`."""
