"""Kill Envoy, keys service and database in turn under load, and hold the ledger against what the generator was told."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support import pod_processes
from tests.support.behind_gateway import Way, envoys, factor, ledger
from tests.support.open_loop import Answer, OpenLoop
from tests.support.workbench import Workbench

VICTIMS = {"envoy": "envoy", "keys": "", "keys-database": "postgres"}
"""Whom to kill, and the program of his pod that is killed; all of them when none is named."""
_RATE = 40
_TIMEOUT_S = 5.0
_WRITTEN_S = 120.0
_STILL_S = 5
_CLOSED_S = 420.0
_AWAY = (502, 503, 504)


@dataclass(frozen=True)
class Round:
    """What became of one round. `faults` is empty when all was as it should be.

    Attributes:
        victim: who was killed.
        answered: requests that the generator got the model's answer to.
        refused: those that the gateway answered without asking the model: nobody was there to check the key.
        silent: requests without an answer.
        open_lines: lines of the ledger that nothing settled: the log of their end died with Envoy.
    """

    number: int
    victim: str
    answered: int
    refused: int
    silent: int
    open_lines: int
    faults: tuple[str, ...]


def rounds(bench: Workbench, way: Way, count: int, seed: int, right: float) -> Iterator[Round]:
    """Play so many rounds on each victim, where a model `sums` that multiplies by `right` is up."""
    chance = random.Random(seed)
    for number in range(count):
        for victim in VICTIMS:
            yield _round(bench, way, number, victim, chance, right)


def _round(bench: Workbench, way: Way, number: int, victim: str, chance: random.Random, right: float) -> Round:
    before = {row["request_id"] for row in ledger(bench)}
    with OpenLoop(way.to("sums"), _RATE, _TIMEOUT_S, way.authority) as load:
        time.sleep(chance.uniform(2, 5))
        _kill(bench, victim, chance)
        time.sleep(chance.uniform(4, 8))
    answered = [answer for answer in load.answers if answer.status == 200]
    refused = [answer for answer in load.answers if answer.status not in (0, 200)]
    silent = len(load.answers) - len(answered) - len(refused)
    rows = _written(bench, before, {answer.request_id for answer in answered})
    faults = [*_wrong(answered, refused, right), *_not_counted_once(answered, refused, silent, rows)]
    open_lines = sum(row["state"] != "settled" for row in rows)
    return Round(number, victim, len(answered), len(refused), silent, open_lines, tuple(faults))


def _wrong(answered: list[Answer], refused: list[Answer], right: float) -> Iterator[str]:
    for answer in answered:
        if factor(answer) != right:
            yield f"a wrong answer: {answer.body[:100]!r}"
    for answer in refused:
        if answer.status not in _AWAY:
            yield f"{answer.status} {answer.body[:100]!r}"


def _not_counted_once(answered: list[Answer], refused: list[Answer], silent: int, rows: list[Any]) -> Iterator[str]:
    """A request id is the ledger's primary key, so that a line that is there is there once."""
    ids = {answer.request_id for answer in answered}
    there = {row["request_id"] for row in rows}
    if len(ids) < len(answered):
        yield f"{len(answered)} answers with {len(ids)} request ids"
    if missing := ids - there:
        yield f"{len(missing)} answers are not in the ledger, such as {sorted(missing)[0]}"
    unheard = there - ids - {answer.request_id for answer in refused}
    if len(unheard) > silent:
        yield f"{len(unheard)} lines of the ledger for {silent} requests without an answer"
    for row in rows:
        if row["request_id"] in ids and row["state"] == "settled" and row["status"] != 200:
            yield f"{row['request_id']} was answered with 200, and is settled with {row['status']}"


def _kill(bench: Workbench, victim: str, chance: random.Random) -> None:
    """Kill one pod's process, and wait until the pod is ready again."""
    if victim == "envoy":
        cluster, selector = envoys(bench)
    else:
        cluster, selector = bench.cluster, f"app.kubernetes.io/component={victim}"
    pod = chance.choice(cluster.list("Pod", selector))
    pod_processes.kill(pod, VICTIMS[victim])
    pod_processes.restarted(cluster, pod)


def _written(bench: Workbench, before: set[str], answered: set[str]) -> list[Any]:
    """Wait until the ledger has all answers and has not changed for a while; gives the lines that are new."""
    until = time.monotonic() + _WRITTEN_S
    rows: list[Any] = []
    still = 0
    while time.monotonic() < until and still < _STILL_S:
        time.sleep(1)
        now = [row for row in ledger(bench) if row["request_id"] not in before]
        whole = answered <= {row["request_id"] for row in now}
        same = [(row["request_id"], row["state"]) for row in now] == [(row["request_id"], row["state"]) for row in rows]
        still = still + 1 if whole and same else 0
        rows = now
    return rows


def all_closed(bench: Workbench) -> bool:
    """Wait until every line that nothing settled is marked so: five minutes and a request's timeout."""
    until = time.monotonic() + _CLOSED_S
    while time.monotonic() < until:
        if not ledger(bench, "SELECT 1 FROM ledger WHERE state = 'reserved'"):
            return True
        time.sleep(5)
    return False
