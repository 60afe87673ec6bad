"""Write a release so that it fits into a ConfigMap, and read it back without believing that it is one.

A golden request may take most of the 1 MiB that a ConfigMap holds, so it is kept once, inside the model's own
configuration, and the whole is compressed. Whoever may write ConfigMaps may have written this one.

What a release was made from is a note beside it, an annotation: a Slipway that knows no such note reads the rest.
"""

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from slipway_server.values.config import CheckSection
from slipway_server.values.errors import BadRequest
from slipway_server.values.expect import judge
from slipway_server.values.pipeline import PipelineSection

from slipway.artifacts.golden_request import Asked, GoldenRequest
from slipway.plan.release import Origin, Release
from slipway.runtimes.registry import OWN_SERVERS, RUNTIMES
from slipway.spec.custom.image import PORT_LEAST, PORT_MOST, SERVER_PATH
from slipway.values.names import ORIGIN_ANNOTATION
from slipway.values.quantities import compact_json

_PACKED = "release.json.gz"
_PLAIN = "release.json"
"""What the first versions wrote: not compressed, and with the check beside the manifests."""
_UNPACKED_LIMIT = 16 * 2**20
"""Far more than any record: a ConfigMap of 1 MiB could else unpack to a GiB."""
_CONFIG = "server.json"
FIRST_RUNTIME = "onnxruntime"
"""Of records that name none: those of versions of Slipway that knew no other."""
_GZIP = 16 + zlib.MAX_WBITS


class BadRecord(ValueError):
    """The record does not contain a release; `str()` is the reason, as the end of a sentence."""


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    model: Annotated[str, StringConstraints(max_length=63)]
    version: Annotated[str, StringConstraints(max_length=256)]
    digest: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    image: Annotated[str, StringConstraints(max_length=1000)]
    manifests: list[dict[str, Any]]
    check: dict[str, Any] | None = None
    runtime: str = FIRST_RUNTIME


class _Check(CheckSection):
    """As the server reads it, but for fields of a later version, and bounded: whoever wrote it is not believed."""

    model_config = ConfigDict(extra="ignore")

    expect: Annotated[dict[str, Any], Field(min_length=1)]
    timeout_s: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class _Asked(BaseModel):
    """Where an image's own server takes the golden request."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    port: Annotated[int, Field(ge=PORT_LEAST, le=PORT_MOST)]
    path: Annotated[
        str, Field(alias="predict"), StringConstraints(pattern=f"^(?:{SERVER_PATH.pattern})$", max_length=200)
    ]


_Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class _Origin(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    slipway: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z.+!-]{1,64}$")]
    spec: _Digest
    files: _Digest
    settings: _Digest
    image: _Digest


def origin_annotation(release: Release) -> dict[str, str]:
    """The annotation of a record's ConfigMap that says what the release was made from; none when nobody knows."""
    return {ORIGIN_ANNOTATION: compact_json(asdict(release.origin))} if release.origin else {}


def _origin(config_map: Mapping[str, Any]) -> Origin | None:
    """What a record says of the origin of its release. One without the note, or with another, says nothing."""
    annotations = config_map.get("metadata", {}).get("annotations") or {}
    try:
        return Origin(**_Origin.model_validate_json(annotations[ORIGIN_ANNOTATION]).model_dump())
    except (KeyError, ValidationError):
        return None


def packed(release: Release) -> dict[str, str]:
    """The `binaryData` of a record's ConfigMap."""
    fields: dict[str, Any] = {
        "model": release.model,
        "version": release.version,
        "digest": release.digest,
        "image": release.image,
        "manifests": release.manifests,
    }
    if release.check.runtime != FIRST_RUNTIME:
        fields["runtime"] = release.check.runtime
    compress = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    data = compress.compress(compact_json(fields).encode()) + compress.flush()
    return {_PACKED: base64.b64encode(data).decode()}


def unpacked(config_map: Mapping[str, Any]) -> Release:
    """The release in a record's ConfigMap; raises `BadRecord` when there is none."""
    stored = _stored(_text(config_map))
    check = golden_request(server_config(stored.manifests), stored.runtime)
    origin = _origin(config_map)
    return Release(stored.model, stored.version, stored.digest, stored.image, tuple(stored.manifests), check, origin)


def golden_request(config: Mapping[str, Any], runtime: str) -> GoldenRequest:
    """The golden request in a model server's configuration; raises `BadRecord` when there is none to judge by."""
    if runtime not in RUNTIMES:
        raise BadRecord(f"its runtime {runtime[:80]} is none of {', '.join(RUNTIMES)}")
    try:
        found = _Check.model_validate(config.get("check"))
        for name, wanted in found.expect.items():
            judge({}, {name: wanted})
    except ValidationError as error:
        raise BadRecord(f"its golden request {_first(error)}") from error
    except (BadRequest, RecursionError) as error:
        raise BadRecord(f"what it expects is malformed: {error}") from error
    return GoldenRequest(
        runtime, found.request, found.expect, found.timeout_s, _members(config), _asked(config, runtime)
    )


def _members(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The models that a pipeline asks. Who may write this may also write whose passes the servers take."""
    if "pipeline" not in config:
        return ()
    try:
        return PipelineSection.model_validate(config["pipeline"], strict=True).models
    except ValidationError as error:
        raise BadRecord(f"its pipeline {_first(error)}") from error


def _asked(config: Mapping[str, Any], runtime: str) -> Asked | None:
    """Where an image's own server is asked."""
    if runtime not in OWN_SERVERS:
        return None
    try:
        return Asked(**_Asked.model_validate(config.get("custom")).model_dump(by_alias=False))
    except ValidationError as error:
        raise BadRecord(f"its server {_first(error)}") from error


def server_config(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """The model server's configuration in a model's manifests; raises `BadRecord` when there is none."""
    found = [manifest for manifest in manifests if manifest.get("kind") == "ConfigMap"]
    data = found[0].get("data") if len(found) == 1 else None
    text = data.get(_CONFIG) if isinstance(data, dict) else None
    config = _json(text, "the configuration in it") if isinstance(text, str) else None
    if not isinstance(config, dict):
        raise BadRecord(f"it has no ConfigMap with {_CONFIG}")
    return config


def _text(config_map: Mapping[str, Any]) -> str:
    """The JSON of a record, in either of its forms."""
    binary, data = config_map.get("binaryData"), config_map.get("data")
    if isinstance(binary, dict) and isinstance(encoded := binary.get(_PACKED), str):
        return _decompressed(encoded)
    if isinstance(data, dict) and isinstance(plain := data.get(_PLAIN), str):
        return plain
    raise BadRecord(f"it contains neither {_PACKED} nor {_PLAIN}")


def _decompressed(encoded: str) -> str:
    decompress = zlib.decompressobj(_GZIP)
    try:
        data = decompress.decompress(base64.b64decode(encoded, validate=True), _UNPACKED_LIMIT)
        if decompress.unconsumed_tail:
            raise BadRecord(f"it unpacks to more than {_UNPACKED_LIMIT} bytes")
        if not decompress.eof or decompress.unused_data:
            raise BadRecord(f"{_PACKED} is truncated, or continues past its end")
        return data.decode()
    except (binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise BadRecord(f"{_PACKED} cannot be unpacked: {error}") from error


def _stored(text: str) -> _Stored:
    try:
        return _Stored.model_validate(_json(text, "it"))
    except ValidationError as error:
        raise BadRecord(f"it {_first(error)}") from error


def _json(text: str, what: str) -> Any:
    def refuse_constant(name: str) -> NoReturn:
        raise BadRecord(f"{what} has the number {name}")

    try:
        value = json.loads(text, parse_constant=refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # halves of pairs, which no text has
        return value
    except RecursionError:
        raise BadRecord(f"{what} is nested too deeply") from None
    except BadRecord:
        raise
    except ValueError as error:
        raise BadRecord(f"{what} is not JSON in UTF-8: {error}") from error


def _first(error: ValidationError) -> str:
    """The first finding of pydantic's, without the value, which may be long."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in found["loc"])
    return f"has an invalid `{where}`: {found['msg']}" if where else f"is not a mapping: {found['msg']}"
