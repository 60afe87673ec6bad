"""A caller stays with one of two releases, as many with the new one as the route says, and nobody chooses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_reading import Books
from service import Home, until
from slipway_keys.check.variants import ANY, NEW, OLD, variant
from slipway_keys.ledger.lines import Caller
from slipway_keys.rules.routes import route_of
from slipway_keys.values.route import StickySection

BY_KEY = {"header": None}
BY_HEADER = {"header": "x-session"}
SHARES = st.floats(0, 1)


def of(who: str, share: float, rollout: str = "one") -> bytes:
    return variant(StickySection(share=share, rollout=rollout), Caller(who, "account"), {})


@given(st.text(min_size=1, max_size=40), SHARES, SHARES)
def test_a_larger_share_keeps_who_has_the_new_release_and_a_smaller_one_adds_nobody(
    who: str, one: float, other: float
) -> None:
    less, more = sorted((one, other))
    assert of(who, less) in (of(who, more), OLD)
    assert of(who, 0) == OLD
    assert of(who, 1) == NEW


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5])
def test_as_many_callers_get_the_new_release_as_the_share_says(share: float) -> None:
    new = sum(of(f"key-{number}", share) == NEW for number in range(20_000))
    assert abs(new / 20_000 - share) < 0.02


def test_another_rollout_draws_anew() -> None:
    keys = [f"key-{number}" for number in range(1000)]
    both = sum(of(key, 0.5, "one") == of(key, 0.5, "two") == NEW for key in keys)
    assert 150 < both < 350


def test_by_a_header_its_value_counts_and_not_the_key_and_without_it_nothing_tells() -> None:
    sticky = StickySection(header="x-session", share=0.5, rollout="one")
    of_a, of_b = (
        [variant(sticky, Caller(key, key), {b"x-session": b"%d" % number}) for number in range(100)] for key in "ab"
    )
    assert of_a == of_b
    assert set(of_a) == {NEW, OLD}
    assert variant(sticky, Caller("a", "a"), {b"x-other": b"1"}) == ANY
    assert variant(sticky, Caller("a", "a"), {b"x-session": b""}) == ANY


@pytest.mark.parametrize(
    ("rules", "share"),
    [
        ([{"backendRefs": [{"weight": 750}, {"weight": 250}]}, {"backendRefs": [{"weight": 1}]}], 0.25),
        ([{"backendRefs": [{"weight": 1000}, {"weight": 0}]}], 0.0),
        ([{"backendRefs": [{"weight": 0}, {"weight": 0}]}], 0.0),
        ([{"backendRefs": [{"name": "digits"}]}], 0.0),
        ([{}], 0.0),
        ([], 0.0),
    ],
)
def test_the_share_is_what_the_weights_of_the_first_rule_say(rules: list[object], share: float) -> None:
    text = '{"model": "digits", "auth": "api-key", "sticky": {"header": null}}'
    marks = {"slipway.dev/route": text, "slipway.dev/rollout": "3f2a9c01b4de"}
    found = route_of({"metadata": {"name": "digits", "annotations": marks}, "spec": {"rules": rules}})
    assert found is not None
    assert found.sticky == StickySection(share=share, rollout="3f2a9c01b4de")


def test_a_key_is_led_by_the_weights_as_they_change_and_never_by_what_it_sends(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    assert "x-slipway-variant" not in replica.check("digits", text).headers
    home.api.divide("digits", "one", 1, 0)
    home.api.set("digits", sticky=BY_KEY)

    def led() -> str | None:
        return replica.check("digits", text, x_slipway_variant="new").headers.get("x-slipway-variant")

    until(lambda: led() == "old")
    home.api.divide("digits", "one", 0, 1)
    until(lambda: led() == "new")
    home.api.divide("digits", "one", 999_999, 1)
    until(lambda: led() == "old")
    home.api.set("digits")
    until(lambda: led() is None)


def test_where_nobody_shows_a_key_a_header_keeps_a_caller(home: Home, books: Books) -> None:
    home.api.divide("digits", "one", 1, 1)
    home.api.set("digits", auth="none", sticky=BY_HEADER)
    replica = home.start()
    found = {
        number: replica.check("digits", x_session=str(number)).headers["x-slipway-variant"] for number in range(50)
    }
    assert set(found.values()) == {"new", "old"}
    again = {number: replica.check("digits", x_session=str(number)).headers["x-slipway-variant"] for number in found}
    assert again == found
    assert replica.check("digits").headers["x-slipway-variant"] == "any"
