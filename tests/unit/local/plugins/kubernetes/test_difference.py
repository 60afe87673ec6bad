"""What changes between two versions of the inputs, and which of it replaces the object."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.local.plugins.kubernetes.client.kinds import of
from slipway.local.plugins.kubernetes.client.settings import Settings
from slipway.local.plugins.kubernetes.objects import immutable, preview
from slipway.local.plugins.kubernetes.objects.difference import changes, prune, under
from slipway.local.plugins.kubernetes.objects.operations import Target
from slipway.local.plugins.protocol.changes import render

_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def found(old: Any, new: Any) -> dict[str, str]:
    return {str(change): change.kind for change in changes(old, new)}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a.b": "update"}),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, {"a[1]": "update", "a[2]": "add"}),
        ({"a": [1, 2]}, {"a": [1]}, {"a[1]": "delete"}),
        ({"l": {"x.y/z": "1"}}, {"l": {}}, {'l["x.y/z"]': "delete"}),
        ({"a": {}}, {"a": 1}, {"a": "update"}),
    ],
)
def test_every_field_that_differs_is_named_with_its_path(old: Any, new: Any, expected: dict[str, str]) -> None:
    assert found(old, new) == expected


@given(_JSON)
def test_a_value_never_differs_from_itself(value: Any) -> None:
    assert found({"v": value}, {"v": value}) == {}


@given(_JSON, _JSON)
def test_different_values_always_differ_somewhere(old: Any, new: Any) -> None:
    assert bool(found({"v": old}, {"v": new})) == (old != new)


@pytest.mark.parametrize(
    ("left", "right"), [("1000m", "1"), ("1", 1), ("1Gi", "1024Mi"), ("0.5", "500m"), ("1e3", "1k")]
)
def test_two_spellings_of_a_quantity_are_no_change(left: Any, right: Any) -> None:
    assert found({"resources": {"limits": {"cpu": left}}}, {"resources": {"limits": {"cpu": right}}}) == {}


def test_the_same_texts_elsewhere_are_a_change() -> None:
    assert found({"env": {"CPU": "1000m"}}, {"env": {"CPU": "1"}}) == {"env.CPU": "update"}


def test_a_quote_in_a_key_is_escaped() -> None:
    assert render(("a", 'b"c', 0)) == 'a["b\\"c"][0]'


def test_pruning_leaves_what_the_program_speaks_of_with_its_spelling() -> None:
    live = {"spec": {"replicas": 3, "added": 1, "limits": {"cpu": "1"}}, "status": {}}
    assert prune(live, {"spec": {"replicas": 2, "limits": {"cpu": "1000m"}}}) == {
        "spec": {"replicas": 3, "limits": {"cpu": "1000m"}}
    }


def test_a_container_that_somebody_put_in_front_does_not_shift_the_comparison_of_ours() -> None:
    live = {"containers": [{"name": "sidecar", "image": "s"}, {"name": "server", "image": "x", "extra": 1}]}
    pruned = prune(live, {"containers": [{"name": "server", "image": "x"}]})
    assert pruned["containers"][0] == {"name": "server", "image": "x"}
    assert [item["name"] for item in pruned["containers"]] == ["server", "sidecar"]


@pytest.mark.parametrize(
    ("path", "field", "expected"),
    [
        ("spec.selector.matchLabels.a", "spec.selector", True),
        ("spec", "spec.selector", True),
        ("spec.selectors", "spec.selector", False),
    ],
)
def test_a_path_touches_a_field_above_or_below_it(path: str, field: str, expected: bool) -> None:
    assert under(path, [field]) is expected


def planned(old: Any, new: Any, **settings: Any) -> preview.Plan:
    target = cast("Target", SimpleNamespace(kind=of(new)))
    return preview.compare(old, new, Settings(**settings), target)


def deployment(name: str, label: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **metadata},
        "spec": {"selector": {"matchLabels": {"app": label}}},
    }


def test_a_changed_selector_replaces_a_deployment_deleting_the_old_one_of_the_same_name_first() -> None:
    plan = planned(deployment("d", "a"), deployment("d", "b"))
    assert plan.replaces == ["spec.selector.matchLabels.app"]
    assert plan.delete_first


def test_a_replacement_with_a_name_of_its_own_is_made_before_the_old_one_goes() -> None:
    named = {"annotations": {"pulumi.com/autonamed": "true"}}
    assert not planned(deployment("d", "a", **named), deployment("d", "b", **named)).delete_first
    assert not planned(deployment("d", "a"), deployment("e", "a")).delete_first


def test_another_name_or_namespace_is_another_object() -> None:
    assert planned(deployment("d", "a"), deployment("e", "a")).replaces == ["metadata.name"]
    assert planned(deployment("d", "a", namespace="x"), deployment("d", "a", namespace="y")).replaces == [
        "metadata.namespace"
    ]


def config_map(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, **more}


def test_a_config_map_is_replaced_as_the_real_plugin_does_unless_it_is_told_to_be_mutable() -> None:
    old, new = config_map(data={"a": "1"}), config_map(data={"a": "2"})
    assert planned(old, new).replaces == ["data.a"]
    assert planned(old, new, enableConfigMapMutable=True).replaces == []
    assert planned(old, {**new, "immutable": True}, enableConfigMapMutable=True).replaces == ["data.a"]


def test_the_api_servers_word_that_a_field_cannot_change_is_understood() -> None:
    immutable_selector = {"field": "spec.selector", "message": "Invalid value: {}: field is immutable"}
    assert immutable.refused_fields({"details": {"causes": [immutable_selector]}}) == ["spec.selector"]
    stateful = {
        "field": "spec",
        "message": "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
    }
    assert immutable.refused_fields({"details": {"causes": [stateful]}}) == ["spec"]
    wrong = {"field": "spec.replicas", "message": "Invalid value: -1: must be greater than or equal to 0"}
    assert immutable.refused_fields({"details": {"causes": [wrong]}, "message": "invalid"}) is None
