"""Images have the libraries that their models need, and no others; each set of them has a file of locked wheels."""

from pathlib import Path

import pytest

from slipway import installation
from slipway.plan.code_digests import code_digests
from slipway.plan.model import ModelPlan
from slipway.runtimes.registry import RUNTIMES, recipe
from tests.support.planned import gateway_plan


def found(name: str) -> ModelPlan:
    return gateway_plan("own").find(name, Path())


def test_a_model_that_speaks_grpc_stands_on_an_image_with_its_library_and_is_told_so() -> None:
    spoken, least = found("spoken"), found("least")
    assert spoken.image.runtime.requirements.name == "requirements-grpc.txt"
    assert least.image.runtime.requirements.name == "requirements.txt"
    assert spoken.image.runtime.tag != least.image.runtime.tag
    assert spoken.image.runtime.repository == least.image.runtime.repository
    assert (spoken.server_config["grpc"], "grpc" in least.server_config) == ({"port": 8081}, False)


@pytest.mark.parametrize("runtime", sorted(name for name, one in RUNTIMES.items() if one.image is not None))
def test_each_set_of_extras_has_its_file_and_its_digest(runtime: str) -> None:
    made, digests = recipe(runtime), code_digests()[runtime]
    files = {of: installation.resource(made.requirements_with(of)) for of in made.sets_of_extras()}
    assert all(path.is_file() for path in files.values())
    assert len({path.name for path in files.values()}) == len(files)
    assert digests.with_extras.keys() == files.keys()
    assert len({digests.requirements, *digests.with_extras.values()}) == len(files) + 1


def test_the_file_of_a_set_is_named_by_it_in_any_order() -> None:
    made = recipe("onnxruntime")
    assert made.requirements_with(("text", "grpc")) == "server/requirements-grpc-text.txt"
    assert recipe("pipeline").requirements_with(("grpc",)) == "server/requirements-pipeline-grpc.txt"
    assert made.requirements_with(()) == made.requirements
