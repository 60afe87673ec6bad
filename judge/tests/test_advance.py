"""The steps of a rollout: forward on evidence alone, never back, and at once to nothing when a measure fails."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rollout_plans import ID, a_plan, calls, good
from slipway_judge.judging.advance import advance, ended_by, share, with_callers
from slipway_judge.values.evidence import Agreement, Calls, Evidence
from slipway_judge.values.state import State, begun, read_state

PLAN = a_plan()
START = 1_800_000_000.0


def at_step(step: int) -> State:
    return begun(ID, START).model_copy(update={"step": step, "percent": 100 * PLAN.steps[step], "phase": "judging"})


def held(step: int, evidence: Evidence) -> State:
    """The state after so long that time is no reason to wait any more."""
    return advance(PLAN, at_step(step), replace(evidence, since=START + 15), START + 15 + PLAN.hold_s)


def test_good_evidence_leads_through_all_steps_to_the_end() -> None:
    state, now, shares = begun(ID, START), START, []
    for _ in PLAN.steps:
        state = advance(PLAN, state, None, now + 1)
        shares.append(share(PLAN, state))
        assert state.phase == "warming"
        state = advance(PLAN, state, good(now + 15), now + 16)
        assert (state.phase, state.reason) == ("judging", "held for 120 s")
        now += 15 + PLAN.hold_s
        state = advance(PLAN, state, good(now - PLAN.hold_s), now)
    assert shares == [0.0, 0.05, 0.25, 1.0]
    assert (state.phase, state.percent, share(PLAN, state)) == ("passed", 100.0, 1.0)
    assert [(past.percent, past.verdict) for past in state.steps] == [
        (0.0, "passed"),
        (5.0, "passed"),
        (25.0, "passed"),
        (100.0, "passed"),
    ]


BAD = [
    ("errors of replayed calls: 40 of 1000", Evidence(0, calls(errors=40), calls(), "", agreement=Agreement(1000))),
    ("errors of calls of clients: 40 of 1000", Evidence(0, calls(), calls(errors=40), "", agreement=Agreement(1000))),
    (
        "latency of calls of clients: 90 of 1000 above 30 ms",
        Evidence(0, calls(), calls(slow=90), "", agreement=Agreement(1000)),
    ),
    ("agreement: 30 of 1000 pairs disagree", Evidence(0, calls(), calls(), "", agreement=Agreement(1000, 30))),
    (
        "old release against itself: it gave two answers",
        Evidence(0, calls(), calls(), "", agreement=Agreement(90, 0, 50, 40)),
    ),
]


@pytest.mark.parametrize(("reason", "evidence"), BAD, ids=[reason for reason, _ in BAD])
def test_each_measure_alone_fails_a_step_and_the_new_release_gets_nothing(reason: str, evidence: Evidence) -> None:
    state = held(2, evidence)
    assert (state.phase, state.percent, share(PLAN, state)) == ("failed", 0.0, 0.0)
    assert reason in state.reason
    assert state.steps[-1].verdict == "failed"


def test_replayed_calls_say_how_late_a_release_answers_only_before_it_has_callers() -> None:
    """Afterwards its pods carry other calls than the old ones do, which idle at last."""
    slow = Evidence(0, calls(slow=90), calls(), "", agreement=Agreement(1000))
    before = held(0, slow)
    assert (before.phase, before.percent) == ("failed", 0.0)
    assert "latency of replayed calls: 90 of 1000" in before.reason
    assert held(2, slow).phase == "warming"  # the next step


def test_with_all_calls_latency_is_held_against_a_limit_that_somebody_wrote() -> None:
    """Nothing else says in the same time how late is too late."""
    slow, last = Evidence(0, calls(), calls(slow=90), "", agreement=Agreement(1000)), len(PLAN.steps) - 1
    limited = PLAN.model_copy(update={"judge": PLAN.judge.model_copy(update={"p95_ms": 30.0})})
    free = PLAN.model_copy(update={"judge": PLAN.judge.model_copy(update={"p95_ms": None})})
    now = START + 15 + PLAN.hold_s
    evidence = replace(slow, since=START + 15)
    assert advance(limited, at_step(last), evidence, now).phase == "failed"
    assert advance(free, at_step(last), evidence, now).phase == "passed"
    assert advance(free, at_step(last - 1), evidence, now).phase == "failed"


WAITING = [
    ("too few calls", Evidence(0, calls(499), calls(), "", agreement=Agreement(1000))),
    ("too few calls of clients", Evidence(0, calls(), calls(499), "", agreement=Agreement(1000))),
    ("too few pairs", Evidence(0, calls(), calls(), "", agreement=Agreement(499))),
    ("no pair can be compared", Evidence(0, calls(), calls(), "", agreement=Agreement(not_comparable=1000))),
    ("Prometheus silent", Evidence(0, calls(), None, "Prometheus says nothing", agreement=Agreement(1000))),
    ("nothing at all", Evidence(0)),
    (
        "no calls of the new release",
        Evidence(0, calls(), replace(calls(), new=0, timed=0), "", agreement=Agreement(1000)),
    ),
    (
        "slow, but not surely",
        Evidence(0, calls(), replace(calls(slow=200), surely_slow=20), "", agreement=Agreement(1000)),
    ),
    ("as many errors as are allowed", Evidence(0, calls(errors=10), calls(), "", agreement=Agreement(1000))),
]


@pytest.mark.parametrize("evidence", [each for _, each in WAITING], ids=[name for name, _ in WAITING])
def test_without_enough_evidence_a_step_waits_and_fails_at_its_deadline(evidence: Evidence) -> None:
    state = held(1, evidence)
    assert (state.phase, state.step) == ("judging", 1)
    late = advance(PLAN, state, evidence, START + PLAN.deadline_s + 1)
    assert (late.phase, share(PLAN, late)) == ("failed", 0.0)
    assert late.reason.startswith("inconclusive for 1800 s: ")


def test_what_is_waited_for_is_said_in_one_sentence() -> None:
    assert held(1, Evidence(0, calls(60), calls(40), agreement=Agreement(55))).reason == (
        "40 of the 500 needed for errors of calls of clients"
    )
    assert held(1, Evidence(0, calls(errors=10), calls(40), agreement=Agreement(55))).reason == (
        "errors of replayed calls: 10 of 1000, allowed 1.00%"
    )


def test_without_clients_on_the_new_release_prometheus_is_not_needed() -> None:
    assert held(0, Evidence(0, calls(), None, "silent", agreement=Agreement(1000))).step == 1


def test_answers_are_not_compared_where_the_spec_does_not_say_so() -> None:
    plan = a_plan(judge={"agreement": None})
    state = advance(plan, at_step(0), Evidence(START + 15, calls()), START + 15 + plan.hold_s)
    assert state.step == 1


@pytest.mark.parametrize(
    ("replayed", "before"), [(calls(2000, errors=50, old_errors=50), None), (calls(2000), calls(old_errors=25))]
)
def test_where_the_old_release_has_no_clients_left_replays_and_the_step_before_say_what_is_allowed(
    replayed: Calls, before: Calls | None
) -> None:
    """2.5 % fail of both: of replayed calls now, or of clients' calls before."""
    clients = replace(calls(2000, errors=50), old=0)
    assert held(3, Evidence(0, replayed, clients, before=before, agreement=Agreement(2000))).phase == "passed"
    alone = held(3, Evidence(0, calls(2000), clients, agreement=Agreement(2000)))
    assert "errors of calls of clients: 50 of 2000, allowed 1.00%" in alone.reason


def test_where_the_old_release_has_no_clients_left_the_last_step_with_them_is_the_one_to_compare_with() -> None:
    state = begun(ID, START)
    for step, live in enumerate((calls(5000), calls(4000), calls(400))):
        since = state.since.timestamp() + 15
        evidence = Evidence(since, calls(), replace(calls(), old=live.old), agreement=Agreement(1000))
        state = advance(PLAN, state, evidence, since + PLAN.hold_s)
        assert state.step == step + 1
    found = with_callers(PLAN, state)
    assert found is not None
    assert found.old == 4000
    assert with_callers(PLAN, begun(ID, START)) is None


def test_a_restart_in_its_warm_up_neither_passes_nor_gets_a_new_deadline() -> None:
    state = read_state(at_step(2).to_json(), ID)
    assert state is not None
    restarted = advance(PLAN, state, None, START + PLAN.hold_s + 60)
    assert (restarted.phase, restarted.step, share(PLAN, restarted)) == ("warming", 2, 0.25)
    since = START + PLAN.hold_s + 70
    assert advance(PLAN, restarted, good(since), since + PLAN.hold_s - 1).step == 2
    assert advance(PLAN, restarted, good(since), since + PLAN.hold_s).step == 3
    assert advance(PLAN, restarted, None, START + PLAN.deadline_s + 1).phase == "failed"


def test_who_ends_a_rollout_is_its_reason_and_an_end_stays() -> None:
    ended = ended_by(at_step(2), "ended by ann: wrong labels", START + 9)
    assert (ended.phase, ended.percent, ended.reason) == ("failed", 0.0, "ended by ann: wrong labels")
    assert ended_by(ended, "ended by bob: again", START + 10) == ended
    assert advance(PLAN, ended, good(START), START + 10_000) == ended


def test_the_state_of_another_rollout_or_of_none_is_no_state() -> None:
    assert read_state(at_step(1).to_json(), "another") is None
    assert read_state("{}", ID) is None
    assert read_state(None, ID) is None


COUNT = st.integers(0, 3000)
CALLS = st.builds(
    lambda old, new, old_errors, errors, slow: Calls(
        old,
        new,
        min(old, old_errors),
        min(new, errors),
        20.0,
        20.0,
        25.0,
        30.0,
        new,
        min(new, slow),
        min(new, slow // 2),
    ),
    COUNT,
    COUNT,
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 60),
)
EVIDENCE = st.none() | st.builds(
    lambda replayed, live, pairs, bad: Evidence(
        0, replayed, live, "silent", agreement=Agreement(pairs, min(pairs, bad))
    ),
    CALLS,
    st.none() | CALLS,
    COUNT,
    st.integers(0, 30),
)


@given(st.lists(st.tuples(EVIDENCE, st.floats(1, 400)), max_size=25))
def test_whatever_is_seen_steps_rise_an_end_stays_and_nothing_missing_passes(
    seen: list[tuple[Evidence | None, float]],
) -> None:
    state, now = begun(ID, START), START
    for evidence, seconds in seen:
        now += seconds
        since = max(state.since.timestamp(), now - PLAN.hold_s)
        after = advance(PLAN, state, replace(evidence, since=since) if evidence else None, now)
        assert state.step <= after.step <= state.step + 1
        if state.ended:
            assert after == state
        if len(after.steps) > len(state.steps) and after.steps[-1].verdict == "passed":
            assert evidence is not None
            assert evidence.replayed.new >= 500 <= evidence.agreement.pairs
            assert state.step == 0 or (evidence.live is not None and evidence.live.new >= 500)
        if after.phase == "failed":
            assert share(PLAN, after) == after.percent == 0
        else:
            assert share(PLAN, after) == PLAN.steps[after.step] == pytest.approx(after.percent / 100)
        assert read_state(after.to_json(), ID) == after
        state = after
