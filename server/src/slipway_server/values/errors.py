"""Say what is wrong with a request, in words that its sender can act on."""

import reprlib

from slipway_server.values.text import shortened

PART_LIMIT = 2000
_REPR = reprlib.Repr()
_REPR.maxlevel = 3
_REPR.maxlist = 4
_REPR.maxdict = 4
_REPR.maxstring = 60
_REPR.maxother = 60


def show(value: object) -> str:
    """Return `value` as a short text: a body of megabytes must not become a message of megabytes."""
    return _REPR.repr(value)


class BadRequest(ValueError):
    """The sender must change something; the message names the field, what is wrong with it, what is allowed.

    Args:
        field: path of the field in what was sent, for example `inputs.image[0][2]`.
        problem: what is wrong with it, with the value, as the rest of a sentence that begins with the field.
        allowed: what may be sent instead.

    Whatever is quoted in them, the message stays short: each of the three loses its middle beyond `PART_LIMIT`.
    """

    def __init__(self, field: str, problem: str, allowed: str) -> None:
        self.field, self.problem, self.allowed = (shortened(part, PART_LIMIT) for part in (field, problem, allowed))
        super().__init__(f"`{self.field}` {self.problem}; allowed: {self.allowed}")


class TooLarge(BadRequest):
    """The request, or what it becomes when it is read, will never fit into this server's memory."""


class AnswerTooLarge(BadRequest):
    """The answer to this request will never fit into this server's memory."""


class Full(Exception):
    """The memory for requests is in use; the same request may be answered a little later."""


class ModelFault(BadRequest):
    """The model gave what no answer can carry: of concern to this request alone, but its sender can change nothing."""
