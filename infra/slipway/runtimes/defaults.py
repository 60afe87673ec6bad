"""What most runtimes have in common: each names only what differs."""

from collections.abc import Mapping
from typing import Any

from slipway_server.values.expect import check_expect
from slipway_server.values.signature import Signature

from slipway.runtimes.base import Runtime


class Defaults:
    """See `slipway.runtimes.base.Runtime` for what each attribute is."""

    without_gpu: str = "the runtime computes on CPUs: the GPUs that its pods get stand idle; next: remove resources.gpu"
    proven_on_gpu: str = ""
    gpu_image_bytes: int = 0
    gpu_start_s: float = 0

    def check_expectation(self, expect: Mapping[str, Any], signature: Signature) -> None:
        """Outputs are expected by their names."""
        check_expect(expect, signature)


def image_bytes(runtime: Runtime, *, gpu: bool) -> int:
    """Bytes of a runtime's image without weights, compressed; `gpu`: of that for pods that have GPUs."""
    return runtime.gpu_image_bytes or runtime.image_bytes if gpu else runtime.image_bytes


def start_s(runtime: Runtime, *, gpu: bool) -> float:
    """Seconds from the container's start until it loads weights, with one core; `gpu`: where it brings up GPUs."""
    return runtime.server_start_s + (runtime.gpu_start_s if gpu else 0)
