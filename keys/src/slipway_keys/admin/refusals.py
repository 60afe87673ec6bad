"""What the admin API and the page refuse, with the sentence that says why; never with a key or a secret in it."""

import re
from http import HTTPStatus

from pydantic import ValidationError

_ID = re.compile(r"[a-z0-9]{1,20}|[0-9a-f-]{36}")


class Refused(Exception):
    """A call that is answered with `status` and a message; nothing was changed."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def wrong(field: str, problem: str, allowed: str, todo: str = "correct it") -> Refused:
    """The refusal of a value; `problem` begins with the value where it may be shown."""
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{field}: {problem}; allowed: {allowed}; next: {todo}")


def unknown(what: str, identifier: str) -> Refused:
    """The refusal of an id that nothing has."""
    # What is no id may be a key that was pasted into the wrong place.
    seen = f"{identifier!a} is not known" if _ID.fullmatch(identifier) else "this is no id"
    return Refused(
        HTTPStatus.NOT_FOUND,
        f"{what}: {seen}; next: `slipway keys list` and `slipway keys requests` show those that are",
    )


def absent(field: str, value: str, problem: str, allowed: str, todo: str = "correct it") -> Refused:
    """The refusal of a path to something that there is not."""
    return Refused(HTTPStatus.NOT_FOUND, f"{field}: {value[:60]!a} {problem}; allowed: {allowed}; next: {todo}")


def conflict(what: str, identifier: str, problem: str) -> Refused:
    """The refusal of a change that what is there does not allow."""
    return Refused(HTTPStatus.CONFLICT, f"{what} {identifier} {problem}; nothing was changed")


def invalid(error: ValidationError) -> Refused:
    """The refusal of a document: every field that is wrong, with what is wrong with it.

    Values are not shown: somebody may have written a key into the wrong field.
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    parts = [f"{'.'.join(map(str, one['loc'])) or 'the document'}: {one['msg']}" for one in found[:10]]
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"{'; '.join(parts)}; next: correct it")
