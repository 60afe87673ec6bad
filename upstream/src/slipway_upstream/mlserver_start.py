"""Start MLServer on a folder of settings."""

import sys


def mlserver_command(arguments: list[str], variables: dict[str, str]) -> list[str]:
    """The words that start MLServer. It keeps its state in the folder it is in, which is /tmp in a pod."""
    variables.setdefault("HOME", "/tmp")  # noqa: S108 - the only folder that a pod may write to
    return [sys.executable, "-m", "mlserver.cli.main", *arguments]
