"""Describe one entry of the history: what was done to one model, by whom, from what, and how it ended.

Nothing is in it that the record of a model in its cluster does not have, but who did it: the manifests of a release
hold names of secrets, never what is in them.
"""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from slipway.compatibility.contents import Contents

SCHEMA: Literal[1] = 1
"""Raised when an entry no longer means what an older Slipway would read in it; fields may be added without."""

TEXT = 2000
LINES = 200

Action = Literal["deploy", "restore", "rollback", "restart", "promote", "remove"]
Verdict = Literal["passed", "failed", "interrupted"]
Text = Annotated[str, StringConstraints(max_length=TEXT)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Short = Annotated[str, StringConstraints(max_length=64)]
Id = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}T[0-9]{12}Z-[0-9a-f]{8}$")]
"""Sorts by time, to the microsecond; the end tells entries of one moment apart."""


class Part(BaseModel):
    """Read without belief, since others may write where it lies; a later Slipway may have written more fields."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class Who(Part):
    """Whoever ran the command: the user there or, in a workflow, who set it off; `run` is the workflow run's URL."""

    user: Short
    host: Annotated[str, StringConstraints(max_length=253)]
    run: Text | None = None

    def __str__(self) -> str:
        return self.user if self.run else f"{self.user}@{self.host}"


class Commit(Part):
    """The commit that the specs were of; `dirty`: they, or something beside them, had changes that were not in it."""

    sha: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40,64}$")]
    dirty: bool

    def __str__(self) -> str:
        return f"{self.sha[:12]}{'+' if self.dirty else ''}"


class Replaced(Part):
    """What was live before; `release` is its short digest."""

    version: Short
    release: Short


class Entry(Part):
    """One entry.

    Attributes:
        schema_: version of this description, `schema` in the file.
        id: what it is called; sorts by time.
        time: when it was written, in UTC.
        action: what was done. A `restore` follows a failure by itself; the others were asked for.
        verdict: `passed` where the release was judged right and serves; `interrupted` where nobody saw the end.
        reason: why it failed, or why somebody asked for it.
        version: of the release in question; empty where it is not known.
        release: its digest.
        image: by its digest, as `registry/name@sha256:...`; None where none was made.
        replaced: what was live before.
        who: whoever did it.
        commit: of the specs; None outside of a repository.
        slipway: version of Slipway.
        origin: what the release was made from (`slipway.plan.release.Origin`).
        differences: where its objects differ from the release before, a line each; the first 200.
        source: what a `rollback` or `promote` took: the entry of this model, or `ENV/ID` of another environment.
        held_back: digests of releases that `up` leaves alone from then on.
        rollout: what a judged rollout measured: `steps` and `series` as the judge wrote them.
        packed: the release itself, as its record holds it; None where it was not judged right.
        contents: what the version has in it; None where that is not known, as of a release that was restored.
        owner: who answers for the model; None where that is not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, populate_by_name=True)

    schema_: Literal[1] = Field(SCHEMA, alias="schema")
    id: Id
    time: AwareDatetime
    environment: Short
    model: Short
    action: Action
    verdict: Verdict
    reason: Text = ""
    version: Annotated[str, StringConstraints(max_length=256)] = ""
    release: Digest | None = None
    image: Annotated[str, StringConstraints(max_length=1000)] | None = None
    replaced: Replaced | None = None
    who: Who
    commit: Commit | None = None
    slipway: Short
    origin: dict[str, str] | None = None
    differences: Annotated[tuple[Text, ...], Field(max_length=LINES, strict=False)] = ()
    source: Text | None = None
    held_back: Annotated[tuple[Digest, ...], Field(max_length=LINES, strict=False)] = ()
    rollout: dict[str, Any] | None = None
    packed: dict[str, str] | None = None
    contents: Contents | None = None
    owner: Short | None = None

    @property
    def kept(self) -> bool:
        """Whether one can go back to it: it was judged right, and the release is in it."""
        return self.verdict == "passed" and self.release is not None and self.packed is not None


def new_id(now: datetime) -> str:
    """An identifier that sorts by time."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}Z-{secrets.token_hex(4)}"
