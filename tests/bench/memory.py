"""Measure what ONNX Runtime needs to load weights (docs/reference/spec.md): `python tests/bench/memory.py`."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SIZES_MIB = (1, 64, 256, 512)


def make(path: Path, mebibytes: int) -> None:
    """Write a model of one matrix product whose weights have about this size."""
    side = int((mebibytes * 2**20 / 4) ** 0.5)
    values = np.random.default_rng(0).random((side, side), dtype=np.float32)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", side])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", side])
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "matrix", [x], [y], [numpy_helper.from_array(values, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path.write_bytes(model.SerializeToString())


def load(path: Path) -> None:
    """Load the model as the server does, answer once, print resident memory in MiB: before, after, highest."""
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - only in the measured process
    import slipway_server.http.service  # noqa: F401, PLC0415 - the server's own memory is part of the figure

    before = resident()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    session.run(None, {entry.name: np.zeros((1, entry.shape[1]), np.float32)})
    print(f"{path.stat().st_size / 2**20:10.1f} {before:10.0f} {resident():10.0f} {resident('VmHWM'):10.0f}")


def resident(key: str = "VmRSS") -> float:
    """Resident memory of this process in MiB; not by getrusage, which counts the parent's before the exec."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def main() -> None:
    """One process per size, so that none sees what another left."""
    print(f"{'file, MiB':>10} {'before':>10} {'loaded':>10} {'highest':>10}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES_MIB:
            path = Path(folder) / "model.onnx"
            make(path, size)
            subprocess.run([sys.executable, __file__, str(path)], check=True)


if __name__ == "__main__":
    load(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
