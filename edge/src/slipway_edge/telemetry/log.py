"""Write events as lines of JSON to stderr, where the device's own log takes them."""

import json
import sys
import time


def log(event: str, **values: object) -> None:
    """Write one event with its values. The time is the device's clock, which may be wrong."""
    line = json.dumps({"time": round(time.time(), 3), "event": event, **values})
    print(line, file=sys.stderr, flush=True)  # noqa: T201
