"""Judge one object again and again as time goes by: which times count, and when the wait is over. No clock in here."""

from collections.abc import Mapping

from slipway.local.plugins.kubernetes.waiting import judge, waitfor
from slipway.local.plugins.kubernetes.waiting.verdict import Failed, Manifest, Ready, Related, Verdict, Waiting

SKIP = "pulumi.com/skipAwait"
TIMEOUT = "pulumi.com/timeoutSeconds"
SETTLE_S = 10.0
"""How long endpoints must not have changed until they count as settled."""


def annotations(manifest: Manifest) -> dict[str, str]:
    """metadata.annotations."""
    return (manifest.get("metadata") or {}).get("annotations") or {}


def skipped(manifest: Manifest) -> bool:
    """Whether the object asks not to be waited for."""
    return annotations(manifest).get(SKIP) == "true"


def limit_s(manifest: Manifest, custom_s: float) -> float:
    """How long the object is waited for: customTimeouts, else its annotation, else ten minutes.

    Raises ValueError for an annotation that is no positive number of seconds.
    """
    if custom_s > 0:
        return custom_s
    text = annotations(manifest).get(TIMEOUT)
    if text is None:
        return judge.DEFAULT_S
    if not text.isdigit() or int(text) == 0:
        raise ValueError(f"annotation {TIMEOUT} is {text!r}; expected a positive whole number of seconds")
    return float(text)


def rule(manifest: Manifest) -> judge.Rule | None:
    """How the object is judged; None when nothing is to be waited for. Raises waitfor.WaitForError."""
    if skipped(manifest):
        return None
    text = annotations(manifest).get(waitfor.ANNOTATION)
    if text:
        expressions = waitfor.parse(text)
        return lambda live, _: waitfor.judge(expressions, live)
    awaited = judge.how(manifest)
    return awaited.rule if awaited else None


class Settling:
    """Tells when endpoints count as settled: some time after a change, unless another one came meanwhile.

    As in the real plugin a change starts a time of its own and stops none that runs, so that endpoints which change
    every few seconds have settled between the end of one time and the next change.
    """

    def __init__(self, started: float, grace_s: float | None) -> None:
        self._seen: Mapping[str, str] = {}
        self._changed: list[float] = []
        self._grace_ends = None if grace_s is None else started + grace_s

    def note(self, endpoints: list[Manifest], now: float) -> None:
        """Take what is there now."""
        versions = {item["metadata"]["uid"]: item["metadata"].get("resourceVersion", "") for item in endpoints}
        if versions != self._seen:
            self._seen = versions
            self._changed = [*(time for time in self._changed if time + SETTLE_S > now), now]

    def settled(self, now: float) -> bool:
        """Whether they count as settled now."""
        if not self._changed:
            return self._grace_ends is not None and now >= self._grace_ends
        return any(self._changed[-1] <= time + SETTLE_S <= now for time in self._changed)

    def due(self, now: float) -> list[float]:
        """The times to come at which that may change without an event."""
        times = [time + SETTLE_S for time in self._changed]
        if not self._changed and self._grace_ends is not None:
            times.append(self._grace_ends)
        return [time for time in times if time > now]


class Watching:
    """One wait. Times are seconds of one clock, its caller's."""

    def __init__(self, live: Manifest, verdict_of: judge.Rule, limit: float, started: float) -> None:
        awaited = judge.how(live)
        longest = awaited.longest_s if awaited and verdict_of is awaited.rule else float("inf")
        self.limit_s = min(limit, longest)
        self._verdict_of = verdict_of
        self._ends = started + self.limit_s
        self._settling = Settling(started, awaited.grace_s if awaited else None)

    def look(self, live: Manifest | None, related: Related, now: float, *, cancelled: bool = False) -> Verdict:
        """The verdict on what is seen now; Failed when the time is up. `live` is None once the object is deleted."""
        self._settling.note(related.endpoints, now)
        related.settled = self._settling.settled(now)
        related.last_look = cancelled or now >= self._ends
        verdict = self._verdict_of(live, related) if live else Waiting("it was deleted by somebody else")
        if not related.last_look or not isinstance(verdict, Waiting):
            return verdict
        why = "cancelled while it was waited for" if cancelled else f"not live after {self.limit_s:.0f} s"
        return Failed(f"{why}: {verdict.reason}")

    def due(self, now: float) -> float:
        """When to look again though nothing was seen to change."""
        return min([self._ends, *self._settling.due(now)])


def now_ready(live: Manifest, related: Related) -> str | None:
    """What a refresh says of an object that is not live: why; None when it is live, or not looked at then."""
    awaited = judge.how(live)
    if awaited is None or not awaited.on_refresh or skipped(live):
        return None
    related.settled = True
    verdict = awaited.rule(live, related)
    return None if isinstance(verdict, Ready) else verdict.reason
