"""A bill of materials is CycloneDX, says only what is known, and has the same bytes every time."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from slipway import installation
from slipway.plan.image import Wheels
from slipway.plan.model import ModelPlan
from slipway.sbom.image import sbom_of
from slipway.sbom.requirements import distributions
from tests.support.planned import fixture_plan, traced_plan


def planned() -> ModelPlan:
    return fixture_plan("local").find("least", Path())


def parts(model: ModelPlan, kind: str) -> list[dict[str, Any]]:
    return [one for one in json.loads(sbom_of(model))["components"] if one["type"] == kind]


def test_it_is_cyclonedx() -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str("{}") is not None
    assert validator.validate_str(sbom_of(planned()).decode()) is None


def test_its_bytes_follow_from_what_the_image_is_made_of_and_from_nothing_else() -> None:
    model = planned()
    assert sbom_of(model) == sbom_of(model)
    assert b"timestamp" not in sbom_of(model)
    other = replace(model, image=replace(model.image, inputs_digest="f" * 64))
    numbers = {json.loads(sbom_of(one))["serialNumber"] for one in (model, other)}
    assert len(numbers) == 2


def test_the_weights_are_in_it_with_digest_and_source() -> None:
    model = planned()
    (weights,) = parts(model, "machine-learning-model")
    assert weights["hashes"] == [{"alg": "SHA-256", "content": model.image.files[0].digests[""]}]
    assert {"name": "slipway:source", "value": model.spec.weights.source} in weights["properties"]


def test_each_locked_distribution_is_in_it_with_all_hashes_that_the_lock_allows() -> None:
    there = {one["purl"]: one for one in parts(planned(), "library")}
    (numpy,) = [one for purl, one in there.items() if purl.startswith("pkg:pypi/numpy@")]
    text = installation.resource("server/requirements.txt").read_text()
    block = text.partition(f"numpy=={numpy['version']} ")[2].partition("# via")[0]
    assert len(numpy["externalReferences"][0]["hashes"]) == block.count("--hash=sha256:") > 5


def test_what_the_lock_has_for_other_systems_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "requirements.txt"
    file.write_text(
        "numpy==2.4.6 ; python_full_version < '3.12' \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n    # via x\n"
        "numpy==2.5.5 ; python_full_version >= '3.12' \\\n    --hash=sha256:cc\ncolorama==0.4.6 ; "
        "sys_platform == 'win32' \\\n    --hash=sha256:dd\n"
    )
    assert [(one.name, one.version, one.hashes) for one in distributions(file, "amd64")] == [
        ("numpy", "2.4.6", ("aa", "bb"))
    ]


def test_it_says_what_it_does_not_list() -> None:
    (base,) = parts(planned(), "container")
    assert "Debian packages" in base["description"]
    assert "hashes" not in base
    pinned = replace(planned().image.runtime, base_image="reg/base@sha256:" + "b" * 64)
    (base,) = parts(replace(planned(), image=replace(planned().image, below=pinned)), "container")
    assert base["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]


def test_what_traces_is_in_it_where_the_image_has_it() -> None:
    model = traced_plan().find("least", Path())
    there = {one["bom-ref"] for one in parts(model, "library")}
    assert any(reference.startswith("/opt/slipway/traces#pkg:pypi/opentelemetry-sdk@") for reference in there)
    assert not any("opentelemetry" in one["bom-ref"] for one in parts(planned(), "library"))


def test_what_fetches_weights_is_in_it_with_wheels_of_its_own() -> None:
    requirements = installation.resource("weights/requirements.txt")
    wheels = Wheels("fetching/deps", "/opt/slipway/fetching/deps", requirements, "0" * 64)
    fetching = replace(planned(), image=replace(planned().image, wheels=wheels))
    there = {one["bom-ref"] for one in parts(fetching, "library")}
    assert there > {one["bom-ref"] for one in parts(planned(), "library")}
    assert any(reference.startswith("/opt/slipway/fetching/deps#pkg:pypi/obstore@") for reference in there)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(sbom_of(fetching).decode()) is None
