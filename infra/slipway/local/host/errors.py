"""Say the one family of errors that a person of the local environment sees without a traceback."""


class LocalError(Exception):
    """Something about this machine or a daemon on it: what failed, why, and what to do next, in one message."""
