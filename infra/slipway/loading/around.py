"""Hold what a spec says before and after a model against the model, with the model server's own code."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from slipway_server.steps.assembled import Materials, Steps
from slipway_server.steps.hook import AFTER, BEFORE
from slipway_server.steps.labels import check_labels, parse_labels
from slipway_server.steps.texts import read_tokenizer
from slipway_server.values.capture import SampleSection
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature
from slipway_server.values.steps import InputSection, OutputSection, QualitySection

from slipway.artifacts.around import IMAGE_FOLDER, Around, StepFile
from slipway.errors.base import FileRefused, UserError, WrongValue
from slipway.reading.findings import Locate
from slipway.reading.yaml_document import FieldPath, read_bytes
from slipway.runtimes.base import TEXT
from slipway.runtimes.registry import recipe
from slipway.spec.model import ModelSpec

TOKENIZER_LIMIT = 64 * 2**20
LABELS_LIMIT = 16 * 2**20
HOOK_LIMIT = 2**20


class _Refused(Exception):
    """A file that a field names cannot be used, and `found` says so."""


def around(spec: ModelSpec, signature: Signature, root: Path, locate: Locate, found: list[UserError]) -> Around | None:
    """Read what `input` and `output` name and hold it, `quality` and `capture` against the model.

    Args:
        spec: the spec, merged for its environment.
        signature: what the model takes and gives.
        root: folder that paths in the spec begin at, and that links may not lead out of.
        locate: where fields are written.
        found: gets what is wrong.

    Returns:
        None where a spec has none of them, or something is wrong with them.
    """
    if all(part is None for part in (spec.input, spec.output, spec.quality, spec.capture)):
        return None
    files = _Files(spec, root, locate, found)
    try:
        prepared = Materials(files.tokenizer(), files.labels(), None)
        files.hooks()
    except _Refused:
        return None
    except BadRequest as error:
        found.append(_finding(error, locate))
        return None
    names = {path: f"{IMAGE_FOLDER}/{file.name}" for path, file in files.read.items()}
    sections = {
        key: part.section(names) for key, part in (("input", spec.input), ("output", spec.output)) if part is not None
    }
    before = InputSection.model_validate(sections["input"]) if spec.input is not None else None
    after = OutputSection.model_validate(sections["output"]) if spec.output is not None else None
    quality = None
    if spec.quality is not None:
        told = {"task": spec.quality.task, "output": spec.quality.output, "positive": spec.quality.positive}
        quality = QualitySection.model_validate(told)
        sections["quality"] = quality.model_dump(mode="json", exclude_none=True)
    sample = None if spec.capture is None else SampleSection.model_validate(spec.capture.section())
    try:
        steps = Steps(before, after, prepared, signature, quality, sample)
    except BadRequest as error:
        found.append(_finding(error, locate))
        return None
    hooked = spec.input is not None and spec.input.hook is not None
    return Around(steps, tuple(files.read.values()), sections, hooked)


def _finding(error: BadRequest, locate: Locate) -> UserError:
    place, field = locate(tuple(error.field.split(".")))
    return UserError(place, field, error.problem, error.allowed, "correct the field, or export the model as it says")


class _Files:
    """The files that a spec names before and after the model, each read once."""

    def __init__(self, spec: ModelSpec, root: Path, locate: Locate, found: list[UserError]) -> None:
        self._spec, self._root, self._locate, self._found = spec, root, locate, found
        self.read: dict[str, StepFile] = {}

    def tokenizer(self) -> object:
        """The tokenizer, if there is to be one."""
        text = self._spec.input.text if self._spec.input is not None else None
        if text is None:
            return None
        at = ("input", "text", "tokenizer")
        if TEXT not in recipe(self._spec.runtime).extras:
            problem = f"needs a library that images of the runtime {self._spec.runtime} do not have"
            todo = "write input.text in the spec of the model that takes the text"
            self._refuse(text.tokenizer, problem, "text for a model of its own", todo, at)
        return read_tokenizer(self._bytes(text.tokenizer, "tokenizer.json", TOKENIZER_LIMIT, "a tokenizer.json", at))

    def labels(self) -> list[str] | None:
        """The labels, if there are any."""
        given = self._spec.output.labels if self._spec.output is not None else None
        if isinstance(given, str):
            kind = "a file with a label on each line"
            return parse_labels(self._bytes(given, "labels.txt", LABELS_LIMIT, kind, ("output", "labels")))
        return None if given is None else check_labels(given)

    def hooks(self) -> None:
        """Look at the user's own functions, without running any of it."""
        for path, name, at in self._named_hooks():
            data = self._bytes(path, f"{name}.py", HOOK_LIMIT, "a Python file", at)
            try:
                tree = ast.parse(data, path)
            except (SyntaxError, ValueError) as error:
                said = error.msg if isinstance(error, SyntaxError) else str(error)
                line = f" (line {error.lineno})" if isinstance(error, SyntaxError) and error.lineno else ""
                self._refuse(path, f"is no Python: {said}{line}", f"Python with a function `{name}`", "correct it", at)
            defined = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
            if name not in defined:
                there = ", ".join(dict.fromkeys(defined)) or "none"
                problem = f"has no function `{name}`; it has {there}"
                self._refuse(path, problem, f"Python with `def {name}(...)`", f"define {name} in it", at)

    def _named_hooks(self) -> Iterator[tuple[str, str, FieldPath]]:
        if self._spec.input is not None and self._spec.input.hook is not None:
            yield self._spec.input.hook, BEFORE, ("input", "hook")
        if self._spec.output is not None and self._spec.output.hook is not None:
            yield self._spec.output.hook, AFTER, ("output", "hook")

    def _bytes(self, path: str, name: str, limit: int, kind: str, at: FieldPath) -> bytes:
        try:
            data = read_bytes(self._root / path, path, limit, kind, self._root)
        except FileRefused as error:
            self._refuse(path, error.problem, error.allowed, error.todo, at)
        if path not in self.read:
            self.read[path] = StepFile(name, (self._root / path).resolve(), hashlib.sha256(data).hexdigest())
        return data

    def _refuse(self, value: str, problem: str, allowed: str, todo: str, at: FieldPath) -> NoReturn:
        place, field = self._locate(at)
        self._found.append(WrongValue(place, field, value, problem, allowed, todo))
        raise _Refused
