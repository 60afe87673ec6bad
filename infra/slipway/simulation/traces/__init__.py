"""Traces of requests: CSV and access logs, read line by line into moments in order."""
