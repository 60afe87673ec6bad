"""Have the weights that a spec names by an address on this machine, each by the digest that the spec says."""

from collections.abc import Iterator
from pathlib import Path

from slipway.artifacts.onnx import ONNX_LIMIT, Fetched
from slipway.errors.base import UserError, WrongValue
from slipway.reading.files import BadFile
from slipway.reading.findings import Locate
from slipway.reading.yaml_document import FieldPath
from slipway.sources.address import Address
from slipway.sources.refusals import WrongDigest
from slipway.sources.store import Store
from slipway.spec.artifact.source import ONNX, ArtifactSource

_SOURCE: FieldPath = ("artifact", "source")


def parts(artifact: ArtifactSource) -> Iterator[tuple[FieldPath, FieldPath, str, Address, str]]:
    """The files of weights elsewhere, the ONNX file first.

    Yields for each the field that says where it is, the field of its digest, its name, its address and its digest.
    """
    address = artifact.address
    if address is None:
        return
    yield _SOURCE, ("artifact", "sha256"), "", address, artifact.sha256 or ""
    for name, sha256 in artifact.external_data.items():
        field: FieldPath = ("artifact", "external_data", name)
        yield field, field, name, address.beside(name), sha256


def fetch_weights(
    artifact: ArtifactSource, store: Store, locate: Locate, found: list[UserError]
) -> tuple[Path, Fetched] | None:
    """The ONNX file and its external data in the cache; None after adding to `found` what could not be had.

    Raises `NoSpace` when this machine's disk is full.
    """
    there: dict[str, Path] = {}
    onnx = artifact.format in (None, ONNX)  # without a format it may be any; larger ones have to say which
    for where, digest, name, address, sha256 in parts(artifact):
        try:
            there[name] = store.bring(address, sha256, None if name or not onnx else ONNX_LIMIT)
        except BadFile as error:
            wrong = isinstance(error, WrongDigest)
            place, field = locate(digest if wrong else where)
            value = sha256 if wrong else str(address)
            found.append(WrongValue(place, field, value, error.problem, error.allowed, error.todo))
            return None
    return there.pop(""), Fetched(there, store.root)


def unused(artifact: ArtifactSource, used: set[str], locate: Locate) -> Iterator[UserError]:
    """A finding for each file of `external_data` that the ONNX file has no weights in; `used`: those that it has."""
    for name in artifact.external_data:
        if name not in used:
            place, field = locate(("artifact", "external_data", name))
            allowed = ", ".join(sorted(used)) or "none: the ONNX file holds all its weights"
            yield WrongValue(place, field, name, "is no external data of the ONNX file", allowed, "remove it")
