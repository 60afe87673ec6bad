"""What a CPU can do beyond what all of its architecture can, by the flags that the kernel tells of it."""

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")

FEATURES: dict[str, tuple[frozenset[str], ...]] = {
    "avx2": (frozenset({"avx2"}),),
    "avx512": (frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),),
    "vnni": (frozenset({"avx512_vnni"}), frozenset({"avx_vnni"})),
    "amx": (frozenset({"amx_tile", "amx_int8", "amx_bf16"}),),
}
"""By the name that a spec gives: sets of flags, one of which is enough, whole. AVX-512 is what level 4 of the x86-64
psABI has (https://gitlab.com/x86-psABIs/x86-64-ABI); flags are named as Linux does, in its cpufeatures.h."""


def flags(cpuinfo: Path = CPUINFO) -> frozenset[str]:
    """Return the flags of this machine's first CPU; empty where the kernel tells none."""
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(words.split())
    return frozenset()


def features(of: frozenset[str]) -> tuple[str, ...]:
    """Return what a CPU with these flags has, in the order of FEATURES."""
    return tuple(name for name, sets in FEATURES.items() if any(one <= of for one in sets))


def lacking(name: str) -> str:
    """Return the flags that a CPU without a feature lacks, for people."""
    return " or ".join(", ".join(sorted(one)) for one in FEATURES[name])
