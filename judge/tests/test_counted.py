"""What Envoy counted, out of samples of its counters: outages, restarts and new clusters lose and invent nothing."""

import json
import math

import pytest
from rollout_plans import a_plan, calls
from slipway_judge.live.counted import PRESENT, REQUESTS, TIMES, Counted, Sample, percentile, within
from slipway_judge.live.prometheus import parse, query
from slipway_judge.values.evidence import Calls

PLAN = a_plan(judge={"least_requests": 10})
OLD, NEW = PLAN.clusters.old[0], PLAN.clusters.new[0]


def sample(name: str, value: float, cluster: str = NEW, pod: str = "envoy-0", **labels: str) -> Sample:
    return Sample(
        frozenset({"__name__": name, "envoy_cluster_name": cluster, "pod": pod, **labels}.items()), float(value)
    )


def requests(value: float, code: str = "200", cluster: str = NEW, pod: str = "envoy-0") -> Sample:
    return sample(REQUESTS, value, cluster, pod, envoy_response_code=code)


def times(cluster: str, *counts: float) -> list[Sample]:
    bounds = ("10", "25", "50", "+Inf")
    return [sample(TIMES, count, cluster, le=bound) for bound, count in zip(bounds, counts, strict=True)]


def counted(*looks: list[Sample]) -> Calls:
    made = Counted(PLAN.clusters)
    for look in looks:
        made.look(look)
    return made.calls(PLAN.judge)


def test_only_what_came_after_the_first_look_counts() -> None:
    found = counted([requests(100), requests(5, "503")], [requests(130), requests(7, "503")])
    assert (found.new, found.new_errors) == (32, 2)


def test_a_counter_that_was_not_there_yet_began_at_nothing() -> None:
    """Envoy shows a code from its first answer on, and Envoy Gateway makes a cluster with the first weight."""
    present = sample(PRESENT, 1, OLD)
    assert counted([present], [present, requests(4, "503")]).new_errors == 4


def test_a_counter_that_fell_began_anew() -> None:
    assert counted([requests(100)], [requests(110)], [requests(3)], [requests(5)]).new == 15


def test_each_envoy_counts_for_itself() -> None:
    first = [requests(10), requests(1000, pod="envoy-1")]
    assert counted(first, [requests(12), requests(1007, pod="envoy-1")]).new == 9


def test_an_envoy_that_is_away_for_a_look_loses_nothing() -> None:
    present = sample(PRESENT, 1, OLD)
    assert counted([requests(10), present], [present], [requests(25), present]).new == 15


def test_no_sample_of_the_two_releases_says_nothing() -> None:
    made = Counted(PLAN.clusters)
    assert not made.look([])
    assert not made.look([requests(5, cluster="another")])
    assert made.look([requests(5)])
    assert made.calls(PLAN.judge).new == 0


def test_what_the_caller_did_wrong_is_no_error() -> None:
    codes = [requests(0, code) for code in ("200", "404", "429", "500", "504")]
    found = counted(codes, [Sample(each.labels, 3) for each in codes])
    assert (found.new, found.new_errors) == (15, 6)


def test_slow_answers_are_those_beyond_the_old_releases_limit() -> None:
    found = counted([*times(OLD, 0, 0, 0, 0), *times(NEW, 0, 0, 0, 0)], [*times(OLD, 100, 100, 100, 100)])
    assert found.old_p95_ms == pytest.approx(9.5)
    assert found.slow_limit_ms == pytest.approx(14.5)
    slow = counted([*times(OLD, 0, 0, 0, 0)], [*times(OLD, 100, 100, 100, 100), *times(NEW, 10, 40, 60, 64)])
    assert slow.slow_allowed == 0.05
    # 14.5 ms is 3/10 of the way from 10 to 25: 10 + 0.3 * 30 answers were faster.
    assert (slow.timed, slow.slow) == (64, 45)


def test_the_share_of_slow_answers_that_is_allowed_follows_from_the_old_releases_own() -> None:
    """5 % of its answers are beyond the last bound, however far: as many and a margin may be the new one's."""
    found = counted([*times(OLD, 0, 0, 0, 0)], [*times(OLD, 900, 940, 951, 1000)])
    assert found.slow_limit_ms == pytest.approx(52.7, abs=0.1)
    assert found.slow_allowed == pytest.approx(0.049 + 0.025)


def test_with_too_few_calls_of_the_old_release_an_earlier_step_gives_the_limit_or_else_the_spec() -> None:
    made = Counted(PLAN.clusters)
    made.look([requests(0, cluster=OLD)])
    made.look([requests(9, cluster=OLD), *times(OLD, 9, 9, 9, 9), *times(NEW, 0, 50, 50, 50)])
    assert made.calls_after(PLAN.judge, calls()).slow_limit_ms == 25.0
    assert made.calls_after(PLAN.judge, None).slow_limit_ms is None
    assert made.calls_after(PLAN.judge.model_copy(update={"p95_ms": 70.0}), None).slow_limit_ms == 70.0


HISTOGRAM = {10.0: 90.0, 25.0: 94.0, 50.0: 96.0, math.inf: 100.0}


@pytest.mark.parametrize(("share", "ms"), [(0.45, 5.0), (0.9, 10.0), (0.95, 37.5), (0.99, 50.0)])
def test_a_percentile_is_taken_evenly_from_its_bucket(share: float, ms: float) -> None:
    assert percentile(HISTOGRAM, share) == pytest.approx(ms)
    assert percentile({}, share) is None


@pytest.mark.parametrize(("ms", "count"), [(5, 45), (10, 90), (37.5, 95), (50, 96), (1000, 96)])
def test_how_many_lie_within_a_time_is_taken_evenly_from_its_bucket(ms: float, count: float) -> None:
    assert within(HISTOGRAM, ms) == pytest.approx(count)


def test_the_query_asks_for_exactly_the_clusters_of_both_releases() -> None:
    assert query(PLAN).startswith('{__name__=~"envoy_cluster_upstream_rq|')
    assert f"{OLD}|{NEW}" in query(a_plan()).replace("\\", "")


def test_an_answer_that_is_none_is_refused() -> None:
    good = {"status": "success", "data": {"result": [{"metric": {"a": "b"}, "value": [1, "2.5"]}]}}
    assert parse(json.dumps(good).encode()) == [Sample(frozenset({("a", "b")}), 2.5)]
    for bad in (b"", b'{"status": "error"}', b'{"status": "success"}', b'{"status": "success", "data": {"result": 1}}'):
        with pytest.raises((ValueError, KeyError, TypeError)):
            parse(bad)
