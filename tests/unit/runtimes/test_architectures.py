"""For which architectures the libraries of a runtime's image are published, as its lock has them."""

import tomllib
from collections.abc import Iterator
from functools import cache

import pytest
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from slipway.catalog.pod_contract import IMAGE_PLATFORMS, IMAGE_PYTHON
from slipway.runtimes.base import CUDA
from slipway.runtimes.registry import RUNTIMES, recipe
from slipway.sbom.requirements import distributions
from tests.support.planned import ROOT

PYTHON = tuple(int(part) for part in IMAGE_PYTHON.split("."))
MADE = sorted(name for name, one in RUNTIMES.items() if one.image is not None)


@cache
def wheels(folder: str) -> dict[tuple[str, str], list[str]]:
    """The wheels that a lock names, by the distribution's name and version."""
    lock = tomllib.loads((ROOT / folder / "uv.lock").read_text())
    return {
        (one["name"], one["version"]): [wheel["url"].rpartition("/")[2] for wheel in one.get("wheels", [])]
        for one in lock["package"]
        if "version" in one
    }


@cache
def tags(platform: str) -> frozenset[Tag]:
    """What the Python of an image installs, on a platform as uv names it: `aarch64-manylinux_2_28`."""
    machine, _, least = platform.partition("-manylinux_2_")
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(int(least), 4, -1)]
    platforms += [f"manylinux2014_{machine}", f"manylinux2010_{machine}"]
    name = f"cp{IMAGE_PYTHON.replace('.', '')}"
    return frozenset((*cpython_tags(PYTHON, platforms=platforms), *compatible_tags(PYTHON, name, platforms)))


def missing(runtime: str, extras: tuple[str, ...], architecture: str) -> Iterator[str]:
    """The distributions of an image that have no wheel for an architecture."""
    made = recipe(runtime)
    platform = made.platform(architecture) or IMAGE_PLATFORMS[architecture]
    yield from without_wheel(made.requirements_with(extras), architecture, platform)


def without_wheel(requirements: str, architecture: str, platform: str) -> Iterator[str]:
    """The distributions of a file of the repository that have no wheel for a platform."""
    path, there = ROOT / requirements, tags(platform)
    for one in distributions(path, architecture):
        names = wheels(path.parent.name)[one.name, one.version]
        if not any(parse_wheel_filename(name)[3] & there for name in names):
            yield f"{one.name} {one.version}"


@pytest.mark.parametrize("runtime", MADE)
def test_a_runtime_says_rightly_for_which_architectures_all_its_libraries_are_had(runtime: str) -> None:
    made = recipe(runtime)
    for extras in ((), *made.sets_of_extras()):
        for architecture in IMAGE_PLATFORMS:
            if CUDA in extras and architecture != "amd64":
                continue  # its library is left out by a marker: see below
            lacking = list(missing(runtime, extras, architecture))
            assert (architecture in made.built_for(extras)) == (not lacking), (extras, architecture, lacking)


@pytest.mark.parametrize("architecture", sorted(IMAGE_PLATFORMS))
def test_the_agent_of_a_device_is_had_for_every_architecture(architecture: str) -> None:
    assert list(without_wheel("edge/requirements.txt", architecture, IMAGE_PLATFORMS[architecture])) == []


def test_what_computes_on_gpus_is_locked_for_amd64_alone() -> None:
    path = ROOT / recipe("onnxruntime").requirements_with((CUDA,))
    computing = {
        architecture: [one.name for one in distributions(path, architecture) if one.name.startswith("onnxruntime")]
        for architecture in IMAGE_PLATFORMS
    }
    assert computing == {"amd64": ["onnxruntime-gpu"], "arm64": []}
    assert recipe("onnxruntime").built_for((CUDA,)) == ("amd64",)
