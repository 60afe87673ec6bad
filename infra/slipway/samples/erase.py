"""Erase a subject: its keys first, by which all of its samples become unreadable, then what is of it alone."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from slipway.samples.bucket import Bucket
from slipway.samples.errors import NotErased
from slipway.samples.found import Batch, contents, folder
from slipway.spec.capture import KEEPS

NOT_LOOKED_AT = (
    "logs of the gateway and of model servers hold neither inputs nor the header that names a subject",
    "the keys service's database holds predictions by the id of a request, and no subject",
    "backups hold states, history and that database: no sample and no key of one",
    "what a pod holds is stored within a minute: run the command again after that if requests went on",
)


@dataclass(frozen=True, slots=True)
class Proof:
    """What an erasure looked at and did.

    Attributes:
        subject: its keyed digest.
        keys_seen: versions of objects with keys of anybody that were looked at.
        batches_seen: versions of objects with samples of anybody that were looked at.
        strange: versions of objects in the folder that no model server wrote, and that stayed.
        keys_destroyed: versions of the subject's keys that were deleted.
        batches_deleted: versions of batches that had samples of the subject only, and were deleted.
        unreadable: samples of the subject beside others', which nobody can decrypt any more.
        gone_by: when the last of those expires; None where there are none.
    """

    subject: str
    keys_seen: int
    batches_seen: int
    strange: int
    keys_destroyed: int
    batches_deleted: int
    unreadable: int
    gone_by: datetime | None

    def to_json(self) -> dict[str, Any]:
        """As JSON values, with what was not looked at, and why."""
        gone = self.gone_by.isoformat() if self.gone_by is not None else None
        return {**asdict(self), "gone_by": gone, "not_looked_at": list(NOT_LOOKED_AT)}


def erase(bucket: Bucket, samples: str, subject: str, tell: Callable[[str], None]) -> Proof:
    """Erase a subject, by its digest; what is gone already is no error, so that a run that broke off can be repeated.

    Args:
        bucket: the store.
        samples: its folder of samples.
        subject: the digest.
        tell: is told what goes on.

    Raises:
        SamplesUnread: the store refused, or broke off. NotErased: keys of the subject are there again.
    """
    tell("looking for keys")
    there = folder(bucket, samples)
    keys = there.of(subject)
    names = {key.name for key in keys}
    # Looked at before its keys are gone: afterwards nothing tells which samples are the subject's.
    own: list[Batch] = []
    mixed: list[Batch] = []
    unreadable = 0
    for batch, lines in contents(bucket, there.batches if names else (), lambda done: tell(f"{done} batches read")):
        mine = sum(line.key in names for line in lines)
        if mine and mine == len(lines):
            own.append(batch)
        elif mine:
            mixed.append(batch)
            unreadable += mine
    tell("deleting")
    bucket.delete([key.version for key in keys])
    bucket.delete([batch.version for batch in own])
    left = folder(bucket, samples).of(subject)
    if left:
        raise NotErased(len(left))
    days = {str(keep): timedelta(days=of) for keep, of in KEEPS.items()}
    return Proof(
        subject=subject,
        keys_seen=len(there.keys),
        batches_seen=len(there.batches),
        strange=len(there.strange),
        keys_destroyed=len(keys),
        batches_deleted=len(own),
        unreadable=unreadable,
        gone_by=max((batch.version.modified + days[batch.keep] for batch in mixed), default=None),
    )
