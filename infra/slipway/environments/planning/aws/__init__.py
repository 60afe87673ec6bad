"""The plan of an environment on AWS: pools out of instance types, node groups, and what is charged by the hour."""

from slipway.environments.planning.aws.planning import planning_of

__all__ = ["planning_of"]
