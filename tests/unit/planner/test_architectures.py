"""A runtime without libraries for an architecture is refused in a cluster as on a fleet, before anything is built."""

from dataclasses import replace

import pytest

from slipway.errors.base import UserErrors
from slipway.loading.specs import load_environment
from slipway.planner.environment import plan
from slipway.runtimes.onnxruntime import OnnxRuntime
from tests.support.planned import CODE, FIXTURES

AWS = FIXTURES / "aws"


def test_a_model_for_graviton_needs_a_runtime_that_is_published_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, specs = load_environment(AWS / "settings", "fleet", AWS / "spec", FIXTURES / "repo")
    assert OnnxRuntime.image is not None
    monkeypatch.setattr(OnnxRuntime, "image", replace(OnnxRuntime.image, architectures=("amd64",)))
    with pytest.raises(UserErrors) as refused:
        plan("fleet", settings, specs, CODE)
    (found,) = refused.value.findings
    assert found.place.file.endswith("graviton.yaml")
    assert '"onnxruntime" has libraries for amd64 alone, and the model is to run on arm64' in str(found)
    assert "leave resources.architecture out for a node pool in the settings of fleet" in str(found)
