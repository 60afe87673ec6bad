"""What was seen in a step: counts of replayed calls, of clients' calls, and of pairs of answers."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Calls:
    """Calls to both releases from one source in the same time.

    Attributes:
        old, new: how many were answered or failed.
        old_errors, new_errors: how many of them failed.
        old_p95_ms, new_p95_ms: 95 % of the answers were faster, milliseconds; None: there was none.
        slow_limit_ms: from when on an answer of the new release is slow, milliseconds; None: not known yet.
        surely_slow_limit_ms: the same if the old release's percentile were as high as its few calls leave open; None:
            they are too few to say.
        slow_allowed: share of the new release's answers that may be slow, 0..1.
        timed: answers of the new release with a time.
        slow, surely_slow: those beyond the one limit and beyond the other.
    """

    old: int = 0
    new: int = 0
    old_errors: int = 0
    new_errors: int = 0
    old_p95_ms: float | None = None
    new_p95_ms: float | None = None
    slow_limit_ms: float | None = None
    surely_slow_limit_ms: float | None = None
    slow_allowed: float = 0.05
    timed: int = 0
    slow: int = 0
    surely_slow: int = 0

    @property
    def old_share(self) -> float:
        """Return the share of the old release's calls that failed; 0 without any."""
        return self.old_errors / self.old if self.old else 0.0


@dataclass(frozen=True)
class Agreement:
    """Pairs of answers to the same call.

    Attributes:
        pairs: of the old and the new release.
        disagreed: those that differ.
        self_pairs: of the old release with itself.
        self_disagreed: those that differ.
        not_comparable: both answered, in a form that the judge cannot read.
    """

    pairs: int = 0
    disagreed: int = 0
    self_pairs: int = 0
    self_disagreed: int = 0
    not_comparable: int = 0


@dataclass(frozen=True)
class Evidence:
    """All of a step since its warm-up.

    Attributes:
        since: when counting began, seconds since 1970.
        replayed: calls that the judge asked both releases again.
        live: what clients got, by the gateway's own count; None: Prometheus does not say.
        missing: why `live` is None.
        before: what clients got in the last step in which the old release had enough of them; None: there was none.
        agreement: pairs of replayed answers.
    """

    since: float
    replayed: Calls = field(default_factory=Calls)
    live: Calls | None = None
    missing: str = ""
    before: Calls | None = None
    agreement: Agreement = field(default_factory=Agreement)
