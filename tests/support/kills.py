"""Rounds of one kind: kill an `up` in the middle of a rollout under load, then ask for one of three releases."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.workbench import Load, Workbench, post

ONES = {"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}
AFTERWARDS = ("the same", "the former", "a third")
_SETTLES_S = 15.0


@dataclass(frozen=True)
class Round:
    """What became of one round. `faults` is empty when all was as it should be; times in seconds."""

    number: int
    killed_after_s: float
    engine_too: bool
    then: str
    up_s: float
    answered: int
    faults: tuple[str, ...]


def rounds(bench: Workbench, count: int, seed: int) -> Iterator[Round]:
    """Play rounds on a model `sums` that is brought up first."""
    chance = random.Random(seed)
    former, version = 2.0, 0
    bench.write("sums", former)
    bench.well("up", bench.environment, "--yes")
    bench.write("sums", former := 2.5, version="1.1.0")
    started = time.monotonic()
    bench.well("up", bench.environment, "--yes")
    whole_s = time.monotonic() - started
    with Load(bench.port("sums")) as load:
        for number in range(count):
            version += 10
            killed_after_s, engine_too = chance.uniform(0, whole_s), number % 2 == 0
            then = AFTERWARDS[number % 3]
            edit, third = former + 1, former + 2
            bench.write("sums", edit, version=f"1.{version}.0")
            bench.killed_up(killed_after_s, engine_too=engine_too)
            wanted = {"the same": edit, "the former": former, "a third": third}[then]
            above = AFTERWARDS.index(then)  # what was killed may have been deployed: its version is used
            bench.write("sums", wanted, version=f"1.{version + above}.0")
            begun, before = time.monotonic(), sum(load.answers.values())
            result = bench.up()
            up_s = time.monotonic() - begun
            faults = list(_faults(bench, wanted, result.returncode, result.stderr))
            faults += [f"lost: {text}" for text in load.lost]
            unknown = load.answers.keys() - {former, edit, third}
            faults += [f"answered {value}, which no release does" for value in unknown]
            load.lost.clear()
            load.answers = {key: value for key, value in load.answers.items() if key not in unknown}
            answered = sum(load.answers.values()) - before
            yield Round(number, killed_after_s, engine_too, then, up_s, answered, tuple(faults))
            load.answers.clear()
            former = wanted


def _faults(bench: Workbench, wanted: float, returncode: int, stderr: str) -> Iterator[str]:
    """What is not as it was asked for after an `up`."""
    if returncode != 0:
        yield f"exit {returncode}: {stderr}"
    if missing := bench.missing_mounts():
        yield f"mounted and not there: {', '.join(sorted(missing))}"
    # For a moment the node may still send a request to a pod of the release before, which drains.
    until = time.monotonic() + _SETTLES_S
    while (answer := post(bench.port("sums"), ONES)["outputs"]) != {"y": [[wanted] * 3]} and time.monotonic() < until:
        time.sleep(0.5)
    if answer != {"y": [[wanted] * 3]}:
        yield f"answers {answer} instead of {wanted}"
    if (there := bench.objects()) != (planned := bench.wanted()):
        yield f"objects too many: {sorted(there - planned)}, too few: {sorted(planned - there)}"
