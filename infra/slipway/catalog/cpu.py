"""Name what CPUs can do beyond their architecture, as specs and settings do, and the labels of nodes that say so."""

from collections.abc import Mapping
from typing import Literal

CpuFeature = Literal["avx2", "avx512", "vnni", "amx"]
"""`slipway_server.values.instructions` has the flags of each."""

_LABEL = "feature.node.kubernetes.io/cpu-cpuid."
_LABELS: Mapping[CpuFeature, tuple[tuple[str, ...], ...]] = {
    "avx2": (("AVX2",),),
    "avx512": (("AVX512F", "AVX512BW", "AVX512CD", "AVX512DQ", "AVX512VL"),),
    "vnni": (("AVX512VNNI",), ("AVXVNNI",)),
    "amx": (("AMXTILE", "AMXINT8", "AMXBF16"),),
}
"""Node Feature Discovery's names of the same: https://nfd.sigs.k8s.io/usage/features, table "X86 CPUID attributes"."""


def features_of_labels(labels: Mapping[str, str]) -> frozenset[CpuFeature]:
    """Return what nodes with these labels have, as Node Feature Discovery sets them."""
    has = {name.removeprefix(_LABEL) for name, value in labels.items() if name.startswith(_LABEL) and value == "true"}
    return frozenset(name for name, sets in _LABELS.items() if any(has.issuperset(one) for one in sets))
