"""Warn where the CPUs of a pool are slow with what a model's steps made of it."""

from collections.abc import Iterator

from slipway.environments.planning.pool import Pool
from slipway.lockfile.files import Locked
from slipway.spec.artifact.graph_steps import Quantize

_INTEGERS = ("int8-dynamic", "int8-static", "uint8-static")


def slow_on_pool(locked: Locked | None, pool: Pool) -> Iterator[str]:
    """Yield what to know of whole numbers on CPUs without VNNI, where it is known that a pool has none.

    A pool of which nobody says what its CPUs can do gets no warning: the server looks when it starts.
    """
    steps = (step.step for step in locked.lock.steps) if locked is not None else ()
    made = next((step.quantize for step in steps if isinstance(step, Quantize) and step.quantize in _INTEGERS), None)
    if made is None or pool.architecture != "amd64" or not pool.cpu_features or "vnni" in pool.cpu_features:
        return
    yield (
        f"optimize: quantize: {made} computes in 8-bit whole numbers, and not all CPUs of pool {pool.name} have VNNI "
        "for that: it is slower there, and sums may overflow; next: compare with `slipway measure` on such a node, or "
        "write resources.cpu_features: [vnni]"
    )
