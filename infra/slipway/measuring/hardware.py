"""Say what this machine is, as far as how fast a model runs depends on it."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine: what its CPU is called, with family and model since names are often cut; its cores; its kernel."""

    cpu: str
    cores: int
    memory: int
    kernel: str
    flags: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        told = {"cpu": self.cpu, "cores": self.cores, "memory": self.memory, "kernel": self.kernel}
        return told | {"flags": list(self.flags)}


_TOLD = re.compile(r"(avx|amx|sse4|fma$|f16c$|asimd|sve|bf16|i8mm)")
"""Flags of instructions that compute; the others say nothing about a model."""


def this_machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> Hardware:
    """Return what this machine is, by its kernel."""
    try:
        first = cpuinfo.read_text().split("\n\n", 1)[0]
    except OSError:
        first = ""
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    words = fields.get("flags", fields.get("Features", "")).split()
    name = fields.get("model name", platform.machine() or _UNKNOWN)
    if "cpu family" in fields:
        name += f", family {fields['cpu family']} model {fields.get('model', _UNKNOWN)}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    flags = tuple(sorted(word for word in words if _TOLD.match(word)))
    return Hardware(name, len(os.sched_getaffinity(0)), memory, platform.release(), flags)
