"""Count what replayed calls showed since the warm-up of the present step."""

from dataclasses import asdict
from typing import Any

from slipway_judge.judging.measures import highest_share, slow_allowed, slow_limit_ms
from slipway_judge.replaying.answers import Difference
from slipway_judge.replaying.times import Times
from slipway_judge.values.evidence import Agreement, Calls
from slipway_judge.values.plan import Rules
from slipway_judge.values.state import EXAMPLES_LIMIT

FIRST = 10
"""So many calls after a warm-up are left out as well: without traffic during it, pods are still cold after it."""
SELF_PAIRS = 50
"""So many calls are asked of the old release twice."""


class Tally:
    """The counts of one window; a new step has a new one, so that what comes late counts nowhere."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._left_out = 0
        self._old = self._new = self._old_errors = self._new_errors = 0
        self._old_times, self._new_times = Times(), Times()
        self._pairs = self._disagreed = self._self_pairs = self._self_disagreed = self._not_comparable = 0
        self.examples: list[dict[str, Any]] = []

    @property
    def wants_self_pair(self) -> bool:
        """Whether the old release is to be asked this call twice."""
        return self._rules.agreement is not None and self._self_pairs < SELF_PAIRS

    def begins(self) -> bool:
        """Return whether the next call counts; the first ones do not."""
        self._left_out += 1
        return self._left_out > FIRST

    def ended(self, *, old_good: bool, new_good: bool) -> None:
        """Count a call that both releases were asked."""
        self._old += 1
        self._new += 1
        self._old_errors += not old_good
        self._new_errors += not new_good

    def timed(self, old_ms: float, new_ms: float) -> None:
        """Count the times of two good answers, milliseconds."""
        self._old_times.add(old_ms)
        self._new_times.add(new_ms)

    def compared(self, found: list[Difference]) -> None:
        """Count a pair of answers."""
        self._pairs += 1
        self._disagreed += bool(found)
        if found and len(self.examples) < EXAMPLES_LIMIT:
            self.examples.append({"outputs": [asdict(each) for each in found]})

    def compared_with_itself(self, differs: bool) -> None:
        """Count a pair of answers of the old release."""
        self._self_pairs += 1
        self._self_disagreed += differs

    def not_comparable(self) -> None:
        """Count a pair that cannot be compared."""
        self._not_comparable += 1

    def calls(self) -> Calls:
        """Return the counts of calls."""
        old, new = self._old_times, self._new_times
        old_p95_ms = old.percentile_ms(0.95)
        limit = slow_limit_ms(self._rules, old_p95_ms)
        sure = slow_limit_ms(self._rules, old.percentile_ms(highest_share(old.total)))
        return Calls(
            old=self._old,
            new=self._new,
            old_errors=self._old_errors,
            new_errors=self._new_errors,
            old_p95_ms=old_p95_ms,
            new_p95_ms=new.percentile_ms(0.95),
            slow_limit_ms=limit,
            surely_slow_limit_ms=sure,
            slow_allowed=slow_allowed(0 if limit is None else old.above(limit), old.total),
            timed=new.total,
            slow=0 if limit is None else new.above(limit),
            surely_slow=0 if sure is None else new.above(sure),
        )

    def agreement(self) -> Agreement:
        """Return the counts of pairs."""
        return Agreement(self._pairs, self._disagreed, self._self_pairs, self._self_disagreed, self._not_comparable)
