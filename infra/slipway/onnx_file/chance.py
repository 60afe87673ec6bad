"""Find what an ONNX file leaves to chance: operators whose output differs each time that they run."""

from onnx import ModelProto

from slipway.onnx_file.parts import OFFICIAL, domain_of, run_nodes

_RANDOM = frozenset(
    ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
)
"""A `seed` does not help: it makes the numbers of a session the same, not those of each run."""


def random_operators(model: ModelProto) -> tuple[str, ...]:
    """Names of the random operators that a runtime meets, in branches, bodies and local functions too; sorted."""
    nodes = (placed.node for placed in run_nodes(model))
    return tuple(sorted({node.op_type for node in nodes if _is_random(node.op_type, node.domain)}))


def _is_random(op_type: str, domain: str) -> bool:
    return domain_of(domain) == OFFICIAL and op_type in _RANDOM
