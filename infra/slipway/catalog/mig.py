"""Tell into which parts NVIDIA's GPUs can be cut: their MIG profiles.

NVIDIA Multi-Instance GPU User Guide, "Supported MIG Profiles", and the default configuration of nvidia-mig-manager.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

_GI = 2**30


@dataclass(frozen=True, slots=True)
class MigProfile:
    """One way to cut a GPU: how many parts it gives, and how much of the GPU's memory each of them has."""

    parts: int
    memory: Fraction


_MIG_80: Mapping[str, MigProfile] = {
    "1g.10gb": MigProfile(7, Fraction(1, 8)),
    "1g.20gb": MigProfile(4, Fraction(1, 4)),
    "2g.20gb": MigProfile(3, Fraction(1, 4)),
    "3g.40gb": MigProfile(2, Fraction(1, 2)),
    "4g.40gb": MigProfile(1, Fraction(1, 2)),
    "7g.80gb": MigProfile(1, Fraction(1)),
}
_MIG_40: Mapping[str, MigProfile] = {
    "1g.5gb": MigProfile(7, Fraction(1, 8)),
    "1g.10gb": MigProfile(4, Fraction(1, 4)),
    "2g.10gb": MigProfile(3, Fraction(1, 4)),
    "3g.20gb": MigProfile(2, Fraction(1, 2)),
    "4g.20gb": MigProfile(1, Fraction(1, 2)),
    "7g.40gb": MigProfile(1, Fraction(1)),
}
MIG: Mapping[tuple[str, int], Mapping[str, MigProfile]] = {
    ("A100", 40 * _GI): _MIG_40,
    ("A100", 80 * _GI): _MIG_80,
    ("H100", 80 * _GI): _MIG_80,
}
"""By what the maker calls a GPU, and its bytes of memory."""
