"""Read which images a Dockerfile stands on: each has to be named by its digest, so that the same files build the same.

Of the format (https://docs.docker.com/reference/dockerfile/) only FROM, ARG before it, and `--from` are read; all else
is for the builder.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from slipway.reading.files import BadFile

_FROM = re.compile(r"FROM(?:\s+--\S+)*\s+(?P<image>\S+)(?:\s+AS\s+(?P<name>\S+))?\s*", re.IGNORECASE)
_ARG = re.compile(r"ARG\s+(?P<name>[A-Za-z_]\w*)(?:=(?P<value>\"[^\"]*\"|'[^']*'|\S*))?\s*", re.IGNORECASE)
_COPIED = re.compile(r"\s--from=(?P<image>\S+)")
_VARIABLE = re.compile(r"\$(?:\{(?P<braced>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?\}|(?P<bare>[A-Za-z_]\w*))")
_DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")
_ALLOWED = "FROM NAME@sha256:DIGEST, FROM a stage above, or FROM scratch"
_SYNTAX = re.compile(r"#\s*syntax\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class _Line:
    number: int
    text: str


def refuse_moving(dockerfile: str, args: Mapping[str, str]) -> None:
    """Refuse a Dockerfile that stands on images that may be others tomorrow.

    Args:
        dockerfile: its text.
        args: build arguments.

    Raises:
        BadFile: an image by tag, none at all, a front end from elsewhere, or an argument that it does not know.
    """
    stages: list[str] = []
    known: dict[str, str] = {}
    declared: set[str] = set()
    last = ""
    for line in _lines(dockerfile):
        arg, begin = _ARG.fullmatch(line.text), _FROM.fullmatch(line.text)
        if arg is not None:
            declared.add(arg["name"])
            if not last:
                known[arg["name"]] = args.get(arg["name"], (arg["value"] or "").strip("\"'"))
        elif begin is not None:
            image = _filled(begin["image"], known)
            _refuse_tag(image, stages, line.number)
            stages += [(begin["name"] or "").lower()]
            last = image
        for copied in _COPIED.finditer(line.text):
            _refuse_tag(_filled(copied["image"], known), [*stages, *map(str, range(len(stages)))], line.number)
    if not last:
        raise BadFile("has a Dockerfile without FROM", _ALLOWED, "write FROM NAME@sha256:DIGEST")
    for name in args:
        if name not in declared:
            raise BadFile(f"has a Dockerfile that knows no ARG {name}", "arguments that it declares", f"remove {name}")


def _refuse_tag(image: str, stages: list[str], number: int) -> None:
    if image.lower() in stages or image == "scratch" or _DIGEST.fullmatch(image):
        return
    problem = f"has a Dockerfile that in line {number} stands on {image[:200]}, which can move to another image"
    todo = f"write what `docker buildx imagetools inspect {image[:200]}` shows as Digest, behind an @"
    raise BadFile(problem, _ALLOWED, todo)


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known.get(found["braced"] or found["bare"]) or found["default"] or "", text)


def _lines(dockerfile: str) -> Iterator[_Line]:
    """The instructions, each on one line, with the number of its first."""
    whole, first = "", 0
    for number, written in enumerate(dockerfile.splitlines(), 1):
        text = written.strip()
        if text.startswith("#") or (not text and not whole):
            if _SYNTAX.match(text) and not whole:
                problem = f"has a Dockerfile that in line {number} asks for a front end, which is fetched"
                raise BadFile(problem, "Dockerfiles that the Docker Engine reads itself", "remove the line")
            continue
        first = first if whole else number
        if text.endswith("\\"):
            whole += text[:-1] + " "
            continue
        yield _Line(first, whole + text)
        whole = ""
    if whole.strip():
        yield _Line(first, whole)
