"""Start a script of a tool environment: away from the network, within its memory, with a request and for a result.

    python step.py SCRIPT FOLDER MEMORY_BYTES

FOLDER has request.json; result.json is written there. A script imports this module as `step` and has one function:

    def run(request: step.Request) -> dict: ...

It returns what result.json shall hold, or raises `step.Refused`. Nothing but Python's own library is imported here.
"""

import ctypes
import importlib.util
import json
import os
import random
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # linux/sched.h: CLONE_NEWUSER, CLONE_NEWNET
_DIE_WITH_PARENT, _KILL = 1, 9  # linux/prctl.h: PR_SET_PDEATHSIG; SIGKILL


class Refused(Exception):
    """The step cannot do what was asked for: in the words for its user, as short as the tool's own allow."""

    def __init__(self, problem, allowed, todo):
        super().__init__(problem)
        self.error = {"problem": problem, "allowed": allowed, "todo": todo}


class Request:
    """What was asked for. `raw` is all of request.json."""

    def __init__(self, raw):
        self.raw = raw
        self.step = raw.get("step", {})
        self.seed = raw.get("seed", 0)

    @property
    def folder(self):
        """The folder of the weights that the step begins with."""
        return Path(self.raw["input"]["folder"])

    @property
    def source(self):
        """The main file (a folder for a SavedModel) of the weights that the step begins with."""
        return self.folder / self.raw["input"]["main"]

    @property
    def format(self):
        """Their format."""
        return self.raw["input"]["format"]

    @property
    def output(self):
        """The folder that takes the result; it is there and empty."""
        return Path(self.raw["output"])

    def file(self, path):
        """A file that the step reads, by the path that the spec has."""
        return Path(self.raw["files"][path])


def progress(text):
    """Tell a line to whoever waits."""
    print(f"progress: {' '.join(str(text).split())}", file=sys.stderr, flush=True)


def versions(*distributions):
    """The versions of what did the work, for `tools` of the result."""
    return {name: metadata.version(name) for name in distributions}


def shortened(error, limit=400):
    """A tool's own words: its last line that says something, cut."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[-3:]) if lines else type(error).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."


def main(script, folder, memory):
    """Load a script, run it, and write what came of it."""
    _die_with_parent()
    _bound_memory(memory)
    alone = _leave_network()
    sys.modules["step"] = sys.modules[__name__]
    sys.path.extend([str(script.parent), str(Path(__file__).parent / "shared")])
    request = Request(json.loads((folder / "request.json").read_text()))
    random.seed(request.seed)
    try:
        result = {**_loaded(script).run(request), "network": not alone}
    except Refused as refusal:
        result = {"error": refusal.error}
    whole = folder / ".result.json"
    whole.write_text(json.dumps(result))
    whole.replace(folder / "result.json")


def _loaded(script):
    spec = importlib.util.spec_from_file_location("slipway_step", script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _bound_memory(memory):
    try:
        import resource  # noqa: PLC0415 - not there on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):  # a lower one holds already
        # What is written to, not what is mapped: TensorFlow and PyTorch map far more than they use.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _die_with_parent():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, _KILL)


def _leave_network():
    """Whether this process is in a network of its own, with nothing in it. Needs Linux, and that it lets us."""
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if user == 0 and unshare(_NEW_NETWORK) == 0:
        return True
    if unshare(_NEW_USER | _NEW_NETWORK) != 0:
        return False
    with suppress(OSError):  # without it the process is nobody by name, and still who it was for every file
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return True


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
