"""Several models on a class of devices: what is too much together is refused offline, with the setting to blame."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.edge.budget import Excess, Wanted, excesses
from slipway.settings.edge_models import FleetModel

GIB = 2**30


def wanted(name: str, cpu: int = 500, memory: int = GIB // 4, **said: Any) -> Wanted:
    return Wanted(memory, cpu, FleetModel.model_validate({"name": name, **said}))


def found(*models: Wanted, cores: int = 4, memory: int = 2 * GIB) -> list[Excess]:
    return list(excesses("pi", cores, memory, models))


def test_what_fits_is_let_through() -> None:
    speech = wanted("speech", 2000, cpuset="0-1", realtime=True)
    assert found(speech, wanted("digits"), wanted("press", 1000, cpuset="2")) == []


@pytest.mark.parametrize(
    ("models", "at", "problem"),
    [
        ([wanted("a", memory=GIB), wanted("b", memory=GIB // 2)], None, "on pi: a, b need 1536Mi, and 1Gi more while"),
        ([wanted("a", cpuset="3-4")], ("a", "cpuset"), "on pi: there is no processor 4"),
        ([wanted("a", 1500, cpuset="0")], ("a", "cpuset"), "on pi: a may use 1500m CPU, and the set has 1"),
        (
            [wanted("a", cpuset="0-1", realtime=True), wanted("b", cpuset="1,2", realtime=True)],
            ("b", "cpuset"),
            "on pi: processor 1 is a's, too, and b is real-time",
        ),
        (
            [wanted("a", cpuset="0-1", realtime=True), wanted("b", cpuset="1-2")],
            ("b", "cpuset"),
            "on pi: processor 1 is a's, too, and a is real-time",
        ),
        ([wanted("a", 3000), wanted("b", 1500)], None, "on pi: a, b may use 4500m CPU together"),
        (
            [wanted("a", 500, cpuset="0-2", realtime=True), wanted("b", 800), wanted("c", 800)],
            None,
            "on pi: b, c may use 1600m CPU, and real-time models leave 1 processors",
        ),
    ],
    ids=["memory", "beyond", "narrow", "real-time-twice", "real-time-and-pinned", "cores", "left-over"],
)
def test_what_is_too_much_is_refused(models: list[Wanted], at: tuple[str, str] | None, problem: str) -> None:
    (one,) = found(*models)
    assert one.problem.startswith(problem)
    assert (None if one.model is None else (one.model, one.field)) == at
    assert one.allowed
    assert one.todo


def test_pinned_models_that_are_not_real_time_may_share() -> None:
    assert found(wanted("a", cpuset="0-1"), wanted("b", cpuset="1-2")) == []


SETS = st.sampled_from([None, "0", "1", "0-1", "2-3", "0,3", "3-5"])


@given(
    said=st.lists(st.tuples(SETS, st.booleans(), st.integers(100, 2500), st.integers(1, 1024)), max_size=5),
    cores=st.sampled_from([1, 2, 4]),
)
def test_what_is_let_through_fits(said: list[tuple[str | None, bool, int, int]], cores: int) -> None:
    models = [
        wanted(f"m{index}", cpu, mib * 2**20, **({"cpuset": of, "realtime": realtime} if of else {}))
        for index, (of, realtime, cpu, mib) in enumerate(said)
    ]
    if found(*models, cores=cores):
        return
    assert sum(one.cpu for one in models) <= 1000 * cores
    assert sum(one.memory for one in models) + max((one.memory for one in models), default=0) <= 2 * GIB
    for one in models:
        assert one.pinned <= set(range(cores))
        others = [other.pinned for other in models if other is not one]
        assert not one.particular.realtime or all(one.pinned.isdisjoint(other) for other in others)
