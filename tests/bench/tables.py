"""Make the tables of docs/reference/benchmarks.md out of what was measured."""

from collections.abc import Sequence
from typing import Any

from tests.bench.fleet import Fleet
from tests.bench.machine import DAEMONS
from tests.bench.plan_render import Result
from tests.bench.recovery import EDIT_GOAL_S, RESTORE_GOAL_S, Recovery
from tests.bench.simulation import GOAL_S, Replayed

_PLAN_GOAL_S = 2.0
_MODEL_GOAL_S = 0.7


def replaced(page: str, part: str, block: str) -> str:
    """The page with the text between the two marks of a part replaced; ValueError when it does not have them."""
    begin, end = f"<!-- make bench: {part} -->\n", f"<!-- end of {part} -->\n"
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"docs/reference/benchmarks.md has no marks for {part}: {begin.strip()} and {end.strip()}")
    return f"{before}{begin}\n{block.strip()}\n\n{end}{after}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown: the first column is text, all others are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def of_plan(result: Result) -> str:
    """Slipway's steps, and Helm's two ways beside it."""
    own, n = result.slipway, result.models
    one_each = result.helm_release * n
    rows = [
        [f"Slipway: validate, plan and render {n} specs", _s(result.slipway_process), _s(result.slipway_cpu), "1"],
        [
            f"`helm template` of one chart with {n} models",
            _s(result.helm_chart),
            _s(result.helm_chart_cpu),
            _times(result.helm_chart, result.slipway_process),
        ],
        [
            f"`helm template`, one process per model (median of {result.releases}, times {n})",
            _s(one_each),
            _s(result.helm_release_cpu * n),
            _times(one_each, result.slipway_process),
        ],
    ]
    steps = [
        ["Python and its imports", _s(own.start)],
        ["validate: read and check specs, artifacts and golden requests", _s(own.validate)],
        ["plan: pools, names, digests", _s(own.plan)],
        [f"render: {result.objects} objects", _s(own.render)],
        ["write them as YAML", _s(own.text)],
    ]
    total = table(["whole process, start included", "wall", "CPU", "times Slipway's"], rows)
    return (
        f"{total}\n\nSlipway's process by step (medians of {result.rounds}):\n\n{table(['step', 'wall'], steps)}\n\n"
        f"Goal: validate, plan and render under {_PLAN_GOAL_S:g} s in all: {_s(own.work)} of work, "
        f"{_s(result.slipway_process)} with the start: {_met(result.slipway_process < _PLAN_GOAL_S)}."
    )


def of_fleets(fleets: Sequence[Fleet]) -> str:
    """Slipway beside the one stack by size of the fleet, and where the CPU seconds of a first `up` go."""
    head = ["models", *(f"{what}: Slipway | one stack" for what in ("first up", "one edit", "nothing changed"))]
    head = [part for cell in head for part in cell.split(" | ")] + ["first up with images to build"]
    rows = [
        [
            str(fleet.models),
            *(_s(step.wall_s) for step in _pairs(fleet)),
            _s(fleet.built.wall_s),
        ]
        for fleet in fleets
    ]
    ratios = [
        [
            str(fleet.models),
            *(
                _times(peer.wall_s, own.wall_s)
                for own, peer in zip(_pairs(fleet)[::2], _pairs(fleet)[1::2], strict=True)
            ),
        ]
        for fleet in fleets
    ]
    groups = ("slipway", "pulumi", *DAEMONS)
    used = [
        [f"{fleet.models}, {who}", *(f"{step.cpu_s[group]:.1f}" for group in groups), f"{step.all_cpu_s:.1f}"]
        for fleet in fleets
        for who, step in (("Slipway", fleet.first), ("one stack", fleet.peer_first))
    ]
    return "\n\n".join(
        [
            table(head, rows),
            "The one stack's wall time, times Slipway's:",
            table(["models", "first up", "one edit", "nothing changed"], ratios),
            "CPU seconds of the first up, by who used them:",
            table(["models", "Python", "Pulumi CLI", *DAEMONS, "together"], used),
            _goals(fleets),
        ]
    )


def _pairs(fleet: Fleet) -> list[Any]:
    return [fleet.first, fleet.peer_first, fleet.edit, fleet.peer_edit, fleet.no_op, fleet.peer_no_op]


def _goals(fleets: Sequence[Fleet]) -> str:
    small, large = fleets[0], fleets[-1]
    more = large.models - small.models
    a_model = (large.first.wall_s - small.first.wall_s) / more
    theirs = (large.peer_first.wall_s - small.peer_first.wall_s) / more
    before = fleets[-2]
    late = (large.first.wall_s - before.first.wall_s) / (large.models - before.models)
    edit = large.edit.wall_s / small.edit.wall_s
    nothing = large.no_op.wall_s / small.no_op.wall_s
    return "\n".join(
        [
            "Goals:",
            "",
            f"- First up, wall time of each further model, from {small.models} to {large.models}: {_s(a_model)} (one "
            f"stack: {_s(theirs)}); at most {_MODEL_GOAL_S:g} s: {_met(a_model <= _MODEL_GOAL_S)}.",
            f"- It grows linearly: a model among the last {large.models - before.models} costs {_s(late)}.",
            f"- An edit takes {edit:.2f} times as long among {large.models} as among {small.models} (one stack: "
            f"{large.peer_edit.wall_s / small.peer_edit.wall_s:.2f}), a run without a change {nothing:.2f} times (one "
            f"stack: {large.peer_no_op.wall_s / small.peer_no_op.wall_s:.2f}).",
        ]
    )


def of_recovery(found: Recovery) -> str:
    """What a person waits for after an edit, and after a mistake."""
    rows = [
        ["one model edited, judged and serving", _s(found.edit_s), _s(min(found.edits)), _s(max(found.edits)), "-"],
        [
            "wrong golden answer, until the old release serves again",
            _s(found.restore_s),
            _s(min(found.restores)),
            _s(max(found.restores)),
            f"{found.deadline_s} s, {found.deadline_s / found.restore_s:.0f} times as long",
        ],
    ]
    head = ["whole command", "median", "least", "most", "`kubectl rollout status` tells after"]
    return (
        f"{table(head, rows)}\n\nGoals: an edit within {EDIT_GOAL_S:g} s: {_met(found.edit_s <= EDIT_GOAL_S)}; the old "
        f"release within {RESTORE_GOAL_S:g} s: {_met(found.restore_s <= RESTORE_GOAL_S)} ({len(found.edits)} rounds)."
    )


def of_simulation(found: Sequence[Replayed]) -> str:
    """What a replay takes, by kind of trace."""
    rows = [[one.what, f"{one.requests:,}", _s(one.wall_s), _s(one.cpu_s), f"{one.memory_mib:.0f}"] for one in found]
    longest = max(one.wall_s for one in found)
    return (
        f"{table(['trace', 'requests', 'wall', 'CPU', 'memory, MiB'], rows)}\n\nGoal: under {GOAL_S:g} s: "
        f"{_met(longest < GOAL_S)}."
    )


def of_server(read: dict[str, Any]) -> str:
    """The model server beside its peers."""
    figures = [
        [
            f"{row['contender']}, {row['protocol']}",
            str(row["connections"]),
            f"{row['requests_per_s']:.0f}",
            f"{row['p50_ms']:.2f}",
            f"{row['p99_ms']:.2f}",
        ]
        for row in read["figures"]
    ]
    ratios = [
        [
            f"{row['against']}, {row['protocol']}",
            *(str(row[key]) for key in ("connections", "requests_per_s", "p50", "p99")),
        ]
        for row in read["ratios"]
    ]
    ahead = all(row["ahead"] for row in read["ratios"])
    return "\n\n".join(
        [
            table(["server", "clients", "requests/s", "p50 ms", "p99 ms"], figures),
            "Times better than the better configuration of the peer (above 1: Slipway's server is ahead):",
            table(["against", "clients", "requests/s", "p50", "p99"], ratios),
            f"Goal: ahead of both everywhere: {_met(ahead)}.",
        ]
    )


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def _times(theirs: float, ours: float) -> str:
    return f"{theirs / ours:.1f}"


def _met(met: bool) -> str:
    return "met" if met else "missed"
