"""What labels of nodes say of their CPUs, in the words of specs."""

from typing import get_args

import pytest
from slipway_server.values.instructions import FEATURES

from slipway.catalog.cpu import CpuFeature, features_of_labels

NFD = "feature.node.kubernetes.io/cpu-cpuid."


def test_the_server_knows_the_flags_of_every_feature() -> None:
    assert get_args(CpuFeature) == tuple(FEATURES)


@pytest.mark.parametrize(
    ("labels", "has"),
    [
        ({NFD + "AVX512VNNI": "true"}, {"vnni"}),
        ({NFD + "AVXVNNI": "true", NFD + "AVX2": "true"}, {"vnni", "avx2"}),
        ({NFD + "AVX512VNNI": "false"}, set()),
        ({NFD + "AMXTILE": "true"}, set()),
        ({NFD + "AMXTILE": "true", NFD + "AMXINT8": "true", NFD + "AMXBF16": "true"}, {"amx"}),
        ({"example.com/AVX2": "true"}, set()),
    ],
)
def test_labels_say_a_feature_once_all_of_one_set_are_true(labels: dict[str, str], has: set[str]) -> None:
    assert features_of_labels(labels) == has
