"""The window in which a step's evidence counts: it opens after the warm-up, and anew with each step and each start."""

import time

from slipway_judge.live.prometheus import Live
from slipway_judge.replaying.replayer import Replayer
from slipway_judge.replaying.tally import Tally
from slipway_judge.values.evidence import Calls, Evidence
from slipway_judge.values.plan import Plan


class Window:
    """What was seen since the last warm-up."""

    def __init__(self, plan: Plan, replayer: Replayer, live: Live, warm_up_s: float) -> None:
        self._plan, self._replayer, self._live, self._warm_up_s = plan, replayer, live, warm_up_s
        self._opens = 0.0
        self._since = 0.0
        self.warm_up()

    def warm_up(self) -> None:
        """Forget all evidence; calls go on being replayed, so that both releases warm up."""
        self._replayer.tally = None
        self._opens = time.monotonic() + self._warm_up_s

    def evidence(self, before: Calls | None) -> Evidence | None:
        """Return what was seen; None during the warm-up.

        Args:
            before: what clients got in the last step in which the old release had enough of them.
        """
        if time.monotonic() < self._opens:
            return None
        if self._replayer.tally is None:
            self._replayer.tally = Tally(self._plan.judge)
            self._live.begin()
            self._since = time.time()
        tally = self._replayer.tally
        replayed = tally.calls()
        live, missing = self._live.calls(before)
        return Evidence(
            since=self._since, replayed=replayed, live=live, missing=missing, before=before, agreement=tally.agreement()
        )

    @property
    def examples(self) -> tuple[dict[str, object], ...]:
        """Pairs that disagreed, without their values."""
        return tuple(self._replayer.tally.examples) if self._replayer.tally else ()
