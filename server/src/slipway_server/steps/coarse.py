"""Make answers coarser where the spec asks: who copies a model by asking it learns less from each answer."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from slipway_server.steps.labels import best_first, rounded, scored
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import OutputSection
from slipway_server.values.tensors import Array


class Coarse:
    """What becomes of a model's outputs before anything leaves the server, in whatever form it leaves.

    Attributes:
        said: for the page, so that it explains what it shows: `top_1`, or `round`.
    """

    def __init__(self, section: OutputSection, signature: Signature) -> None:
        """Hold the spec against the model.

        Args:
            section: what the spec says, with `round` or `top_1`.
            signature: what the model gives.

        Raises:
            BadRequest: there is nothing to make coarser, or something that would tell more stays as it is.
        """
        self.said = "top_1" if section.top_1 else "round"
        self._digits = section.round
        self._scored = scored(section, signature).name if section.top_1 else None
        fractions = [tensor for tensor in signature.outputs if _has_fractions(tensor)]
        if self._scored is None and not fractions:
            names = ", ".join(f"`{tensor.name}` {tensor.dtype}" for tensor in signature.outputs)
            raise BadRequest("output.round", f"finds nothing to round in {names}", "a model that gives fractions")
        self._names = frozenset(tensor.name for tensor in fractions)
        for tensor in fractions:
            if self._scored not in (None, tensor.name):
                problem = (
                    f"would leave `{tensor.name}` ({tensor.dtype}) in answers, which tells more than the best class"
                )
                allowed = f"a model whose only output with fractions is `{self._scored}`, or output.round"
                raise BadRequest("output.top_1", problem, allowed)

    def bytes(self, outputs: Mapping[str, Array]) -> int:
        """Return how much memory the coarser outputs take beside these."""
        return sum(array.nbytes for name, array in outputs.items() if name in self._names)

    def of(self, outputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs as they may be shown; of the same names, types and shapes."""
        return {name: self._shown(array) if name in self._names else array for name, array in outputs.items()}

    def _shown(self, array: Array) -> Array:
        if array.dtype.kind == "O":
            shown = np.empty_like(array)
            for place in np.ndindex(array.shape):
                shown[place] = _alone(array[place]) if self._digits is None else rounded(array[place], self._digits)
            return shown
        return _best(array) if self._digits is None else _rounded_array(array, self._digits)


def _best(scores: Array) -> Array:
    """1 where the best class is, 0 elsewhere."""
    shown = np.zeros_like(scores)
    np.put_along_axis(shown, best_first(scores)[..., :1], 1, axis=-1)
    return shown


def _alone(scores: Any) -> Any:
    """The same of a map from classes to scores."""
    ranked = sorted(scores, key=lambda key: -scores[key] if isinstance(scores[key], int | float) else np.inf)
    return {key: 1.0 if key == ranked[0] else 0.0 for key in scores}


def _rounded_array(array: Array, digits: int) -> Array:
    # FP16 has no number as large as numpy multiplies with.
    wide = array.astype(np.float32) if array.dtype == np.float16 else array
    with np.errstate(over="ignore", invalid="ignore"):
        # A zero has no sign that would say which side it came from.
        shown = np.asarray(np.round(wide, digits) + wide.dtype.type(0))
    # numpy multiplies first: numbers so large that this has no room have no such decimals.
    np.copyto(shown, wide, where=~np.isfinite(shown))
    return shown.astype(array.dtype)


def _has_fractions(tensor: Tensor) -> bool:
    if not tensor.is_tensor:
        return any(word in tensor.dtype for word in ("float", "double"))
    return tensor.numpy_dtype.kind == "f"
