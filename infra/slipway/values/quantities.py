"""Parse what carries a unit: memory, CPU, time, versions, names; each a named type with its rule attached."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError
from semver import Version

_MEMORY_UNITS = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
    "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
}  # fmt: skip
_TIME_UNITS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,9})?"
_MEMORY = re.compile(rf"({_NUMBER})(Ki|Mi|Gi|Ti|k|M|G|T)")
_CPU = re.compile(rf"({_NUMBER})(m?)")
_TIME = re.compile(rf"({_NUMBER})(ms|s|m|h)")
_SHARE = re.compile(r"1|1/[1-9][0-9]{0,2}|0?\.[0-9]{1,9}")
_BARE = re.compile(_NUMBER)
_SEMVER = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
"""What editors are told; `semver` judges, zeros in front and empty parts too."""
_DNS_LABEL = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")

MODEL_NAME_LIMIT = 40
"""Leaves room for `-<16 hex>` and the hashes of ReplicaSet and pod within the 63 characters of a DNS label."""


def refusal(
    problem: str, allowed: str, todo: str, at: tuple[str | int, ...] = (), *, hidden: bool = False
) -> PydanticCustomError:
    """The refusal of a value in our words; `at` leads from the validated model to the field that is to blame.

    `hidden`: the value may be a secret, written in the wrong place: no message shows it.
    """
    context = {"problem": problem, "allowed": allowed, "todo": todo, "at": at, "hidden": hidden}
    return PydanticCustomError("slipway", "{problem}", context)


def _text(value: object, allowed: str, example: str) -> str:
    if isinstance(value, str):
        return value
    raise refusal(f"is {kind_of(value)}, not text", allowed, f"write for example {example}")


def kind_of(value: object) -> str:
    """What a person calls the type of a YAML value."""
    if value is None:
        return "empty"
    kinds: dict[type, str] = {bool: "a truth value", int: "a whole number", float: "a number", str: "text"}
    kinds |= {list: "a list", dict: "a mapping"}
    return kinds[type(value)]


_BYTES_ALLOWED = "a positive number with a unit: Ki, Mi, Gi, Ti (powers of 1024) or k, M, G, T (powers of 1000)"


def parse_bytes(value: object) -> int:
    """Bytes from `512Mi`, `1.5Gi`, `2G`. A bare number is refused: it could be bytes, MB or MiB."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    text = _text(text, _BYTES_ALLOWED, "512Mi")
    found = _MEMORY.fullmatch(text)
    if not found:
        if _BARE.fullmatch(text):
            raise refusal("has no unit", _BYTES_ALLOWED, f"write for example {text}Mi")
        raise refusal("is not an amount of memory", _BYTES_ALLOWED, "write for example 512Mi")
    amount = int(Decimal(found[1]) * _MEMORY_UNITS[found[2]])
    if not 0 < amount <= 2**50:
        raise refusal("is out of range", f"{_BYTES_ALLOWED}, above 0 and at most 1024Ti", "write for example 512Mi")
    return amount


_CPU_ALLOWED = "cores as 2, 0.5 or in thousandths 500m; from 1m to 1024"


def parse_cpu(value: object) -> int:
    """Thousandths of a core from `500m`, `0.5`, `2`."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    found = _CPU.fullmatch(_text(text, _CPU_ALLOWED, "500m"))
    if not found:
        raise refusal("is not an amount of CPU", _CPU_ALLOWED, "write for example 500m")
    millis = Decimal(found[1]) * (1 if found[2] else 1000)
    if millis != int(millis) or not 0 < millis <= 1024_000:
        raise refusal("is out of range or finer than 1m", _CPU_ALLOWED, "write for example 500m")
    return int(millis)


def parse_share(value: object) -> Fraction:
    """A part of one GPU from `0.25`, `1/4`, `1`."""
    allowed = "a part of one GPU, as 1/4 or 0.25; above 0 and at most 1"
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    text = _text(text, allowed, "1/4").removesuffix(".0")
    if not _SHARE.fullmatch(text) or not Fraction(text):
        raise refusal("is not a part of one GPU", allowed, "write for example 1/4")
    return Fraction(text)


_TIME_ALLOWED = "a positive time with a unit: ms, s, m or h; at most 24h"


def parse_seconds(value: object) -> float:
    """Seconds from `500ms`, `30s`, `2m`. A bare number is refused: it could be seconds or milliseconds."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    text = _text(text, _TIME_ALLOWED, "30s")
    found = _TIME.fullmatch(text)
    if not found:
        if _BARE.fullmatch(text):
            raise refusal("has no unit", _TIME_ALLOWED, f"write for example {text}s")
        raise refusal("is not a time", _TIME_ALLOWED, "write for example 30s")
    seconds = Decimal(found[1]) * _TIME_UNITS[found[2]]
    if not Decimal("0.001") <= seconds <= 86400:
        raise refusal("is out of range", f"{_TIME_ALLOWED}, at least 1ms", "write for example 30s")
    return float(seconds)


def parse_semver(value: object) -> str:
    """A semantic version (https://semver.org, version 2.0.0) of at most 63 characters."""
    allowed = "a semantic version MAJOR.MINOR.PATCH, at most 63 characters"
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    text = _text(text, allowed, "1.0.0")
    if len(text) > 63 or not Version.is_valid(text):
        raise refusal("is not a semantic version", allowed, "write for example 1.0.0")
    return text


def dns_label(limit: int) -> Callable[[object], str]:
    """A validator for a DNS label that starts with a letter and has at most `limit` characters."""
    allowed = f"a DNS label: a-z, 0-9 and '-', a letter first, no '-' at the end, at most {limit} characters"

    def parse(value: object) -> str:
        text = _text(value, allowed, "digits")
        if len(text) > limit:
            raise refusal(f"has {len(text)} characters", allowed, f"shorten it by {len(text) - limit}")
        if not _DNS_LABEL.fullmatch(text):
            better = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-").lstrip("-0123456789")
            raise refusal("is not a DNS label", allowed, f"write for example {better or 'digits'}")
        return text

    return parse


def format_bytes(amount: int) -> str:
    """Bytes as the shortest exact Kubernetes quantity: 536870912 is `512Mi`, 1000 is `1k`."""
    for unit in ("Ti", "Gi", "Mi", "Ki", "T", "G", "M", "k"):
        if amount % _MEMORY_UNITS[unit] == 0:
            return f"{amount // _MEMORY_UNITS[unit]}{unit}"
    return str(amount)


def format_cpu(millis: int) -> str:
    """Thousandths of a core as a Kubernetes quantity: 500 is `500m`, 2000 is `2`."""
    return f"{millis}m" if millis % 1000 else str(millis // 1000)


def format_seconds(seconds: float) -> str:
    """Seconds as a spec writes them: 0.5 is `500ms`, 30.0 is `30s`."""
    if seconds == int(seconds):
        return f"{int(seconds)}s"
    return f"{seconds * 1000:.9f}".rstrip("0").rstrip(".") + "ms"


def _schema(pattern: re.Pattern[str], **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^(?:{pattern.pattern})$"} | more)


def _number_too(pattern: re.Pattern[str]) -> WithJsonSchema:
    text = {"type": "string", "pattern": f"^(?:{pattern.pattern})$"}
    return WithJsonSchema({"anyOf": [text, {"type": "number", "exclusiveMinimum": 0}]})


Bytes = Annotated[int, BeforeValidator(parse_bytes), PlainSerializer(format_bytes), _schema(_MEMORY)]
"""An amount of memory in bytes, written `512Mi`."""

Millicores = Annotated[int, BeforeValidator(parse_cpu), PlainSerializer(format_cpu), _number_too(_CPU)]
"""An amount of CPU in thousandths of a core, written `500m` or `2`."""

Share = Annotated[Fraction, BeforeValidator(parse_share), PlainSerializer(str), _number_too(_SHARE)]
"""A part of one GPU, above 0 and at most 1, written `1/4` or `0.25`."""

Seconds = Annotated[float, BeforeValidator(parse_seconds), PlainSerializer(format_seconds), _schema(_TIME)]
"""A time in seconds, written `30s` or `500ms`."""

SemVer = Annotated[str, BeforeValidator(parse_semver), _schema(_SEMVER, maxLength=63)]
"""A semantic version, written `1.0.0`."""

ModelName = Annotated[
    str, BeforeValidator(dns_label(MODEL_NAME_LIMIT)), _schema(_DNS_LABEL, maxLength=MODEL_NAME_LIMIT)
]
"""A DNS label of at most 40 characters."""

DnsLabel = Annotated[str, BeforeValidator(dns_label(63)), _schema(_DNS_LABEL, maxLength=63)]
"""A DNS label of at most 63 characters."""


def line_of_text(limit: int, example: str, least: int = 1) -> Callable[[object], str]:
    """A validator for one line of printable text of `least` to `limit` characters."""
    allowed = f"one line of text, {least} to {limit} characters"

    def parse(value: object) -> str:
        text = _text(value, allowed, example)
        if not text.strip():
            raise refusal("is empty", allowed, f"write for example {example}")
        if len(text) > limit:
            raise refusal(f"has {len(text)} characters", allowed, f"shorten it by {len(text) - limit}")
        if len(text.strip()) < least:
            raise refusal("is too short", allowed, f"write for example {example}")
        if not text.isprintable():
            raise refusal("has a line break or a control character", allowed, "write it on one line")
        return text

    return parse


def whole_number(least: int, most: int) -> Callable[[object], int]:
    """A validator for a whole number from `least` to `most`; neither text nor a truth value is taken for one."""
    allowed = f"a whole number from {least} to {most}"

    def parse(value: object) -> int:
        if type(value) is not int:
            plain = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10
            todo = f"write {value} without quotes" if plain else f"write for example {least}"
            raise refusal(f"is {kind_of(value)}, not a whole number", allowed, todo)
        if not least <= value <= most:
            raise refusal("is out of range", allowed, f"write for example {least if value < least else most}")
        return value

    return parse


def number_between(least: float, most: float, example: str) -> Callable[[object], float]:
    """A validator for a number from `least` to `most`; neither text nor a truth value is taken for one."""
    allowed = f"a number from {least} to {most}"

    def parse(value: object) -> float:
        if type(value) not in (int, float):
            raise refusal(f"is {kind_of(value)}, not a number", allowed, f"write for example {example}, without quotes")
        amount = float(cast(float, value))
        if not least <= amount <= most:
            raise refusal("is out of range", allowed, f"write for example {example}")
        return amount

    return parse


def truth_value(value: object) -> bool:
    """A validator for `true` or `false`; neither text nor a number is taken for one."""
    if not isinstance(value, bool):
        raise refusal(f"is {kind_of(value)}, not a truth value", "true or false", "write true or false")
    return value


Truth = Annotated[bool, BeforeValidator(truth_value)]
"""`true` or `false`."""


def repository_path(value: object) -> str:
    """A file of the repository, as a relative path with `/`."""
    allowed = "the path of a file in the repository, relative to its root"
    text = line_of_text(512, "models/digits/model.onnx")(value)
    if "://" in text:
        raise refusal("is an address, not a file", allowed, "fetch it into the repository's folder and name the file")
    if text.startswith(("/", "~")) or ".." in text.split("/") or "\\" in text:
        raise refusal("leads out of the repository", allowed, "write for example models/digits/model.onnx")
    if text.endswith("/"):
        raise refusal("ends in '/', as a folder does", allowed, f"write {text.rstrip('/')} if it is the file")
    return text


def compact_json(value: object) -> str:
    """JSON values as the shortest text, the same in every process; what counts against the 1 MiB of a ConfigMap."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair, which JSON can name and UTF-8 cannot write
        return json.dumps(value, sort_keys=True, separators=(",", ":"))
    return text
