"""Read a record of the gateway's access log: how an admitted call ended."""

import re
from collections.abc import Iterable
from typing import Any

from slipway_keys.credentials.passes import Passes

# Envoy's: UH, UC, DC, URX ..., with commas between.
_FLAGS = re.compile(r"[A-Z]{1,5}(,[A-Z]{1,5}){0,9}")
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?")
_OK, _FAULT = 200, 500
# Over gRPC each answer has the status 200, and its own beside it: what each of them is over HTTP.
_OF_GRPC = {1: 499, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 507, 9: 400, 10: 409, 11: 400, 12: 501, 14: 503, 16: 401}
_REFUSED, _NOT_BELIEVED, _SETTLED = "refused", "not believed", "settled"


def settlement(attributes: Iterable[Any], time_unix_nano: int, passes: Passes) -> tuple[str, dict[str, object] | None]:
    """Return what kind of record it is, and the ledger's line if it settles a call.

    Args:
        attributes: OTLP's KeyValue messages; what was not there has the value `-`.
        time_unix_nano: when the call was over.
        passes: tells whether the record's mark is ours: any pod could send one.
    """
    values = {attribute.key: _text(attribute.value) for attribute in attributes}
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


def _status(values: dict[str, str]) -> int:
    """Return how the call was answered as a status of HTTP; 0 when it was not."""
    over_http = _whole(values, "status") or 0
    over_grpc = _whole(values, "grpc_status")
    if over_grpc is None:
        over_grpc = _whole(values, "grpc_refused")
    return over_http if over_http != _OK or not over_grpc else _OF_GRPC.get(over_grpc, _FAULT)


def _text(value: Any) -> str:
    kind = value.WhichOneof("value")
    return str(getattr(value, kind)) if kind in ("string_value", "int_value", "double_value") else "-"


def _decimal(values: dict[str, str], name: str) -> str | None:
    """Return a number as its text, for NUMERIC; None for what was not measured or is no number."""
    text = values.get(name, "-")
    return text if _NUMBER.fullmatch(text) else None


def _whole(values: dict[str, str], name: str) -> int | None:
    text = _decimal(values, name)
    return None if text is None else int(text.partition(".")[0])


def _flags(text: str) -> str:
    return text if _FLAGS.fullmatch(text) else ""
