"""Write events as lines of JSON to stderr, where a cluster's log collector takes them."""

import json
import sys
import time


def log(event: str, **values: object) -> None:
    """Write one event with its values."""
    line = json.dumps({"time": round(time.time(), 3), "event": event, **values})
    print(line, file=sys.stderr, flush=True)  # noqa: T201
