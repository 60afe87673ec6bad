"""Samples of requests and answers that models kept: found by subject, read, and erased."""
