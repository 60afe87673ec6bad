"""Write events as lines of JSON to stderr, where the device's own log takes them; the last are kept for who asks."""

import json
import sys
import time
from collections import deque

from slipway_edge.values.clock import RealClock

KEPT = 100
"""Events, in memory: flash is worn for what must not be lost."""
_LINE = 300
_recent: deque[tuple[float, str, str]] = deque(maxlen=KEPT)


def log(event: str, **values: object) -> None:
    """Write one event with its values. The time is the device's clock, which may be wrong."""
    line = json.dumps({"time": round(time.time(), 3), "event": event, **values})
    print(line, file=sys.stderr, flush=True)  # noqa: T201
    _recent.append((RealClock().now(), event, json.dumps(values)[:_LINE] if values else ""))


def recent() -> list[dict[str, object]]:
    """The last events since the agent started, oldest first: `age_s`, `event`, and `values`, which is cut."""
    now = RealClock().now()
    return [{"age_s": round(now - at, 1), "event": event, "values": values} for at, event, values in _recent]
