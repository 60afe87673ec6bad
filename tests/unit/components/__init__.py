"""Tests of components: what they do before and beside the engine."""
