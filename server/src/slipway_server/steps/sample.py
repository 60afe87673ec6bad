"""Say which tensors of a request and its answer a sample of them has."""

from collections.abc import Iterable, Mapping

from slipway_server.values.capture import SampleSection
from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature
from slipway_server.values.tensors import Array


class Sample:
    """The tensors that are kept of one model's requests.

    Attributes:
        inputs: names of inputs.
        outputs: names of outputs.
    """

    def __init__(self, section: SampleSection, signature: Signature) -> None:
        """Hold the spec against the model; BadRequest where it names what the model does not have, or keeps nothing."""
        inputs = [tensor.name for tensor in signature.inputs]
        outputs = [tensor.name for tensor in signature.outputs]
        there = list(dict.fromkeys([*inputs, *outputs]))
        _check("capture.fields", section.fields or (), there)
        _check("capture.redact", section.redact, there)
        wanted = set(there if section.fields is None else section.fields) - set(section.redact)
        if not wanted:
            raise BadRequest("capture.redact", "leaves nothing to keep", "some of " + ", ".join(there))
        self.inputs = frozenset(name for name in inputs if name in wanted)
        self.outputs = frozenset(name for name in outputs if name in wanted)

    def of(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return what is kept of a request's inputs and of its answer's outputs."""
        return (
            {name: array for name, array in inputs.items() if name in self.inputs},
            {name: array for name, array in outputs.items() if name in self.outputs},
        )


def _check(field: str, names: Iterable[str], there: list[str]) -> None:
    for name in names:
        if name not in there:
            raise BadRequest(field, f"has {show(name)}, which the model neither takes nor gives", ", ".join(there))
