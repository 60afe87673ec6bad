"""A model with external data of any size, and what a run of `slipway` reads and holds while it travels."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from obstore.store import S3Store
from onnx import TensorProto, helper, numpy_helper

from slipway.local.model_store import server
from tests.support.workbench import Workbench

_ROW = 2**20
"""Bytes of one row of the table."""
MODEL_STORE = {"bucket": server.BUCKET, "endpoint": server.ENDPOINT, "credentials": "model-store"}


@dataclass(frozen=True)
class Run:
    """What a run of `slipway` did, without the engine that it starts.

    Attributes:
        code: its exit code.
        said: standard output and error.
        read_bytes: what it read, files of its own program included.
        peak_bytes: its largest resident memory.
        took_s: how long it ran.
    """

    code: int
    said: str
    read_bytes: int
    peak_bytes: int
    took_s: float


def write_large(bench: Workbench, name: str, size: int, **changes: Any) -> Path:
    """Write a model whose answer needs one row of a table of `size` bytes, and its spec; the table has holes on disk.

    The table is no weights that any run before had.
    """
    rows = size // _ROW
    table = TensorProto(name="table", data_type=TensorProto.FLOAT, dims=[rows, _ROW // 4])
    table.data_location = TensorProto.EXTERNAL
    for key, value in (("location", f"{name}.bin"), ("offset", "0"), ("length", str(rows * _ROW))):
        table.external_data.add(key=key, value=value)
    last = numpy_helper.from_array(np.array([rows - 1], np.int64), "last")
    nodes = [
        helper.make_node("Gather", ["table", "last"], ["row"]),
        helper.make_node("ReduceMin", ["row"], ["nought"], keepdims=0),
        helper.make_node("Add", ["sum", "nought"], ["y"]),
    ]
    spec = bench.write(name, 1.0, nodes=(nodes, [table, last]), **changes)
    data = bench.folder / "models" / f"{name}.bin"
    with data.open("wb") as stream:
        stream.write(os.urandom(16))
        stream.truncate(rows * _ROW)
    return spec


def measured(bench: Workbench, *arguments: str, limit_s: float = 1200) -> Run:
    """Run `slipway` in the workbench, looking at its process all the while."""
    output = bench.folder / "said"
    began = time.monotonic()
    with output.open("w") as said:
        command = [str(Path(sys.executable).parent / "slipway"), *arguments]
        process = subprocess.Popen(
            command,
            cwd=bench.folder,
            env={**os.environ, **bench.environ},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        read = peak = 0
        try:
            while process.poll() is None:
                assert time.monotonic() - began < limit_s, f"no end after {limit_s} s:\n{output.read_text()}"
                read, peak = max(read, _field(process.pid, "io", "rchar")), max(peak, _peak(process.pid))
                time.sleep(0.02)
        finally:
            process.kill()
            process.wait()
    return Run(process.returncode, output.read_text(), read, peak, time.monotonic() - began)


def _field(pid: int, file: str, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _peak(pid: int) -> int:
    return _field(pid, "status", "VmHWM") * 1024


def give_credentials(bench: Workbench) -> None:
    """Make the Secret that pods read the local model store with."""
    lines = Path(os.environ[server.OF_PODS]).read_text().split()
    bench.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": MODEL_STORE["credentials"], "namespace": bench.namespace},
            "stringData": dict(line.split("=", 1) for line in lines),
        }
    )


def open_store() -> S3Store:
    """The local model store as who uploads sees it."""
    return S3Store(
        server.BUCKET,
        endpoint=server.ENDPOINT,
        region=server.REGION,
        access_key_id=os.environ[server.ACCESS_KEY],
        secret_access_key=os.environ[server.SECRET_KEY],
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "timeout": "30s"},
    )
