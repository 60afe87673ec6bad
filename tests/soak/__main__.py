"""Play many rounds of what `make test` plays a few of, and write docs/reference/soak.md: what `make soak` calls.

slipway local run -- python -m tests.soak [--rounds N] [--seed N] [PART ...]
"""

import argparse
import secrets
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import machine, tables
from tests.soak import architectures, edge_links, edge_power, weights
from tests.support import gateway_kills, rollout_rounds
from tests.support.behind_gateway import way_in, with_gateway
from tests.support.kills import Round, rounds
from tests.support.monitoring import with_monitoring
from tests.support.workbench import Workbench, fresh

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "soak.md"


def main() -> int:
    """Run every part; 1 when a round found a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.split("\n", 1)[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}; all when none is named")
    parser.add_argument(
        "--rounds", type=int, default=20, help="of each part; fewer than 20 do not write docs/reference/soak.md"
    )
    parser.add_argument("--seed", type=int, default=None, help="of the moments of the kills; random when left out")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.parts) - set(_PARTS)):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    seed = secrets.randbits(32) if arguments.seed is None else arguments.seed
    about = machine.describe()
    faults = 0
    for name in arguments.parts or _PARTS:
        say(f"== {name}")
        text, found = _PARTS[name](arguments.rounds, seed)
        faults += found
        block = f"Measured on {about}.\n\n{text}"
        print(block, flush=True)
        if arguments.rounds >= 20:
            PAGE.write_text(tables.replaced(PAGE.read_text(), name, block))
    return 1 if faults else 0


def say(text: str) -> None:
    """Tell what goes on; results alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _bench() -> Iterator[Workbench]:
    with tempfile.TemporaryDirectory(prefix="slipway-soak-") as folder:
        bench = Workbench(Path(folder) / "repo", f"soak{uuid.uuid4().hex[:6]}")
        try:
            yield bench
        finally:
            bench.run("down", bench.environment, "--yes")


def _kills(count: int, seed: int) -> tuple[str, int]:
    """Kill rollouts, then go on, back and elsewhere."""
    played: list[Round] = []
    with _bench() as bench:
        for one in rounds(bench, count, seed):
            say(
                f"round {one.number + 1}: killed after {one.killed_after_s:.1f} s, then {one.then}: "
                f"{one.faults or 'well'}"
            )
            played.append(one)
    rows = [
        [
            str(one.number + 1),
            f"{one.killed_after_s:.2f} s",
            "`slipway` and engine" if one.engine_too else "`slipway`",
            one.then,
            f"{one.up_s:.1f} s",
            str(one.answered),
            "; ".join(one.faults).replace("\n", " ")[:200] or "none",
        ]
        for one in played
    ]
    head = ["round", "killed after", "what was killed", "then `up` of", "took", "requests meanwhile", "faults"]
    wrong = sum(bool(one.faults) for one in played)
    answered = sum(one.answered for one in played)
    summary = f"Seed {seed}: {wrong} of {len(played)} rounds with a fault; {answered} requests during the `up`s."
    return f"{summary}\n\n{tables.table(head, rows)}", wrong


def _twins(count: int, seed: int) -> tuple[str, int]:
    """Bring up two new models at once, again and again."""
    wrong: list[str] = []
    started = time.monotonic()
    with _bench() as bench:
        bench.write("stays")
        for number in range(count):
            names = (f"a{number}", f"b{number}")
            for name in names:
                bench.write(name, 2.0, nodes=fresh(2.0))
            result = bench.up()
            if result.returncode or "Traceback" in result.stderr:
                wrong.append(result.stderr[-300:].replace("\n", " "))
            say(f"round {number + 1}: {'well' if not result.returncode else 'failed'}")
            for name in names:
                (bench.folder / "models" / f"{name}.yaml").unlink()
            bench.up("--prune")
    took_s = time.monotonic() - started
    summary = f"{len(wrong)} of {count} rounds with a fault, in {took_s:.0f} s."
    return "\n\n".join([summary, *(f"- {text}" for text in wrong)]), len(wrong)


def _gateway(count: int, seed: int) -> tuple[str, int]:
    """Kill Envoy, keys service and database under load: a quarter of the rounds on each, since these take longer."""
    played: list[gateway_kills.Round] = []
    with _bench() as bench:
        with_gateway(bench, replicas=2)
        bench.write("sums", 2.0, endpoint={"public": True, "timeout": "5s"})
        bench.well("up", bench.environment, "--yes")
        way = way_in(bench, "sums")
        for one in gateway_kills.rounds(bench, way, max(1, count // 4), seed, right=2.0):
            say(f"round {one.number + 1}, {one.victim}: {one.faults or 'well'}")
            played.append(one)
        closed = gateway_kills.all_closed(bench)
    rows = [
        [
            f"{one.number + 1}, {one.victim}",
            *map(str, (one.answered, one.refused, one.silent, one.open_lines)),
            "; ".join(one.faults).replace("\n", " ")[:200] or "none",
        ]
        for one in played
    ]
    head = ["round, killed", "answered", "refused", "without an answer", "lines that nothing settled", "faults"]
    wrong = sum(bool(one.faults) for one in played) + (not closed)
    marked = "all of them are marked unsettled" if closed else "not all of them were marked unsettled in time"
    summary = (
        f"Seed {seed}: {wrong} faults in {len(played)} rounds; {sum(one.answered for one in played)} answers; "
        f"{sum(one.open_lines for one in played)} lines that nothing settled, {marked}."
    )
    return f"{summary}\n\n{tables.table(head, rows)}", wrong


def _rollouts(count: int, _: int) -> tuple[str, int]:
    """Roll a model out, judged, and back under load."""
    played: list[rollout_rounds.Round] = []
    with _bench() as bench:
        with_gateway(bench, replicas=1)
        with_monitoring(bench)
        bench.write("sums", **rollout_rounds.SHAPE)
        bench.well("up", bench.environment, "--yes")
        for one in rollout_rounds.rounds(bench, way_in(bench, "sums"), "sums", count):
            say(f"round {one.number + 1}: {one.faults or 'well'}")
            played.append(one)
    rows = [
        [str(one.number + 1), str(one.answered), "; ".join(one.faults).replace("\n", " ")[:200] or "none"]
        for one in played
    ]
    wrong = sum(bool(one.faults) for one in played)
    summary = f"{wrong} of {len(played)} rounds with a fault; {sum(one.answered for one in played)} requests."
    return f"{summary}\n\n{tables.table(['round', 'requests', 'faults'], rows)}", wrong


def _weights(count: int, _: int) -> tuple[str, int]:
    """Bring a model with 4 GiB of weights into service; with 1 GiB in fewer rounds."""
    with _bench() as bench:
        return weights.travel(bench, (4 if count >= 20 else 1) * weights.GIBI)


def _edge(count: int, seed: int) -> tuple[str, int]:
    """Cut the links of a fleet while versions roll: 100 cuts of 30 devices, fewer in fewer rounds."""
    full = count >= 20
    return edge_links.rolled(30 if full else 6, 3 if full else 1, 100 if full else 5 * count, seed, say)


def _power(count: int, seed: int) -> tuple[str, int]:
    """Cut a device's power while it takes versions: 50 times, less often in fewer rounds."""
    return edge_power.cut(50 if count >= 20 else 2 * count, seed, say)


def _architectures(_: int, __: int) -> tuple[str, int]:
    """Ask images of one release for amd64 and arm64 the same, once: answers do not depend on the moment."""
    return architectures.alike()


_PARTS: dict[str, Callable[[int, int], tuple[str, int]]] = {
    "kills": _kills,
    "twins": _twins,
    "gateway": _gateway,
    "rollouts": _rollouts,
    "weights": _weights,
    "edge": _edge,
    "power": _power,
    "architectures": _architectures,
}

if __name__ == "__main__":
    sys.exit(main())
