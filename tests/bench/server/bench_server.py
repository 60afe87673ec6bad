"""Measure the model server against MLServer and LitServe: same machine, same core, same model, same requests.

    python -m tests.bench.server.bench_server [--seconds 3] [--rounds 3] [--upstream] [--json FILE]

Every server gets one core and one inference thread, the client another core. Clients work in a closed loop.
Both peers run twice, with their dynamic batching off (their default) and on (32 rows, 2 ms: this server's
default); ratios are against the better of the two. A figure is the median over the rounds.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from itertools import product
from pathlib import Path

from tests.bench.server.contenders import CONTENDERS, PEERS, UPSTREAM, Contender, StartError, prepare_peers, serving
from tests.bench.server.load import Load, LoadError, ask_grpc_once, ask_once, closed_loop, closed_loop_of_grpc
from tests.bench.server.requests import Request

LEVELS = (1, 8, 32)
WARM_UP_S = 1.0
ANSWER_LIMIT_S = 60
SERVER_CORE, CLIENT_CORE = 0, 1

Results = dict[Contender, dict[int, list[Load]]]


def main() -> int:
    """Run the benchmark; return 1 if this server is not ahead everywhere."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--upstream", action="store_true", help="beside Triton and MLServer, over V2 alone")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        print("error: needs two cores: one for the server, one for the client", file=sys.stderr)
        return 1
    prepare_peers()
    os.sched_setaffinity(0, {CLIENT_CORE})
    contenders = UPSTREAM if arguments.upstream else CONTENDERS
    results: Results = {contender: {level: [] for level in LEVELS} for contender in contenders}
    for number in range(arguments.rounds):
        for contender in contenders:
            print(f"round {number + 1}: {_label(contender)}", file=sys.stderr)
            for level, load in measure(contender, arguments.seconds).items():
                results[contender][level].append(load)
    figures = {contender: {n: _median(loads) for n, loads in by.items()} for contender, by in results.items()}
    rows = [
        {"contender": _label(contender), "protocol": contender.protocol, "connections": level, **asdict(load)}
        for contender, by in figures.items()
        for level, load in by.items()
    ]
    ratios = compare(figures)
    report(figures, ratios, arguments.rounds, arguments.seconds)
    if arguments.json:
        arguments.json.write_text(json.dumps({"peers": PEERS, "figures": rows, "ratios": ratios}, indent=2))
    return 0 if all(row["ahead"] for row in ratios) else 1


def measure(contender: Contender, seconds: float) -> dict[int, Load]:
    """Start the server, see that its answer is right, and load it at every level."""
    with tempfile.TemporaryDirectory() as name, serving(contender, SERVER_CORE, Path(name)) as port:
        request = contender.request
        _await_right_answer(port, request)
        _loaded(port, request, 8, WARM_UP_S)
        return {level: _loaded(port, request, level, seconds) for level in LEVELS}


def _loaded(port: int, request: Request, level: int, seconds: float) -> Load:
    if request.http:
        return closed_loop(port, request.data, level, seconds)
    return asyncio.run(closed_loop_of_grpc(port, request.data, level, seconds))


def compare(figures: dict[Contender, dict[int, Load]]) -> list[dict[str, object]]:
    """Return this server's ratio to the better configuration of each peer, per protocol and level."""
    ratios: list[dict[str, object]] = []
    for own in (contender for contender in figures if contender.name == "slipway"):
        peers = [one for one in figures if one.protocol == own.protocol and one is not own]
        # MLServer takes no tensors as bytes over HTTP: that is held against this server's JSON, which is no race.
        peers = peers or [one for one in figures if one.protocol == "v2" and one.name == own.name]
        for name, level in product(dict.fromkeys(peer.name for peer in peers), LEVELS):
            mine, theirs = figures[own][level], [figures[peer][level] for peer in peers if peer.name == name]
            throughput = mine.requests_per_s / max(load.requests_per_s for load in theirs)
            p50 = min(load.p50_ms for load in theirs) / mine.p50_ms
            p99 = min(load.p99_ms for load in theirs) / mine.p99_ms
            ratios.append(
                {
                    "against": name,
                    "protocol": own.protocol,
                    "connections": level,
                    "requests_per_s": round(throughput, 2),
                    "p50": round(p50, 2),
                    "p99": round(p99, 2),
                    "ahead": name == own.name or min(throughput, p50, p99) > 1,
                }
            )
    return ratios


def report(
    figures: dict[Contender, dict[int, Load]], ratios: list[dict[str, object]], rounds: int, seconds: float
) -> None:
    """Print both tables."""
    print(f"median of {rounds} rounds of {seconds:g} s; server on core {SERVER_CORE}, client on {CLIENT_CORE}")
    print(f"{'server':28} {'protocol':9} {'clients':>7} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'client CPU':>10}")
    for contender, by in figures.items():
        for level, load in by.items():
            print(
                f"{_label(contender):28} {contender.protocol:9} {level:7} {load.requests_per_s:8.0f} "
                f"{load.p50_ms:8.2f} {load.p99_ms:8.2f} {load.client_cpu:10.0%}"
            )
    print("\ntimes better than the better configuration of the peer (above 1: this server is ahead)")
    print(f"{'against':28} {'protocol':9} {'clients':>7} {'req/s':>8} {'p50':>8} {'p99':>8}")
    for row in ratios:
        print(
            f"{row['against']:28} {row['protocol']:9} {row['connections']:7} {row['requests_per_s']:8} "
            f"{row['p50']:8} {row['p99']:8}"
        )


def _await_right_answer(port: int, request: Request) -> None:
    """Wait until the model answers, and see that it is the right digit; LoadError after ANSWER_LIMIT_S."""
    end = time.monotonic() + ANSWER_LIMIT_S
    ask = ask_once if request.http else ask_grpc_once
    while True:
        try:
            label = request.label(ask(port, request.data))
            break
        except (LoadError, OSError) as error:
            if time.monotonic() > end:
                raise LoadError(f"no answer within {ANSWER_LIMIT_S} s: {error}") from None
            time.sleep(0.2)
    if label not in ([7], [[7]], 7):
        raise LoadError(f"the answer is {label}, expected 7")


def _label(contender: Contender) -> str:
    return f"{contender.name}, batching {'on' if contender.batching else 'off'}"


def _median(loads: list[Load]) -> Load:
    names = asdict(loads[0])
    return Load(**{name: statistics.median(getattr(load, name) for load in loads) for name in names})


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (LoadError, StartError) as error:
        sys.exit(f"error: {error}")
