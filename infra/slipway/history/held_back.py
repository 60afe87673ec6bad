"""Say of a live model that somebody took a release back: `up` leaves that one alone until it is asked for again.

It stands on the model's Deployment, beside the mark of the release that was judged right: whoever deploys sees it
without the history, and it goes when the model goes, or when another release is judged right.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from slipway.values.names import HELD_BACK_ANNOTATION, short

_MOST = 20
_REASON = 500
_Release = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class HeldBack(BaseModel):
    """What a rollback left.

    Attributes:
        to: short digest of the release that was gone back to; says nothing about a model that has another.
        releases: short digests of those that were taken back, the last one first.
        who: whoever did it.
        when: the date and time in UTC, as ISO 8601.
        reason: why, in their words; empty when they gave none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    to: _Release
    releases: Annotated[tuple[_Release, ...], Field(min_length=1, max_length=_MOST, strict=False)]
    who: Annotated[str, StringConstraints(max_length=320)]
    when: Annotated[str, StringConstraints(max_length=40)]
    reason: Annotated[str, StringConstraints(max_length=_REASON)] = ""

    @classmethod
    def after(
        cls,
        before: "HeldBack | None",
        live: str,
        gone: Sequence[str],
        to: str,
        *,
        who: str,
        when: str,
        reason: str,
    ) -> "HeldBack | None":
        """What is held back after a rollback; None when that is nothing.

        Args:
            before: what was held back of the release that was `live`: it stays so.
            live: the release that was live.
            gone: those that are taken back by it.
            to: the one that is gone back to, which is held back no more.
            who: whoever did it.
            when: the date and time.
            reason: why.
        """
        earlier = before.releases if before is not None and before.to == live else ()
        releases = tuple(dict.fromkeys(one for one in (*gone, *earlier) if one != to))[:_MOST]
        return cls(to=to, releases=releases, who=who, when=when, reason=reason[:_REASON]) if releases else None

    def annotation(self) -> dict[str, str]:
        """As the annotation of a Deployment."""
        return {HELD_BACK_ANNOTATION: self.model_dump_json()}

    def holds(self, live: str, planned: str) -> bool:
        """Whether a planned release is held back of a model whose release is `live`; both are short digests."""
        return self.to == live and planned in self.releases

    def said(self) -> str:
        """Who took it back, when and why: the end of a sentence."""
        why = f": {self.reason}" if self.reason else ""
        return f"{self.who} rolled it back on {self.when[:16].replace('T', ' ')} UTC{why}"


def held_back(deployment: Mapping[str, Any]) -> HeldBack | None:
    """What a Deployment says is held back; None where it says nothing that can be read, or nothing of its release."""
    metadata = deployment["metadata"]
    try:
        return HeldBack.model_validate_json(metadata.get("annotations", {})[HELD_BACK_ANNOTATION])
    except (KeyError, ValidationError):
        return None


def kept_for(deployment: Mapping[str, Any], digest: str) -> HeldBack | None:
    """What stays held back when a release is judged right once more; another one ends it."""
    found = held_back(deployment)
    return found if found is not None and found.to == short(digest) else None
