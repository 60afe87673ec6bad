"""Run everything that `make test` stands for; ends with 0 when every part has passed, with 1 when one has not.

A line of a part begins with its name, since parts run side by side. At the end: the slowest tests, each part's result
and minutes, and, last, since the end of a log is what people see first, what failed: the last lines of a part, and the
tests with their messages, those that passed at a second try too.
"""

import signal
import sys
import tempfile
import time
from collections import defaultdict, deque
from pathlib import Path

from tests.run.parts import all_parts
from tests.run.reports import failed, passed_at_second, slowest
from tests.run.running import play

_LIMIT_S = 90 * 60.0
_SLOWEST = 10
_LAST_LINES = 25
_INTERRUPTED = 130


def main() -> int:
    """Run all parts and tell how they ended."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="slipway-test-") as folder:
        reports = Path(folder)
        parts = all_parts(reports)
        last: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=_LAST_LINES))

        def say(part: str, line: str) -> None:
            last[part].append(line)
            _say(part, line)

        ended = {how.name: how for how in play(parts, say, _LIMIT_S)}
        print("\nslowest tests, with their setup and teardown:")
        for took_s, name in slowest(reports, _SLOWEST):
            print(f"{took_s:7.1f} s  {name}")
        failures, lucky = failed(reports), passed_at_second(reports)
    print("\nparts:")
    for part in parts:
        how = ended[part.name]
        print(f"{how.took_s / 60:5.1f} min  {part.name:<12}{how.result}")
    passed = all(how.passed for how in ended.values())
    print(f"{(time.monotonic() - began) / 60:5.1f} min  all         {'passed' if passed else 'failed'}", flush=True)
    for part in parts:
        if not ended[part.name].passed and last[part.name]:
            print(f"\nthe last lines of {part.name}:")
            for line in last[part.name]:
                print(f"    {line}")
    for word, tests in (("failed, and passed at a second try", lucky), ("failed", failures)):
        for one in tests:
            print(f"\n{word}: {one.name}")
            for line in one.message:
                print(f"    {line}")
    sys.stdout.flush()
    return 0 if passed else 1


def _say(part: str, line: str) -> None:
    # In one write: threads of several parts print.
    sys.stdout.write(f"{part:<12}{line}\n")
    sys.stdout.flush()


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Also where whoever started this ignores Ctrl-C, as a shell does for what runs in its background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("interrupted: every part was stopped", file=sys.stderr)
        sys.exit(_INTERRUPTED)
