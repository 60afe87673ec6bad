"""Writes office-day.csv, the trace of docs/how-to/choose-a-target.md: a working day, in rows of five minutes.

    python docs/how-to/traces/office_day.py > docs/how-to/traces/office-day.csv

Requests rise from one every ten seconds at night to 14 a second before noon; at 10:00 and 15:30 a batch job adds as
many again for ten minutes. Each takes a quarter of a second, a little less at night than by day.
"""

import math
import random
import sys
from datetime import UTC, datetime, timedelta

ROW_S = 300
NIGHT, DAY = 0.1, 14.0
BATCHES = (10.0, 15.5)


def rate(hour: float) -> float:
    """Requests a second at an hour of the day."""
    morning, afternoon = (math.exp(-(((hour - middle) / width) ** 2)) for middle, width in ((11, 2.2), (15, 2.6)))
    batch = any(begin <= hour < begin + 1 / 6 for begin in BATCHES)
    return NIGHT + DAY * max(morning, 0.9 * afternoon) * (2 if batch else 1)


def main() -> None:
    """Write the rows."""
    chance = random.Random(7)  # noqa: S311 - no secret
    began = datetime(2026, 5, 4, tzinfo=UTC)
    sys.stdout.write("time,count,duration_ms\n")
    for row in range(86_400 // ROW_S):
        hour = row * ROW_S / 3600
        expected = rate(hour) * ROW_S
        number = max(0, round(chance.gauss(expected, math.sqrt(expected))))
        took = 240 + 20 * rate(hour) / DAY + chance.uniform(-15, 15)
        time = (began + timedelta(seconds=row * ROW_S)).isoformat().replace("+00:00", "Z")
        sys.stdout.write(f"{time},{number},{took:.0f}\n")


if __name__ == "__main__":
    main()
