"""Make the tables of the gateway's benchmark out of what was measured."""

from tests.bench.gateway.measure import Figure, Result
from tests.bench.tables import table

GOAL_RATE = 300
GOAL_P50_MS = 2.0
GOAL_P99_MS = 5.0
_DIRECT, _WHOLE = "direct", "+ ledger"
_PEERS = ("Envoy alone", "nginx alone")


def of_gateway(result: Result) -> str:
    """Latencies, what each stage adds, ratios to the peers, CPU by part, the goal, and the two ways of balancing."""
    by = {(figure.rate, figure.stage): figure for figure in result.stages}
    latencies = [
        [
            f"{figure.stage}, {figure.rate}/s",
            f"{figure.answers_per_s:.0f}",
            f"{figure.p50_ms:.2f}",
            f"{figure.p99_ms:.2f}",
            *_added(figure, by[figure.rate, _DIRECT]),
            *(_ratio(figure, by[figure.rate, peer], by[figure.rate, _DIRECT]) for peer in _PEERS),
            str(figure.lost),
        ]
        for figure in result.stages
    ]
    parts = list(dict.fromkeys(name for figure in result.stages for name in figure.cpu_ms))
    cpu = [
        [
            f"{figure.stage}, {figure.rate}/s",
            *(f"{figure.cpu_ms[name]:.2f}" if name in figure.cpu_ms else "-" for name in parts),
            f"{sum(figure.cpu_ms.values()):.2f}",
            f"{figure.machine_load:.1f}",
        ]
        for figure in result.stages
    ]
    ratios = [f"that to p50, times {name}" for name in _PEERS]
    head = ["", "answers/s", "p50 ms", "p99 ms", "adds to p50", "adds to p99", *ratios]
    balancing = [
        [figure.stage, f"{figure.answers_per_s:.0f}", f"{figure.p50_ms:.2f}", f"{figure.p99_ms:.2f}", str(figure.lost)]
        for figure in result.balancing
    ]
    return "\n\n".join(
        [
            table([*head, "lost"], latencies),
            "CPU ms a request, by who used them:",
            table(["", *parts, "together", "load of the machine"], cpu),
            _goal(by[GOAL_RATE, _WHOLE], by[GOAL_RATE, _DIRECT]),
            f"Balancing over three pods at {result.balancing[0].rate}/s, of which one takes 10 ms for each request and "
            "works on one at a time:",
            table(["way", "answers/s", "p50 ms", "p99 ms", "lost"], balancing),
        ]
    )


def _added(figure: Figure, direct: Figure) -> tuple[str, str]:
    if figure is direct:
        return "-", "-"
    return f"{figure.p50_ms - direct.p50_ms:.2f}", f"{figure.p99_ms - direct.p99_ms:.2f}"


def _ratio(figure: Figure, peer: Figure, direct: Figure) -> str:
    """What a stage adds to the median, times what the peer adds."""
    theirs = peer.p50_ms - direct.p50_ms
    return "-" if figure is direct or theirs <= 0 else f"{(figure.p50_ms - direct.p50_ms) / theirs:.1f}"


def _goal(whole: Figure, direct: Figure) -> str:
    p50, p99 = whole.p50_ms - direct.p50_ms, whole.p99_ms - direct.p99_ms
    met = "met" if p50 <= GOAL_P50_MS and p99 <= GOAL_P99_MS else "missed"
    return (
        f"Goal: gateway, keys and ledger together add at most {GOAL_P50_MS:g} ms to p50 and {GOAL_P99_MS:g} ms to p99 "
        f"at {GOAL_RATE}/s: {p50:.2f} ms and {p99:.2f} ms: {met}."
    )
