"""Say what a check found, and what mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "error", "unknown"]
STATUSES: Sequence[Status] = ("ok", "warning", "error", "unknown")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: what was looked at: `quotas`.
        status: `ok`; `warning`, an `up` works but something is amiss; `error`, an `up` fails or does harm; `unknown`,
            it could not be asked. Unknown is never ok.
        what: that was found, a sentence without its full stop.
        mend: the command that mends it, or what to do; None where nothing needs to be done.
    """

    check: str
    status: Status
    what: str
    mend: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON values; `mend` only where there is one."""
        found = {"check": self.check, "status": self.status, "what": self.what}
        return found | ({} if self.mend is None else {"mend": self.mend})
