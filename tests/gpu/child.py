"""One check of a backend on a GPU, in a process of its own: `-m tests.gpu.child CHECK FOLDER` prints JSON.

What fails here ends this process alone. It imports the model server and what runs its models, and nothing else.
"""

import ctypes
import json
import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.gpu import graph

MIB = 2**20
WIDTH, DEPTH = 1024, 8
RATE_S = 3.0
BOUND = 256 * MIB
"""Above the weights, 32 MiB, and a batch of 1,024 rows; below what 100,000 rows need at once."""
LARGE_ROWS = 100_000
RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""How far sums of 1,024 products of float32 in another order may lie apart, through eight layers."""


class Wrong(Exception):
    """The GPU did something else than it should; the message says what."""


def sessions(folder: Path, gpu_bytes: int | None) -> tuple[Any, Any]:
    """The same model on the CPU and on the GPU."""
    base = import_module("slipway_server.backends.base")
    onnx = import_module("slipway_server.backends.onnx.session")
    path = folder / "layers.onnx"
    if not path.is_file():
        graph.write_layers(path, WIDTH, DEPTH)
    return onnx.OnnxSession(path, 4), onnx.OnnxSession(path, 4, gpu=base.Gpu(gpu_bytes))


def rows(count: int) -> dict[str, npt.NDArray[np.float32]]:
    """Inputs, the same in each process."""
    return {"x": np.random.default_rng(1).standard_normal((count, WIDTH)).astype(np.float32)}


def rate(session: Any, count: int, seconds: float = RATE_S) -> float:
    """Rows a second of runs of so many rows, one after the other."""
    inputs = rows(count)
    for _ in range(3):
        session.run(inputs)
    done, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        session.run(inputs)
        done += count
    return done / (time.monotonic() - began)


def answers(folder: Path) -> Mapping[str, Any]:
    """The GPU's answers are the CPU's."""
    cpu, gpu = sessions(folder, None)
    worst = 0.0
    for count in (1, 7, 32, 256):
        one, other = cpu.run(rows(count))["y"], gpu.run(rows(count))["y"]
        worst = max(worst, float(np.abs(one - other).max()))
        if not np.allclose(one, other, RELATIVE, ABSOLUTE):
            raise Wrong(f"{count} rows differ by up to {worst:.2g}")
    return {"largest_difference": worst}


def throughput(folder: Path) -> Mapping[str, Any]:
    """Rows a second, beside the CPU's."""
    cpu, gpu = sessions(folder, None)
    found = {
        f"{name}_{count}": round(rate(one, count)) for name, one in (("cpu", cpu), ("gpu", gpu)) for count in (1, 256)
    }
    return {"rows_per_second": found, "times_at_256": round(found["gpu_256"] / found["cpu_256"], 2)}


def memory(folder: Path) -> Mapping[str, Any]:
    """What does not fit into the bound is refused in words, and what fits is answered after it."""
    too_large = import_module("slipway_server.values.errors").AnswerTooLarge
    _, gpu = sessions(folder, BOUND)
    gpu.run(rows(1024))
    try:
        gpu.run(rows(LARGE_ROWS))
    except too_large as error:
        said = str(error)
    else:
        raise Wrong(f"{LARGE_ROWS} rows were computed within {BOUND // MIB} MiB")
    gpu.run(rows(1024))
    used = used_bytes()
    return {"bound_mib": BOUND // MIB, "used_mib": used // MIB, "context_mib": (used - BOUND) // MIB, "refusal": said}


def used_bytes() -> int:
    """Bytes of the GPU that are in use, by all processes: of an otherwise idle one, by this."""
    driver = ctypes.CDLL("libcuda.so.1")
    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    asked = (
        driver.cuInit(0)
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device)
        or driver.cuCtxSetCurrent(context)
        or driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
    )
    if asked:
        raise Wrong(f"the driver does not say what is in use ({asked})")
    return total.value - free.value


def replica(folder: Path) -> Mapping[str, Any]:
    """One of several on one card: answers within its share, for a few seconds."""
    _, gpu = sessions(folder, 4 * BOUND)
    return {"rows_per_second": round(rate(gpu, 256, 2 * RATE_S))}


CHECKS: Mapping[str, Callable[[Path], Mapping[str, Any]]] = {
    "answers": answers,
    "throughput": throughput,
    "memory": memory,
    "replica": replica,
}


def main() -> int:
    """0: as it should be; 1: it is not; 3: there is no GPU that can be used, or no library for it."""
    try:
        found: Mapping[str, Any] = CHECKS[sys.argv[1]](Path(sys.argv[2]))
    except ModuleNotFoundError as error:
        code, found = 3, {"reason": f"{error}: not installed here, and in no wheel that was carried along"}
    except Wrong as error:
        code, found = 1, {"reason": str(error)}
    except Exception as error:  # whatever a library raises is what the check found
        code = 3 if type(error).__name__ == "NoAccelerator" else 1
        found = {"reason": f"{type(error).__name__}: {error}"[:600]}
    else:
        code = 0
    print(json.dumps(found))
    return code


if __name__ == "__main__":
    sys.exit(main())
