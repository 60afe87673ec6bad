"""The plan of an environment on AWS: pools out of instance types, node groups, and what is charged by the hour."""
