"""What a rollback took back is held back, for as long as what it went back to is live."""

import pytest

from slipway.history.held_back import HeldBack, held_back, kept_for
from slipway.values.names import HELD_BACK_ANNOTATION, short
from tests.support.histories import digest

ONE, TWO, THREE = (short(digest(version)) for version in ("1.0.0", "2.0.0", "3.0.0"))


def after(before: HeldBack | None, live: str, gone: tuple[str, ...], to: str, reason: str = "") -> HeldBack | None:
    when = "2026-03-01T12:00:00Z"
    return HeldBack.after(before, live, gone, to, who="mia@laptop", when=when, reason=reason)


def test_the_release_that_was_live_is_held_back_while_the_other_serves() -> None:
    held = after(None, THREE, (THREE,), TWO)
    assert held is not None
    assert held.holds(TWO, THREE)
    assert not held.holds(TWO, ONE)
    assert not held.holds(ONE, THREE)


def test_going_back_further_holds_back_both() -> None:
    held = after(after(None, THREE, (THREE,), TWO), TWO, (TWO,), ONE)
    assert held is not None
    assert [held.holds(ONE, release) for release in (TWO, THREE)] == [True, True]


def test_what_is_gone_back_to_is_held_back_no_more() -> None:
    held = after(after(None, TWO, (TWO,), ONE), ONE, (ONE,), TWO)
    assert held is not None
    assert held.holds(TWO, ONE)
    assert TWO not in held.releases


def test_ending_a_rollout_holds_back_its_new_release_alone() -> None:
    held = after(None, TWO, (THREE,), TWO)
    assert held is not None
    assert held.releases == (THREE,)
    assert after(None, TWO, (TWO,), TWO) is None


def test_it_says_who_when_and_why() -> None:
    held = after(None, THREE, (THREE,), TWO, "wrong digits since noon")
    assert held is not None
    assert held.said() == "mia@laptop rolled it back on 2026-03-01 12:00 UTC: wrong digits since noon"


def test_it_is_read_from_a_deployment_as_it_was_put_there() -> None:
    held = after(None, THREE, (THREE,), TWO)
    assert held is not None
    deployment = {"metadata": {"annotations": held.annotation()}}
    assert held_back(deployment) == held
    assert kept_for(deployment, digest("2.0.0")) == held
    assert kept_for(deployment, digest("1.0.0")) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"to": "x"}', '{"to": 1, "releases": []}'])
def test_what_others_wrote_there_holds_nothing_back(text: str) -> None:
    assert held_back({"metadata": {"annotations": {HELD_BACK_ANNOTATION: text}}}) is None
    assert held_back({"metadata": {}}) is None


def test_many_rollbacks_fit_into_an_annotation() -> None:
    held: HeldBack | None = None
    live = short(digest("0"))
    for number in range(1, 100):
        to = short(digest(str(number)))
        held = after(held, live, (live,), to, "x" * 5000)
        live = to
    assert held is not None
    assert len(held.annotation()[HELD_BACK_ANNOTATION]) < 2000
    assert held_back({"metadata": {"annotations": held.annotation()}}) == held
