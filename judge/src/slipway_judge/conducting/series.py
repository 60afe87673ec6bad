"""Keep what `slipway up` draws of a rollout: few enough points, whether it takes minutes or days."""

from slipway_judge.values.evidence import Calls, Evidence
from slipway_judge.values.state import SERIES_LIMIT, State

_LEAST_S = 5.0


def with_point(state: State, evidence: Evidence, now: float) -> State:
    """Return the state with a point for this moment, if it is time for one; `now` in seconds since 1970."""
    series = state.series
    if series:
        first, last = series[0][0] or 0.0, series[-1][0] or 0.0
        if now - last < max(_LEAST_S, (now - first) / (SERIES_LIMIT / 2)):
            return state
    if len(series) >= SERIES_LIMIT:
        series = series[::2]
    return state.model_copy(update={"series": (*series, _point(state.percent, evidence, now))})


def _point(percent: float, evidence: Evidence, now: float) -> tuple[float | None, ...]:
    live = evidence.live
    calls = live if live is not None and live.new else evidence.replayed
    return (
        round(now, 1),
        percent,
        _share(calls.new_errors, calls.new),
        _share(calls.old_errors, calls.old),
        _rounded(calls, new=True),
        _rounded(calls, new=False),
        float(evidence.agreement.disagreed),
        float(evidence.agreement.pairs),
    )


def _share(bad: int, n: int) -> float | None:
    return round(bad / n, 5) if n else None


def _rounded(calls: Calls, *, new: bool) -> float | None:
    ms = calls.new_p95_ms if new else calls.old_p95_ms
    return None if ms is None else round(ms, 2)
