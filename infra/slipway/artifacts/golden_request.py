"""Read a model's golden request and hold it against the model's signature, before anything runs."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_server.protocol.request import parse_predict
from slipway_server.values.errors import BadRequest

from slipway.artifacts.around import Around
from slipway.artifacts.onnx import Found
from slipway.reading.yaml_document import read_bytes
from slipway.values.quantities import format_bytes

REQUEST_LIMIT = 900 * 2**10
"""Of the file. The request travels in a ConfigMap, which holds at most 1 MiB."""
CHECK_LIMIT = 1000 * 2**10
"""Of request and expectation as they are written there: the rest is left for the other fields of the configuration."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where a server of its own is asked. `port`: that it listens on; `path`: that the golden request is posted to."""

    port: int
    path: str

    def section(self) -> dict[str, Any]:
        """The section `custom` of the model's configuration."""
        return {"port": self.port, "predict": self.path}


@dataclass(frozen=True, slots=True)
class GoldenRequest:
    """A golden request as a release has it, with its right answer.

    Attributes:
        runtime: name of the runtime that it is sent to.
        request: its body, JSON values.
        expect: the right answer by output name, see `slipway_server.values.expect`.
        timeout_s: longest time that the answer may take.
        members: models that are asked on the way, for which whoever sends it needs passes as well.
        asked: where an image's own server takes it, whose answers do not say their release; None for Slipway's.
    """

    runtime: str
    request: Any
    expect: dict[str, Any]
    timeout_s: float
    members: tuple[str, ...] = ()
    asked: Asked | None = None

    def section(self) -> dict[str, Any]:
        """The section `check` of the model server's configuration (`slipway_server.values.config.CheckSection`)."""
        return {"request": self.request, "expect": self.expect, "timeout_s": self.timeout_s}


_read: dict[tuple[Path, str, int, int], Any] = {}


def read_golden(path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:
    """Return the body of `POST /predict` in the file at `path`; an unchanged file is read once per model and process.

    Args:
        path: the file.
        file: its name in messages.
        found: the model that should take the request.
        root: folder that links may not lead out of.
        around: what stands before the model and reads the body, if anything does.

    Raises:
        FileRefused: the file cannot be read or is too large.
        BadRequest: it is not JSON, or not a request that the model takes.
    """
    try:
        stat = path.stat()
        key = (path, found.onnx.sha256, stat.st_size, stat.st_mtime_ns)
    except (OSError, ValueError):
        key = None  # reading it will say why
    # With steps of its own a body is read each time: they are not a part of the key.
    if key is not None and around is None and key in _read:
        return _read[key]
    data = read_bytes(path, file, REQUEST_LIMIT, "a file of JSON", root)
    body = _parse(data)
    if around is not None:
        around.read(body)
        return body
    parse_predict(body, found.signature)
    if key is not None:
        _read[key] = body
    return body


def read_json(path: Path, file: str, root: Path) -> Any:
    """Return the JSON in a file of the golden request, which nobody holds against a model; raises as `read_golden`."""
    return _parse(read_bytes(path, file, REQUEST_LIMIT, "a file of JSON", root))


def refuse_larger(body: Any, max_body: int) -> None:
    """Raise BadRequest if a golden request is more than the endpoint takes, through which the judge sends it."""
    size = len(json.dumps(body).encode())
    if size > max_body:
        raise BadRequest("body", f"has {size} bytes as it is sent", f"endpoint.max_body, {format_bytes(max_body)}")


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data, parse_constant=_no_constant)
    except RecursionError:
        raise BadRequest("body", "is nested too deeply", "JSON nested less than 900 deep") from None
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, a number of too many digits
        raise BadRequest("body", f"is not JSON ({error})", "one JSON value in UTF-8") from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
