"""Hold the first rows of an input against the model, in the words of the server that would refuse them later."""

import itertools
import json
import zipfile
from typing import IO

from slipway_server.protocol.archives import opened
from slipway_server.protocol.request import parse_predict
from slipway_server.values.errors import BadRequest

from slipway.batches.errors import BatchRefused
from slipway.loading.variant import Variant
from slipway.runtimes.registry import RUNTIMES

LINES, ARRAYS = ".jsonl", ".npz"
SUFFIXES = (LINES, ARRAYS)
_FIRST = 3
"""Lines: a file that is another one altogether shows it at once; one bad row among many is refused by its answer."""


def check_first_rows(file: IO[bytes], shown: str, suffix: str, variant: Variant) -> None:
    """Refuse an input that is not for this model.

    Args:
        file: the input.
        shown: its name in messages.
        suffix: of its name.
        variant: the model as it serves.

    Raises:
        BatchRefused: it is not of the form that its name says, or its rows are not the model's inputs.
    """
    try:
        if suffix == ARRAYS:
            _check_arrays(file, variant)
        else:
            _check_lines(file, variant)
    except BadRequest as error:
        problem, _, allowed = str(error).partition("; allowed: ")
        how = "write it by numpy.savez, with an array for each input" if suffix == ARRAYS else "correct the line"
        raise BatchRefused(shown, problem, allowed or "rows of the model's inputs", how) from None


def _check_arrays(file: IO[bytes], variant: Variant) -> None:
    if variant.around is not None:
        allowed = "lines of JSON (.jsonl), which go through what the spec says before the model"
        raise BadRequest("input", "is arrays, and the model has steps before it", allowed)
    try:
        with zipfile.ZipFile(file) as archive:
            opened(archive, variant.artifact.signature)
    except zipfile.BadZipFile:
        raise BadRequest("input", "is no archive", "what numpy.savez wrote") from None


def _check_lines(file: IO[bytes], variant: Variant) -> None:
    most = variant.spec.endpoint.max_body or RUNTIMES[variant.spec.runtime].body_least
    for number in itertools.count(1):
        line = file.readline(most + 1)
        if not line or number > _FIRST:
            return
        try:
            _check_line(line, most, variant)
        except BadRequest as error:
            problem, _, allowed = str(error).partition("; allowed: ")
            raise BadRequest(f"line {number}", problem, allowed or "a body of POST /predict") from None


def _check_line(line: bytes, most: int, variant: Variant) -> None:
    if len(line) > most:
        raise BadRequest("body", f"has more than {most} bytes", "endpoint.max_body")
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRequest("body", "is not JSON", "one JSON value in a line") from None
    if variant.around is not None:
        variant.around.read(body)
    else:
        parse_predict(body, variant.artifact.signature)
