"""Start the server that a model's configuration names, in the place of this process, which SIGTERM then reaches."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slipway_upstream.mlserver_start import mlserver_command
from slipway_upstream.triton_start import triton_command

_CONFIG = Path("/etc/slipway/server.json")
_COMMANDS: Mapping[str, Callable[[list[str], dict[str, str]], list[str]]] = {
    "mlserver": mlserver_command,
    "triton": triton_command,
}
"""For each server: its arguments and the variables of its process -> the words that start it."""


def main() -> None:
    """Read the configuration and become the server; exits with 1 and one line when there is no such server."""
    config: dict[str, Any] = json.loads(Path(os.environ.get("SLIPWAY_CONFIG", _CONFIG)).read_bytes())
    server = config["server"]
    if server["program"] not in _COMMANDS:
        sys.exit(f"server.program is {server['program']!r}; this image starts {', '.join(sorted(_COMMANDS))}")
    variables = dict(os.environ)
    command = _COMMANDS[server["program"]](list(server["arguments"]), variables)
    os.execve(command[0], command, variables)  # noqa: S606 - the words come from the model's own configuration


if __name__ == "__main__":
    main()
