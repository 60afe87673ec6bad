"""Property values go to the engine and come back as they were, secrets and unknowns too."""

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from slipway.local.plugins.protocol import properties
from slipway.local.plugins.protocol.properties import (
    UNKNOWN,
    PropertyRefusedError,
    Secret,
    decode,
    encode,
    mark_secrets,
    plain,
)

_LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.just(UNKNOWN)
_VALUES: Any = st.recursive(
    _LEAVES | _LEAVES.map(Secret),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=12,
)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return Secret(without_nulls(value.value)) if isinstance(value, Secret) else value


@given(st.dictionaries(st.text(max_size=6), _VALUES, max_size=4))
def test_values_survive_the_way_to_the_engine_and_back(values: dict[str, Any]) -> None:
    assert decode(encode(values)) == without_nulls(values)


def test_the_sdks_own_encoding_of_a_secret_and_an_output_is_understood() -> None:
    struct = Struct()
    mark = "4dabf18193072939515e22adb298388d"
    struct.update({"a": {mark: "1b47061264138c4ac30d75fd1eb44270", "value": "s"}})
    struct.update({"b": {mark: "d0e6a833031e9bbcd3f4e8bde6ca49a4", "secret": True, "value": 1}})
    struct.update({"c": {mark: "d0e6a833031e9bbcd3f4e8bde6ca49a4"}})
    assert decode(struct) == {"a": Secret("s"), "b": Secret(1), "c": UNKNOWN}


def test_keys_that_python_had_to_spell_with_underscores_get_their_dashes_back() -> None:
    assert decode(encode({"x_kubernetes_list_type": "map"})) == {"x-kubernetes-list-type": "map"}


def test_an_asset_is_refused_with_the_path_of_the_property() -> None:
    asset = {"4dabf18193072939515e22adb298388d": "c44067f5952c0a294b673a41bacd8c17", "text": "x"}
    with pytest.raises(PropertyRefusedError, match=r"^data\.file: holds an asset"):
        decode(encode({"data": {"file": asset}}))


def test_a_secret_never_shows_its_value() -> None:
    assert "topsecret" not in repr(Secret("topsecret"))


def test_what_is_secret_in_the_inputs_is_marked_in_the_live_object_and_nothing_else() -> None:
    inputs = {"spec": {"env": [{"value": Secret("s")}], "image": "x", "deep": {"a": Secret(1), "b": 2}}}
    live = {"spec": {"env": [{"value": "s"}], "image": "x", "deep": {"a": 1, "b": 2}}, "status": {"a": 1}}
    marked = mark_secrets(live, inputs)
    assert marked["spec"] == {"env": Secret([{"value": "s"}]), "image": "x", "deep": {"a": Secret(1), "b": 2}}
    assert plain(marked) == live


def test_all_data_of_a_secret_object_is_secret_whatever_the_program_said() -> None:
    live = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "type": "Opaque"}
    assert mark_secrets(live, {})["data"] == Secret({"a": "eA=="})
    assert mark_secrets(live, {})["type"] == "Opaque"


def test_unknown_values_are_found_inside_secrets_and_lists() -> None:
    assert properties.has_unknown({"a": [Secret({"b": UNKNOWN})]})
    assert not properties.has_unknown({"a": [Secret({"b": 1})]})
