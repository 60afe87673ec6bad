"""Whether something is done about a model: on an alert about what serves, beside no rollout, once in a cool-down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.spec.adapt import Adapt
from slipway.versions.adapt import Firing, Seen, decide

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ADAPT = Adapt.model_validate({"when": ["drift"], "do": "rollback", "cooldown": "2h"})
DRIFTED = Firing("SlipwayDrift", "2.0.0", "image.mean")
SEEN = Seen(firing=(DRIFTED,), version="2.0.0", judged=False, last=None, now=NOW)


def test_an_alert_about_what_serves_is_acted_upon() -> None:
    decision = decide(ADAPT, SEEN)
    assert decision.act
    assert decision.why == "SlipwayDrift (image.mean) fires about 2.0.0"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(SEEN, firing=()), "no alert of drift fires"),
        (replace(SEEN, firing=(Firing("SlipwayQuality", "2.0.0"),)), "no alert of drift fires"),
        (replace(SEEN, version=None), "no release of it serves"),
        (replace(SEEN, version="1.0.0"), "SlipwayDrift (image.mean) is about 2.0.0, and 1.0.0 serves"),
        (replace(SEEN, judged=True), "a rollout of it is under way, which judges for itself"),
        (
            replace(SEEN, last=NOW - timedelta(hours=1)),
            "something was done at 2026-11-27 11:00 UTC; cool-down of 2h until 2026-11-27 13:00 UTC",
        ),
    ],
    ids=["quiet", "other-alert", "none-serves", "gone-back", "rollout", "cool-down"],
)
def test_nothing_is_done_and_why_is_said(seen: Seen, why: str) -> None:
    decision = decide(ADAPT, seen)
    assert not decision.act
    assert decision.why == why


def test_it_is_done_again_once_the_cool_down_is_over() -> None:
    assert decide(ADAPT, replace(SEEN, last=NOW - timedelta(hours=2))).act


@given(
    firing=st.lists(
        st.builds(Firing, st.sampled_from(["SlipwayDrift", "SlipwayQuality", "SlipwayDown"]), st.sampled_from("12"))
    ),
    version=st.sampled_from(["1", "2", None]),
    judged=st.booleans(),
    ago_s=st.none() | st.integers(0, 20_000),
)
def test_it_never_acts_beside_a_rollout_within_the_cool_down_or_on_what_does_not_serve(
    firing: list[Firing], version: str | None, judged: bool, ago_s: int | None
) -> None:
    last = None if ago_s is None else NOW - timedelta(seconds=ago_s)
    decision = decide(ADAPT, Seen(tuple(firing), version, judged, last, NOW))
    fires = any(one.alert == "SlipwayDrift" and one.version == version for one in firing)
    assert decision.act == (fires and not judged and (ago_s is None or ago_s >= 7200))
    assert decision.why
