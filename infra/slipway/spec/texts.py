"""Contains the rules for short texts and paths in a spec."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.values.quantities import line_of_text, refusal, repository_path


def text(limit: int, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """The validator and JSON Schema of one line of text with `limit` characters at most."""
    schema = WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})
    return BeforeValidator(line_of_text(limit, example)), schema


def pattern(form: re.Pattern[str], what: str, example: str) -> tuple[BeforeValidator, WithJsonSchema]:
    """The validator and JSON Schema of a name that AWS gives; `what` it is the name of, for messages."""

    def parse(value: object) -> str:
        text = line_of_text(63, example)(value)
        if not form.fullmatch(text):
            raise refusal(f"is not the name of {what}", f"{what} as AWS names it", f"write for example {example}")
        return text

    return BeforeValidator(parse), WithJsonSchema({"type": "string", "pattern": f"^(?:{form.pattern})$"})


def file_ending(suffix: str, problem: str, allowed: str, example: str) -> BeforeValidator:
    """The validator of a file of the repository whose name has an ending; `problem`: what one without it is."""

    def parse(value: object) -> str:
        path = repository_path(value)
        if not path.endswith(suffix):
            raise refusal(problem, allowed, f"write for example {example}")
        return path

    return BeforeValidator(parse)


_file_rule = BeforeValidator(repository_path), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512})
RepositoryFile = Annotated[str, *_file_rule]
