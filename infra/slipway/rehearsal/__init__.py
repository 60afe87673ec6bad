"""Rehearse the environments of kind aws: the same programs and the real engine, on stand-ins that say what they are."""
