"""Run a script of a box: a process of its own, with nothing of this one's environment, and every limit on it."""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway import installation
from slipway.errors.full_disk import disk_errors, full
from slipway.toolbox.box import STEP, Box
from slipway.toolbox.environment import Tell, prepare
from slipway.toolbox.errors import StepFailed
from slipway.toolbox.memory import memory_bytes
from slipway.toolbox.process import Ended, Limits, finished
from slipway.toolbox.result import read_result

_OUT_OF_MEMORY = ("MemoryError", "bad_alloc", "Cannot allocate memory", "can't allocate memory", "DefaultCPUAllocator")
_KILLED = -9


def run(
    box: Box,
    script: str,
    request: Mapping[str, Any],
    folder: Path,
    tell: Tell,
    limit_s: float,
    *,
    memory: int | None = None,
    environments: Path | None = None,
) -> Mapping[str, Any]:
    """What a script of a box answered to a request.

    The script runs in a process group of its own that is killed when it ends or when this process does; it gets no
    variable of this one's environment and, on Linux where unprivileged namespaces are allowed, no network: the result
    says `network: true` where it had one. It reads and writes files as this user: it is no sandbox against malice.

    Args:
        box: the environment; it is made where it is not there.
        script: the name of the script, without `.py`; of an `OwnBox` its path.
        request: what `tools/step.py` hands to the script; `output` in it names a folder that is there and empty.
        folder: a folder for this run alone.
        tell: takes lines of progress, from this thread.
        limit_s: how long it may take, in seconds.
        memory: how many bytes it may use; what the machine has available if left out.
        environments: where environments are; this user's if left out.

    Raises:
        StepRefused: the script says why it cannot do what was asked for.
        StepFailed: it ended without a result that can be used.
        BoxUnavailable, NoSpace: its environment could not be made, or the disk is full.
    """
    python = prepare(box, tell, environments)
    path = box.script(script)
    memory = memory or memory_bytes()
    with disk_errors(f"the step {path.name} did not run", folder):
        (folder / "result.json").unlink(missing_ok=True)
        (folder / "request.json").write_text(json.dumps(request))
        with TemporaryDirectory(dir=folder, prefix="tmp-", ignore_cleanup_errors=True) as temporary:
            # Without the folder of the script and that of the user's packages; see tools/step.py for the rest.
            step, here = installation.resource(STEP).resolve(), folder.resolve()
            command = (str(python), "-P", "-s", str(step), str(path.resolve()), str(here), str(memory))
            ended = finished(command, _environment(python, temporary), Limits(limit_s), tell)
    if ended.how is not None or ended.code != 0:
        raise full(f"the step {path.name} failed", str(folder), ended.said) or _failed(path.name, ended, memory)
    return read_result(path.name, folder, request, ended.said)


def _environment(python: Path, temporary: str) -> dict[str, str]:
    """All that a script sees: no secret of the user's, no address of a service; the same on every machine."""
    return {
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": temporary,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "MPLBACKEND": "Agg",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "0",  # its sums differ from processor to processor
    }


def _failed(script: str, ended: Ended, memory: int) -> StepFailed:
    if ended.how is not None:
        return StepFailed(script, ended.how, ended.said)
    if ended.code == _KILLED or any(sign in line for line in ended.said for sign in _OUT_OF_MEMORY):
        how = f"ran out of memory: {memory // 2**20} MiB were available"
        return StepFailed(script, how, ended.said, "run it on a machine with more memory, or end what uses it here")
    how = f"was ended by signal {-ended.code}" if ended.code < 0 else f"ended with code {ended.code}"
    return StepFailed(script, how, ended.said)
