"""Tell how many threads inference may use: as many as the pod's CPU limit pays for."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

from slipway_server.values.config import ConfigError

LIMIT_VARIABLE = "SLIPWAY_CPU_LIMIT_MILLIS"


def inference_threads(environ: Mapping[str, str], cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return the CPU limit rounded up to whole threads, at least 1 and at most the cores of this process.

    More threads than the limit would use up the quota of a period at once and stand still for its rest.

    Args:
        environ: may have SLIPWAY_CPU_LIMIT_MILLIS (downward API: limits.cpu with divisor 1m).
        cgroup: where the container's cgroup is mounted; read when the variable is missing.

    Raises:
        ConfigError: the variable is no positive integer.
    """
    cores = len(os.sched_getaffinity(0))
    limit = _limit_of_variable(environ) or _limit_of_cgroup(cgroup) or float(cores)
    return max(1, min(cores, math.ceil(limit)))


def _limit_of_variable(environ: Mapping[str, str]) -> float | None:
    text = environ.get(LIMIT_VARIABLE)
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise ConfigError(
            f"environment variable {LIMIT_VARIABLE} is {text!r}; allowed: the CPU limit in thousandths of a "
            "core, for example 500"
        )
    return int(text) / 1000


def _limit_of_cgroup(cgroup: Path) -> float | None:
    """Return the CPU limit in cores by cgroup v2, else v1; None if there is no limit."""
    for quota_file, period_file in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            words = (cgroup / quota_file).read_text().split()
            if period_file is not None:
                words.append((cgroup / period_file).read_text().strip())
        except OSError:
            continue
        quota, period = words
        if quota not in ("max", "-1"):
            return int(quota) / int(period)
    return None
