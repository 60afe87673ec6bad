"""Read what a script answered: its refusal, or a result whose files are there and lie where they should."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slipway.toolbox.errors import StepFailed, StepRefused

_MAX_BYTES = 16 * 2**20
_MAX_FILES = 10_000


class _Refusal(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    problem: str = Field(min_length=1, max_length=4000)
    allowed: str = Field(max_length=4000)
    todo: str = Field(max_length=4000)


class _Weights(BaseModel):
    """What a step says about the weights that it wrote."""

    model_config = ConfigDict(strict=True, frozen=True)

    main: str
    format: str
    tools: dict[str, str]
    settings: dict[str, Any]
    deterministic: bool
    notes: list[str] = []


def read_result(script: str, folder: Path, request: Mapping[str, Any], said: Sequence[str]) -> Mapping[str, Any]:
    """The result of a script that ended with code 0.

    Raises `StepRefused` with what the script refused, `StepFailed` for no result or one that cannot be used.
    """
    result = _read(script, folder / "result.json", said)
    if "error" in result:
        try:
            refusal = _Refusal.model_validate(result["error"])
        except ValidationError as error:
            raise StepFailed(script, f"refused without saying why ({error.error_count()} errors)", said) from None
        raise StepRefused(refusal.problem, refusal.allowed, refusal.todo)
    if "output" in request:
        _check_weights(script, Path(request["output"]), result, said)
    return result


def _read(script: str, path: Path, said: Sequence[str]) -> dict[str, Any]:
    if path.is_symlink() or not path.is_file():
        raise StepFailed(script, "ended without a result", said)
    with path.open("rb") as stream:
        data = stream.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise StepFailed(script, f"wrote a result of more than {_MAX_BYTES} bytes", said)
    try:
        result = json.loads(data)
    except ValueError:
        raise StepFailed(script, "wrote a result that is not JSON", said) from None
    if not isinstance(result, dict):
        raise StepFailed(script, "wrote a result that is not a mapping", said)
    return result


def _check_weights(script: str, output: Path, result: Mapping[str, Any], said: Sequence[str]) -> None:
    try:
        weights = _Weights.model_validate(result)
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(str(part) for part in line["loc"]) for line in error.errors()}))
        raise StepFailed(script, f"wrote a result whose {wrong} cannot be used", said) from None
    main = PurePosixPath(weights.main)
    if main.is_absolute() or ".." in main.parts or not main.parts:
        raise StepFailed(script, f"wrote weights outside of its folder: {weights.main}", said)
    for count, path in enumerate((output, *output.rglob("*"))):
        if path.is_symlink():
            raise StepFailed(script, f"wrote a link, {path.name}: results are files", said)
        if count > _MAX_FILES:
            raise StepFailed(script, f"wrote more than {_MAX_FILES} files", said)
    if not (output / main).exists():
        raise StepFailed(script, f"wrote no {main}, which its result names", said)
