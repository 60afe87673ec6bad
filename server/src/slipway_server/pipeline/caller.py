"""Contains what a request under way to a pipeline is about: whose pass it has, and that a model of it is away."""

from contextvars import ContextVar

caller_pass: ContextVar[bytes | None] = ContextVar("caller_pass", default=None)
"""The pass of the request under way: the models are asked by it, so that the pipeline itself may call nobody."""

SUBJECT = "x-slipway-subject"
"""Header of a request, and metadata over gRPC: whom it is about, as text of the caller's own."""
caller_subject: ContextVar[bytes | None] = ContextVar("caller_subject", default=None)
"""What that header of the request under way says; the models of a pipeline are told, too."""

asked_releases: ContextVar[dict[str, str] | None] = ContextVar("asked_releases", default=None)
"""Gets, for each model that is asked for the request under way, the release that answered."""
RELEASE = b"x-slipway-release"
"""The header of an answer that says which release gave it: while a model is updated, two of them answer."""


class MemberAway(Exception):
    """A model of the pipeline cannot be asked now; the message says which, and why."""
