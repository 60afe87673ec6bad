"""Run the server within the memory of a pod: in a cgroup of its own, where the kernel kills it when it takes more."""

import contextlib
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import processes
import pytest
from processes import Server

POD_BYTES = 256 * 2**20
_V1 = Path("/sys/fs/cgroup/memory")
_V2 = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def memory_cgroup(limit: int = POD_BYTES) -> Iterator[Path]:
    """Make a cgroup with a limit of memory; the test is skipped, with the reason, where none can be made."""
    group, file = _place()
    try:
        group.mkdir()
        (group / file).write_text(str(limit))
    except OSError as error:
        with contextlib.suppress(OSError):
            group.rmdir()
        pytest.skip(f"no memory cgroup can be made here: {error}")
    try:
        yield group
    finally:
        with contextlib.suppress(OSError):  # a process that is just being killed keeps it for a moment
            group.rmdir()


@contextlib.contextmanager
def pod(config: Mapping[str, Any], folder: Path, limit: int = POD_BYTES) -> Iterator[Server]:
    """Run a server in a memory cgroup of its own."""
    with (
        memory_cgroup(limit) as group,
        processes.running(
            config, folder, wrapper=["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
        ) as server,
    ):
        yield server


def _place() -> tuple[Path, str]:
    """The path of a new group below this process's own, and the name of its file for the limit."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    name = f"slipway-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    for _, controllers, path in lines:
        if "memory" in controllers.split(","):
            return _V1 / path.strip("/") / name, "memory.limit_in_bytes"
    unified = next((path for _, controllers, path in lines if not controllers), "/")
    # A group with processes cannot have limited children in cgroup v2, so it goes beside this process's own.
    return _V2 / Path(unified.strip("/")).parent / name, "memory.max"
