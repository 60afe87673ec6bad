"""Say what a backup of an environment contains: a manifest, written last, without which it is none."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

FORMAT: Literal[1] = 1
"""Raised when a backup no longer means what an older Slipway would restore."""
MANIFEST = "manifest.json"
HISTORY = "history.jsonl"
AUDIT = "audit.jsonl"
LEDGER = "ledger.dump"
Parts = Literal["state", "ledger"]
"""`state`: Pulumi's states, the history and its audit trail; `ledger`: keys, requests for access, budgets, ledger."""


class Stored(BaseModel):
    """One file of a backup. `sha256`: of its bytes, in hexadecimal; `size` in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """What a backup is of, and its files.

    Attributes:
        format: of the backup.
        environment: whose backup it is.
        taken_at: when it was begun. What is in the environment from then on may not be in it.
        slipway: the version that wrote it.
        stacks: the state of each stack, as `pulumi stack export` prints it, by the stack's name.
        history: entries of the history, one a line; None where the backend keeps none.
        audit: the records of the audit trail, one a line with its number; None where the backend keeps none.
        ledger: the database of keys and ledger, as `pg_dump --format=custom` writes it; None where the environment has
            none in its cluster.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = FORMAT
    environment: Annotated[str, StringConstraints(min_length=1, max_length=63)]
    taken_at: AwareDatetime
    slipway: Annotated[str, StringConstraints(max_length=64)]
    stacks: dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,199}$")], Stored]
    history: Stored | None = None
    audit: Stored | None = None
    ledger: Stored | None = None


def backup_name(environment: str, taken_at: datetime) -> str:
    """The folder of a backup: sorts by time."""
    return f"{environment}-{taken_at:%Y%m%dT%H%M%SZ}"


def state_file(stack: str) -> str:
    """The file of a stack's state in a backup."""
    return f"states/{stack}.json"
