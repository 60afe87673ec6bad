"""Refuse what the image's ONNX Runtime would refuse to load: newer versions than it knows, operators that it has not.

What it knows is in limits.json, for the version that server/requirements.txt pins; a test holds the table against the
runtime that is installed, so that a new pin needs a new table.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from onnx import ModelProto, NodeProto

from slipway.onnx_file.parts import OFFICIAL, Key, Placed, domain_of, functions, run_nodes
from slipway.reading.files import BadFile

Operators = Mapping[str, Mapping[str, tuple[int, ...]]]
"""By domain and name: the opsets in which an operator was defined, or defined anew."""


@dataclass(frozen=True)
class Limits:
    """What one version of ONNX Runtime for CPUs accepts.

    Attributes:
        version: of ONNX Runtime.
        ir_version: the highest that it reads.
        opsets: the highest that it takes, by domain.
        operators: all that it knows.
        ended: by domain and name, the opset that has an operator no more.
        not_implemented: definitions of operators that it knows and cannot run.
    """

    version: str
    ir_version: int
    opsets: Mapping[str, int]
    operators: Operators
    ended: Mapping[str, Mapping[str, int]]
    not_implemented: Operators

    @property
    def runtime(self) -> str:
        """The runtime in messages."""
        return f"ONNX Runtime {self.version} of the image"

    def known(self) -> str:
        """What a file may use, for messages."""
        named = ", ".join(f"{name} up to opset {most}" for name, most in self.opsets.items() if name in _SHOWN)
        return f"operators of {named}, and functions in the file itself"


_SHOWN = (OFFICIAL, "ai.onnx.ml", "com.microsoft")
_PLAIN = "export it with operators of ONNX alone, or with the operator as a function in the file"


@lru_cache(maxsize=1)
def limits() -> Limits:
    """The limits of the pinned runtime."""
    table: dict[str, Any] = json.loads(resources.files(__package__).joinpath("limits.json").read_text())
    return Limits(
        table["onnxruntime"],
        table["ir_version"],
        table["opsets"],
        table["operators"],
        table["ended"],
        table["not_implemented"],
    )


def refuse_unsupported(model: ModelProto) -> None:
    """Raise BadFile for the first thing in a file that the image's ONNX Runtime does not load."""
    most = limits()
    if model.ir_version > most.ir_version:
        problem = f"has IR version {model.ir_version}, and {most.runtime} reads none newer than {most.ir_version}"
        todo = f"export it again with an older onnx package, or with `model.ir_version = {most.ir_version}`"
        raise BadFile(problem, f"IR version {most.ir_version} or lower", todo)
    if not model.opset_import:
        raise BadFile("imports no opset", most.known(), "export the model again")
    _refuse_opsets(model, most)
    imports = {domain_of(entry.domain): entry.version for entry in model.opset_import}
    local = functions(model)
    for placed in run_nodes(model):
        _refuse_node(placed, imports, local, most)


def _refuse_opsets(model: ModelProto, most: Limits) -> None:
    """Of functions, too: the runtime looks at them whether they are called or not."""
    scopes = [("", model.opset_import), *((f" in function {f.name}", f.opset_import) for f in model.functions)]
    for where, imports in scopes:
        for entry in imports:
            domain = domain_of(entry.domain)
            highest = most.opsets.get(domain)
            if highest is not None and entry.version > highest:
                problem = f"imports opset {entry.version} of {domain}{where}, and {most.runtime} supports none newer"
                how = "`opset_version` of torch.onnx.export, `target_opset` of skl2onnx"
                todo = f"export it for opset {highest} or lower ({how})"
                raise BadFile(f"{problem} than {highest}", f"opset {highest} of {domain} or lower", todo)


def _refuse_node(placed: Placed, imports: Mapping[str, int], local: Collection[Key], most: Limits) -> None:
    """Functions are put in the place of their calls: their nodes, too, are of the opsets that the file imports."""
    node = placed.node
    domain, name = domain_of(node.domain), node.op_type
    if domain not in imports and domain not in most.opsets:
        problem = f"has {_named(placed)} of domain {domain}, which the file does not import"
        raise BadFile(problem, most.known(), "export the model again, with `opset_import` for each domain")
    defined = most.operators.get(domain, {}).get(name)
    if (domain, name, node.overload) in local and (domain != OFFICIAL or defined):
        return
    if defined is None:
        problem = f"has {_named(placed)} of domain {domain}, which {most.runtime} does not have"
        raise BadFile(problem, most.known(), _PLAIN)
    _refuse_definition(placed, defined, imports.get(domain, most.opsets[domain]), most)


def _refuse_definition(placed: Placed, defined: Sequence[int], opset: int, most: Limits) -> None:
    """Of an operator that the runtime knows: one that is not in the opset, or is in it and cannot be run."""
    domain, name = domain_of(placed.node.domain), placed.node.op_type
    since = max((version for version in defined if version <= opset), default=None)
    last = most.ended.get(domain, {}).get(name, opset + 1)
    if since is None:
        problem = f"has {_named(placed)}, which {domain} has from opset {min(defined)} on, and imports opset {opset}"
        raise BadFile(problem, most.known(), f"export it for opset {min(defined)} or higher")
    if opset >= last:
        problem = f"has {_named(placed)}, which {domain} no longer has from opset {last} on, and imports opset {opset}"
        raise BadFile(problem, most.known(), f"export it again for opset {opset}, or for one below {last}")
    if since in most.not_implemented.get(domain, {}).get(name, ()):
        problem = f"has {_named(placed)} as opset {since} of {domain} defines it"
        todo = "export it for another opset" if domain == OFFICIAL else _PLAIN
        allowed = "operators that ONNX Runtime has for CPUs"
        raise BadFile(f"{problem}, which {most.runtime} cannot run on CPUs", allowed, todo)


def _named(placed: Placed) -> str:
    node: NodeProto = placed.node
    return f"the operator {node.op_type}{f' (node {node.name!r})' if node.name else ''}{placed.where}"
