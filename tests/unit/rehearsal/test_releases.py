"""The stand-in for Helm releases refuses what the real plugin would, and what would install something else tomorrow."""

from typing import Any

import pytest

from slipway.rehearsal.kubernetes_provider import refusals

_GOOD: dict[str, Any] = {
    "name": "keda",
    "namespace": "keda",
    "chart": "keda",
    "version": "2.20.1",
    "repositoryOpts": {"repo": "https://kedacore.github.io/charts"},
    "values": {"anything": [1, 2]},
    "atomic": True,
    "timeout": 900,
    "compat": "true",
}


def test_a_release_as_slipway_writes_it_is_taken() -> None:
    assert refusals(_GOOD) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"valuez": {}}, "valuez"),
        ({"repositoryOpts": {"url": "x"}}, "repositoryOpts.url"),
        ({"chart": ""}, "chart"),
        ({"version": None}, "version"),
    ],
)
def test_a_release_with_a_mistake_is_refused_by_the_name_of_the_input(change: dict[str, Any], key: str) -> None:
    assert [where for where, _ in refusals(_GOOD | change)] == [key]
