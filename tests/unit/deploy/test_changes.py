"""What an update does to what is live, and whose change it is (on a fake cluster)."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.deploy.changes import LINES_MOST, LISTED_MOST, Change, between, changes, differences, removed, why
from slipway.deploy.record import live_models, save
from slipway.history.held_back import HeldBack
from slipway.plan.model import ModelPlan
from slipway.plan.release import Origin
from slipway.planner.environment import release_digest, released
from slipway.values.names import RELEASE_LABEL, record
from slipway.values.version import version
from tests.support.fake_cluster import FakeCluster
from tests.support.planned import FIXTURES
from tests.support.releases import deployed, planned, release_of

LEAST = planned()
OLDER = replace(LEAST.origin, slipway="0.0.9")


def there(origin: Origin | None = LEAST.origin, model: ModelPlan = LEAST) -> FakeCluster:
    """A cluster in which a model was judged right, and is recorded with an origin."""
    cluster = deployed(model)
    save(cluster, replace(release_of(model), origin=origin), cluster.objects["Deployment", model.name])
    return cluster


def newer(**change: Any) -> ModelPlan:
    """The plan of another release: pods are given longer to stop, and what `change` says."""
    draft = replace(LEAST, timing=replace(LEAST.timing, grace_s=99), **change)
    return released(draft, release_digest(draft))


def said(cluster: FakeCluster, plan: ModelPlan) -> Change:
    (change,) = changes(cluster, [plan], live_models(cluster))
    return change


def test_a_model_that_is_not_live_is_new() -> None:
    change = said(FakeCluster(), LEAST)
    assert (change.does, change.release, change.version) == ("new", (None, LEAST.release), (None, "1.0.0"))
    assert list(change.lines()) == [f"least: new, release {LEAST.release}"]


def test_the_release_that_is_live_is_unchanged_whatever_made_it() -> None:
    for origin in (LEAST.origin, OLDER, None):
        assert list(said(there(origin), LEAST).lines()) == [f"least: unchanged, release {LEAST.release}"]


def test_a_release_that_does_not_serve_is_told_to_be_deployed_again() -> None:
    cluster = there()
    cluster.objects["Deployment", "least"]["status"]["availableReplicas"] = 0
    assert said(cluster, LEAST).why == "`up` deploys it again: it does not serve, or was never judged right"


def test_a_newer_slipway_alone_is_told_with_what_differs() -> None:
    plan = newer()
    assert list(said(there(OLDER), plan).lines()) == [
        f"least: changed, release {LEAST.release} -> {plan.release}",
        f"  by Slipway {version()} alone (it was made by 0.0.9)",
        "  Deployment spec.template.spec.terminationGracePeriodSeconds: 105 -> 99",
    ]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("spec", "changed by you (its spec)"),
        ("files", "changed by you (its weights or golden request)"),
        ("settings", "changed by you (the environment's settings)"),
    ],
)
def test_a_change_of_what_people_wrote_is_theirs(field: str, words: str) -> None:
    before = replace(LEAST.origin, **{field: "0" * 64})
    assert said(there(before), newer()).why == words
    older = replace(before, slipway="0.0.9")
    also = f"{words}, and perhaps by Slipway {version()} (it was made by 0.0.9)"
    assert said(there(older), newer()).why == also


def test_an_image_that_the_same_version_makes_otherwise_is_told() -> None:
    change = said(there(replace(LEAST.origin, image="0" * 64)), newer())
    assert change.why.startswith(f"by what Slipway {version()} puts into its image")
    assert change.differences[0] == "image: made of other files, packages or base"


def test_a_record_without_the_note_says_that_why_is_not_known_and_still_what_differs() -> None:
    change = said(there(None), newer())
    assert change.why == "why is not known: its record is of a Slipway that noted no origin"
    assert change.differences == ("Deployment spec.template.spec.terminationGracePeriodSeconds: 105 -> 99",)


def test_the_record_that_0_1_left_is_read() -> None:
    cluster = there(None)
    cluster._put(json.loads((FIXTURES / "upgrade/0.1/least-verified.json").read_text()))
    cluster.objects["Deployment", "least"]["spec"]["template"]["metadata"]["labels"][RELEASE_LABEL] = "ab65563287a2c964"
    assert said(cluster, newer()).why == "why is not known: its record is of a Slipway that noted no origin"


def _gone(cluster: FakeCluster) -> None:
    cluster.delete("ConfigMap", record("least"))


def _of_another(cluster: FakeCluster) -> None:
    labels = cluster.objects["Deployment", "least"]["spec"]["template"]["metadata"]["labels"]
    labels[RELEASE_LABEL] = "fedcba9876543210"


@pytest.mark.parametrize("break_", [_gone, _of_another])
def test_a_release_that_was_never_judged_has_no_record_to_hold_it_against(
    break_: Callable[[FakeCluster], None],
) -> None:
    cluster = there()
    break_(cluster)
    assert said(cluster, newer()).why == "why is not known: what is live was never judged right"


def test_a_record_that_cannot_be_read_is_told_and_no_error() -> None:
    cluster = there()
    cluster._put({"kind": "ConfigMap", "metadata": {"name": record("least")}, "data": {"release.json": "{"}})
    assert said(cluster, newer()).why == "why is not known: its record cannot be read"


def test_the_golden_request_and_its_answer_are_never_shown() -> None:
    config = LEAST.server_config
    check = config["check"] | {"request": {"input": [[31337.0]]}, "expect": {"label": 31338}}
    change = said(there(OLDER), newer(server_config=config | {"check": check}))
    assert "ConfigMap server.json.check.request: (not shown) -> (not shown)" in change.differences
    assert "ConfigMap server.json.check.expect: (not shown) -> (not shown)" in change.differences
    assert "3133" not in json.dumps(change.to_json())


@pytest.mark.parametrize("name", ["DB_PASSWORD", "api_token", "clientSecret", "API_KEY"])
def test_a_text_with_the_name_of_a_secret_is_not_shown(name: str) -> None:
    release = release_of(LEAST)
    (deployment,) = (manifest for manifest in release.manifests if manifest["kind"] == "Deployment")
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    env.append({"name": name, "value": "hunter2"})
    found = differences(release, LEAST)
    assert any(f"env[{name}].value: (not shown) -> nothing" in line for line in found)
    assert "hunter2" not in "".join(found)


def test_people_are_shown_some_differences_and_the_number_of_the_others() -> None:
    config = LEAST.server_config | {f"field{number:02}": number for number in range(20)}
    many = said(there(OLDER), newer(server_config=config | {f"more{number}": 0 for number in range(300)})).to_json()
    assert (len(many["differences"]), many["differenceCount"]) == (LISTED_MOST, 321)
    change = said(there(OLDER), newer(server_config=config))
    lines = list(change.lines())
    assert len(change.differences) == 21
    assert len(lines) == 2 + LINES_MOST + 1
    assert lines[-1] == f"  and {21 - LINES_MOST} more"


def test_names_and_labels_of_the_release_itself_are_no_difference() -> None:
    plan = released(LEAST, "f" * 64)
    assert differences(release_of(LEAST), plan) == ()


def test_what_has_no_spec_any_more_is_told() -> None:
    (live,) = live_models(there()).values()
    assert list(removed(live).lines()) == [
        f"least: removed, release {LEAST.release}",
        "  it has no spec: `up` leaves it alone, `up --prune` destroys it",
    ]


DIGESTS = st.sampled_from(["0" * 64, "1" * 64])
ORIGINS = st.builds(Origin, st.sampled_from(["0.1.0", "0.2.0"]), DIGESTS, DIGESTS, DIGESTS, DIGESTS)


@given(ORIGINS, ORIGINS)
def test_slipway_alone_is_named_only_where_nothing_that_people_wrote_differs(before: Origin, now: Origin) -> None:
    words = why(before, now)
    same = all(getattr(before, name) == getattr(now, name) for name in ("spec", "files", "settings"))
    assert words.startswith("changed by you") == (not same)
    assert ("alone" in words) == (same and (before.slipway, before.image) != (now.slipway, now.image))


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from(["kind", "data", "spec", "a\x1b[2J"]), HOSTILE), max_size=4))
def test_whatever_somebody_wrote_into_a_record_is_shown_as_one_printable_line_each(manifests: list[Any]) -> None:
    for line in differences(replace(release_of(LEAST), manifests=tuple(manifests)), LEAST):
        assert line.isprintable()
        assert len(line) < 500


def test_what_was_rolled_back_is_held_back_in_words() -> None:
    cluster = there()
    plan = newer()
    held = HeldBack(
        to=LEAST.release, releases=(plan.release,), who="mia@laptop", when="2026-11-26T14:20:31Z", reason="r"
    )
    deployment = cluster.objects["Deployment", "least"]
    save(cluster, release_of(LEAST), deployment, held=held)
    change = said(cluster, plan)
    assert change.does == "held back"
    assert next(change.lines()) == f"least: held back, release {LEAST.release} -> {plan.release}"
    for word in ("mia@laptop rolled it back on 2026-11-26 14:20 UTC: r", "slipway up local least --again"):
        assert word in change.why
    assert said(cluster, newer(version="2.0.0")).does == "changed"


def test_what_two_releases_differ_in_is_told_without_their_way_in() -> None:
    old, new = release_of(LEAST), release_of(newer())
    assert between(old, old) == ()
    assert between(old, new) == ("Deployment spec.template.spec.terminationGracePeriodSeconds: 105 -> 99",)
    assert between(old, replace(new, image="registry/other@sha256:" + "1" * 64))[0].startswith("image: ")
