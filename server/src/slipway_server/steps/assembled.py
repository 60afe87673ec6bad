"""Put together what a configuration has before and after the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from slipway_server.protocol.image_input import image_input
from slipway_server.protocol.request import parse_predict
from slipway_server.protocol.v2_inputs import check_names, check_sizes
from slipway_server.steps.coarse import Coarse
from slipway_server.steps.hook import AFTER, BEFORE, Hook, HookFault
from slipway_server.steps.labels import Predictions, check_labels, parse_labels
from slipway_server.steps.report import Report
from slipway_server.steps.sample import Sample
from slipway_server.steps.texts import Texts, read_tokenizer, texts_of
from slipway_server.values.capture import SampleSection
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature
from slipway_server.values.steps import InputSection, OutputSection, QualitySection
from slipway_server.values.tensors import Array, check_shape, to_array


@dataclass(frozen=True)
class Materials:
    """What the sections name, read: before the model is loaded, so that its memory counts as the server's own."""

    tokenizer: Any = None
    labels: Sequence[str] | None = None
    hook: Hook | None = None


class Steps:
    """What comes before and after one model.

    Attributes:
        picture: how a picture becomes its input, if the spec says so.
        texts: how texts become its inputs, if the spec says so.
        predictions: what an answer says beside the outputs, if the spec says so.
        coarse: what becomes of outputs before they leave the server, if the spec says so.
        hook: the process of the user's functions, if there are any.
        report: what is told of an answer for whoever measures how good it was, if the spec says so.
        sample: which tensors are kept of the requests that are, if the spec says so.
    """

    def __init__(
        self,
        before: InputSection | None,
        after: OutputSection | None,
        materials: Materials,
        signature: Signature,
        quality: QualitySection | None = None,
        sample: SampleSection | None = None,
    ) -> None:
        """Hold the sections against the model; BadRequest, with the field of the spec, where they do not fit it."""
        self._signature = signature
        self.picture = before.image if before is not None else None
        if self.picture is not None:
            image_input(signature, self.picture)
        text = before.text if before is not None else None
        self.texts = None if text is None else Texts(text, materials.tokenizer, signature)
        predicted = after is not None and after.predicts
        self.predictions = Predictions(after, materials.labels, signature) if after is not None and predicted else None
        asked = after is not None and (after.round is not None or after.top_1)
        self.coarse = Coarse(after, signature) if after is not None and asked else None
        self.hook = materials.hook
        self.report = None if quality is None else Report(quality, after, materials.labels, signature)
        self.sample = None if sample is None else Sample(sample, signature)

    @property
    def before(self) -> bool:
        """Whether the user's own function reads bodies."""
        return self.hook is not None and BEFORE in self.hook.names

    @property
    def after(self) -> bool:
        """Whether the user's own function makes the predictions."""
        return self.hook is not None and AFTER in self.hook.names

    def read(self, body: object, limit_s: float) -> dict[str, Array]:
        """Return the inputs in a body of POST /predict, at once; for a golden request.

        Raises:
            BadRequest: no such body; HookRefusal, HookFault: as the user's own function says.
        """
        if self.hook is not None and self.before:
            return self.fitted(self.hook.call(BEFORE, body, limit_s))
        texts = texts_of(body) if self.texts is not None else None
        if self.texts is not None and texts is not None:
            return self.texts.encode(texts[0])
        return parse_predict(body, self._signature, self.picture)

    def fitted(self, given: object) -> dict[str, Array]:
        """Return what the user's `before` gave as the model's inputs; HookFault if the model does not take it."""
        if not isinstance(given, Mapping):
            names = ", ".join(tensor.name for tensor in self._signature.required)
            raise HookFault(f"`before` of the hook gave {type(given).__name__}; allowed: a dict with {names}")
        try:
            check_names(given, self._signature)
            arrays = {
                tensor.name: _array(given[tensor.name], tensor)
                for tensor in self._signature.inputs
                if tensor.name in given
            }
            check_sizes(arrays, self._signature)
        except BadRequest as error:
            raise HookFault(f"`before` of the hook gave inputs that the model does not take: {error}") from None
        return arrays


def materials(before: InputSection | None, after: OutputSection | None) -> Materials:
    """Read the files that a configuration names, and start the user's functions.

    Raises:
        BadRequest: a file cannot be read, or is none of its kind; HookError: the user's file cannot be used.
    """
    text = before.text if before is not None else None
    tokenizer = None if text is None else read_tokenizer(_content(text.tokenizer, "input.text.tokenizer"))
    given = after.labels if after is not None else None
    labels = parse_labels(_content(given, "output.labels")) if isinstance(given, str) else given
    files = {
        name: Path(section.hook)
        for name, section in ((BEFORE, before), (AFTER, after))
        if section is not None and section.hook is not None
    }
    return Materials(tokenizer, None if labels is None else check_labels(labels), Hook(files) if files else None)


def _content(path: str, field: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadRequest(field, f"is {path}, which cannot be read: {error.strerror}", "a file of the image") from None


def _array(value: object, tensor: Any) -> Array:
    field = f"inputs.{tensor.name}"
    if not isinstance(value, np.ndarray):
        return to_array(value, tensor, field)
    if value.dtype != tensor.numpy_dtype:
        if value.dtype.kind == "U" and tensor.dtype == "BYTES":
            value = value.astype(np.object_)
        elif not np.can_cast(value.dtype, tensor.numpy_dtype, "same_kind") or value.dtype.kind == "O":
            raise BadRequest(field, f"is an array of {value.dtype}", f"{tensor.numpy_dtype} ({tensor.dtype})")
        else:
            value = value.astype(tensor.numpy_dtype)
    check_shape(value.shape, tensor, field)
    return value
