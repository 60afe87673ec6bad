"""Read a record of the gateway's access log: how an admitted call ended."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway_keys.credentials.passes import Passes
from slipway_keys.values.quality import MOST_LABEL, MOST_ROWS
from slipway_keys.values.route import QualitySection

# Envoy's: UH, UC, DC, URX ..., with commas between.
_FLAGS = re.compile(r"[A-Z]{1,5}(,[A-Z]{1,5}){0,9}")
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?")
_OK, _FAULT = 200, 500
# Over gRPC each answer has the status 200, and its own beside it: what each of them is over HTTP.
_OF_GRPC = {1: 499, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 507, 9: 400, 10: 409, 11: 400, 12: 501, 14: 503, 16: 401}
_REFUSED, _NOT_BELIEVED, _SETTLED = "refused", "not believed", "settled"


class _Reported(BaseModel):
    """What a model server says of its answer: at most `MOST_ROWS` of its `rows` are in `predicted`, the first ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Annotated[str, Field(min_length=1, max_length=100)]
    rows: Annotated[int, Field(ge=1)]
    predicted: Annotated[list[Annotated[str, Field(max_length=MOST_LABEL)]], Field(max_length=MOST_ROWS)]
    scores: Annotated[list[float | None], Field(max_length=MOST_ROWS)] | None = None


def read(attributes: Iterable[Any]) -> dict[str, str]:
    """Return what a record says; what was not there has the value `-`. `attributes`: OTLP's KeyValue messages."""
    return {attribute.key: _text(attribute.value) for attribute in attributes}


def answer(
    values: Mapping[str, str], line: Mapping[str, object], quality: QualitySection
) -> tuple[dict[str, object] | None, int]:
    """Return the line about what a model answered, if it did, and how many rows of the answer are not in it.

    Args:
        values: what the record says.
        line: the line that settles the call.
        quality: the rules of its model.
    """
    text = values.get("predicted", "-")
    if line["status"] != _OK or text == "-":
        return None, 0
    try:
        said = _Reported.model_validate(orjson.loads(text))
    except (ValidationError, ValueError):
        return None, 1
    return {
        "kind": "answer",
        "request_id": line["request_id"],
        "model": line["model"],
        "version": said.version,
        "at": line["at"],
        "keep_s": quality.keep_s,
        "predicted": said.predicted,
        "scores": said.scores,
    }, max(0, said.rows - len(said.predicted))


def settlement(values: Mapping[str, str], time_unix_nano: int, passes: Passes) -> tuple[str, dict[str, object] | None]:
    """Return what kind of record it is, and the ledger's line if it settles a call.

    Args:
        values: what the record says.
        time_unix_nano: when the call was over.
        passes: tells whether the record's mark is ours: any pod could send one.
    """
    mark = values.get("key", "-")
    if mark in ("-", ""):
        return _REFUSED, None
    request_id = values.get("request_id", "")
    whose = passes.read_mark(request_id, mark)
    if whose is None:
        return _NOT_BELIEVED, None
    seconds = _decimal(values, "duration_ms")
    at = time_unix_nano / 1e9
    took_s = float(seconds) / 1000 if seconds is not None else 0.0
    return _SETTLED, {
        "kind": "settlement",
        "request_id": request_id,
        "key": whose.key,
        "account": whose.account,
        "model": whose.model,
        "at": at,
        "began": at - took_s,
        "status": _status(values),
        "flags": _flags(values.get("flags", "-")),
        "bytes_in": _whole(values, "bytes_in"),
        "bytes_out": _whole(values, "bytes_out"),
        "seconds": took_s if seconds is not None else None,
        "compute_s": _decimal(values, "compute_s"),
        "tokens": _whole(values, "tokens"),
        "attempts": _whole(values, "attempts"),
    }


def _status(values: Mapping[str, str]) -> int:
    """Return how the call was answered as a status of HTTP; 0 when it was not."""
    over_http = _whole(values, "status") or 0
    over_grpc = _whole(values, "grpc_status")
    if over_grpc is None:
        over_grpc = _whole(values, "grpc_refused")
    return over_http if over_http != _OK or not over_grpc else _OF_GRPC.get(over_grpc, _FAULT)


def _text(value: Any) -> str:
    kind = value.WhichOneof("value")
    return str(getattr(value, kind)) if kind in ("string_value", "int_value", "double_value") else "-"


def _decimal(values: Mapping[str, str], name: str) -> str | None:
    """Return a number as its text, for NUMERIC; None for what was not measured or is no number."""
    text = values.get(name, "-")
    return text if _NUMBER.fullmatch(text) else None


def _whole(values: Mapping[str, str], name: str) -> int | None:
    text = _decimal(values, name)
    return None if text is None else int(text.partition(".")[0])


def _flags(text: str) -> str:
    return text if _FLAGS.fullmatch(text) else ""
