"""Bring up the GPU that a model was promised, or say why that cannot be: never computes on the CPU instead."""

import ctypes
from collections import Counter
from collections.abc import Callable
from typing import Any

import onnxruntime as ort  # type: ignore[import-untyped]

from slipway_server.backends.base import NoAccelerator

PROVIDER = "CUDAExecutionProvider"
FAILURE = "CUDA failure"
"""How ONNX Runtime's message begins when the GPU or its driver fails (cuda_call.cc)."""
OUT_OF_MEMORY = "CUDA failure 2:"
"""The same, where others have taken what the GPU has (cudaErrorMemoryAllocation)."""
_DRIVER = "libcuda.so.1"
_SAME_AS_REQUESTED = "kSameAsRequested"
_THOUSAND = 1000


def providers(gpu_memory_bytes: int | None) -> list[tuple[str, dict[str, str]] | str]:
    """Return what ONNX Runtime computes with, after it was seen that there is a GPU.

    Args:
        gpu_memory_bytes: of the GPU, for tensors; None: all that it has.

    Raises:
        NoAccelerator: the image, the driver or the GPU is missing, or they do not go together.
    """
    if PROVIDER not in ort.get_available_providers():
        raise NoAccelerator("the image has ONNX Runtime for CPUs", "deploy the image that `slipway plan` names")
    check_driver(_library(), str(ort.cuda_version or ""))
    ort.preload_dlls()
    options = {
        "device_id": "0",
        # What a batch of another size needs would else double what was taken before.
        "arena_extend_strategy": _SAME_AS_REQUESTED,
        # Each new shape would else be tried with every algorithm that there is.
        "cudnn_conv_algo_search": "HEURISTIC",
        # 10 bits of a product's fraction instead of 23 would give other answers than the CPU's.
        "use_tf32": "0",
        # Copies and kernels in one stream of this session's own, so that no copy is read before it is there.
        "do_copy_in_default_stream": "1",
    }
    if gpu_memory_bytes is not None:
        options["gpu_mem_limit"] = str(gpu_memory_bytes)
    # What CUDA has no kernel for runs on the CPU by design, as shapes do; `placement` says what that is.
    return [(PROVIDER, options), "CPUExecutionProvider"]


def check_session(session: ort.InferenceSession) -> None:
    """Raise `NoAccelerator` when ONNX Runtime took the CPU for all of it, about which it only writes to its log."""
    if PROVIDER not in session.get_providers():
        raise NoAccelerator(
            "ONNX Runtime could not start CUDA",
            "see that the node's driver is the one for CUDA " + str(ort.cuda_version),
        )


def placement(session: ort.InferenceSession) -> dict[str, Any]:
    """Return how many operators run on the GPU, and which kinds run on the CPU, as the log shows it."""
    on_gpu, on_cpu = 0, Counter[str]()
    for part in session.get_provider_graph_assignment_info():
        kinds = [str(node.op_type) for node in part.get_nodes()]
        if part.ep_name == PROVIDER:
            on_gpu += len(kinds)
        else:
            on_cpu.update(kinds)
    return {"on_gpu": on_gpu, "on_cpu": dict(sorted(on_cpu.items()))}


def _library() -> Any:
    """The driver's own library, which the container gets with its GPU; None where it has none."""
    try:
        return ctypes.CDLL(_DRIVER)
    except OSError:
        return None


def check_driver(library: Any, cuda: str) -> None:
    """Ask the driver itself, in the words of its interface; `cuda`: version that ONNX Runtime was built for."""
    if library is None:
        raise NoAccelerator(
            f"no driver ({_DRIVER} is not there)",
            "see that the node has a GPU, and that its device plugin and container toolkit run",
        )
    code = library.cuInit(0)
    if code:
        raise NoAccelerator(f"the driver does not start (cuInit says {code})", "see the node's driver: nvidia-smi")
    if not _number(library.cuDeviceGetCount):
        raise NoAccelerator("the driver sees none", "see that the pod asks for one (resources.gpu)")
    # As 13020 for 13.2.
    major, minor = divmod(_number(library.cuDriverGetVersion), _THOUSAND)
    wanted = cuda.partition(".")[0]
    if wanted.isdecimal() and major < int(wanted):
        raise NoAccelerator(
            f"the driver is too old: it is for CUDA {major}.{minor // 10}, and ONNX Runtime needs {wanted}",
            "take nodes with a newer driver",
        )


def _number(ask: Callable[[Any], int]) -> int:
    """What a function of the driver writes; 0 where it fails."""
    value = ctypes.c_int()
    return 0 if ask(ctypes.byref(value)) else value.value
