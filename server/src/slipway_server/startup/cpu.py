"""Tell how many threads inference may use, and whether the CPU can do what the model needs or is quick with."""

import math
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from slipway_server.startup.ports import StartError
from slipway_server.telemetry.log import log
from slipway_server.values.config import ConfigError
from slipway_server.values.instructions import CPUINFO, features, flags, lacking

LIMIT_VARIABLE = "SLIPWAY_CPU_LIMIT_MILLIS"

_INTEGER_OPERATORS = ("MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv", "DynamicQuantizeLinear")


def check_cpu(required: Sequence[str], model: Path | None, cpuinfo: Path = CPUINFO) -> None:
    """Log what the CPU can do; warn of a model in whole numbers on one that is slow with them.

    Args:
        required: what it must be able to do.
        model: the file of weights, if there is one.
        cpuinfo: the kernel's words about the CPU.

    Raises:
        StartError: the CPU cannot do something that is required: an instruction that it has not would end the process.
    """
    has = features(flags(cpuinfo))
    if missing := [name for name in required if name not in has]:
        without = "; ".join(f"no {name} (flags {lacking(name)})" for name in missing)
        raise StartError(
            f"this node's CPU has {without}, which resources.cpu_features asks for; it has "
            f"{', '.join(has) or 'none of them'}; next: say in the pool's cpu_features what all of its nodes have"
        )
    log("cpu", features=list(has))
    # Only of x86-64 is it known what tells a slow one.
    if "avx2" in has and "vnni" not in has and model is not None and computes_in_integers(model):
        log("slow", reason="the model computes in 8-bit whole numbers, and this CPU has no VNNI for that")


def computes_in_integers(model: Path) -> bool:
    """Return whether an ONNX file has an operator that multiplies whole numbers, by the names of operators in it."""
    if model.suffix != ".onnx" or model.stat().st_size == 0:
        return False
    with model.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        # Field 4 of a NodeProto (onnx.proto) is its operator: tag, length, text.
        return any(data.find(bytes((0x22, len(name))) + name.encode()) >= 0 for name in _INTEGER_OPERATORS)


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
