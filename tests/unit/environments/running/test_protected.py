"""A protected environment is not taken down: refused before anything happens, until AWS has been told as well."""

from pathlib import Path

import pytest

from slipway.environments.running.aws import AwsRunning
from slipway.errors.base import UserErrors
from slipway.loading.settings import read_settings
from slipway.settings.aws import AwsSettings
from slipway.values.aliases import Json
from tests.support.planned import ROOT


def running(folder: Path, protect: str) -> AwsRunning:
    text = (ROOT / "stacks/Pulumi.dev.yaml").read_text()
    (folder / "Pulumi.dev.yaml").write_text(text.replace("    region:", f"{protect}    region:", 1))
    file = read_settings(folder, "dev")
    assert isinstance(file.settings, AwsSettings)
    return AwsRunning(file, file.settings)


def state(protected: object) -> Json:
    cluster = {"type": "aws:eks/cluster:Cluster", "outputs": {"deletionProtection": protected}}
    return {"deployment": {"resources": [{"type": "pulumi:pulumi:Stack"}, cluster]}}


@pytest.mark.parametrize("there", [None, state(True), state(False)], ids=["never-made", "protected", "not-yet"])
def test_what_the_settings_protect_is_refused_with_the_way_out(there: Json | None, tmp_path: Path) -> None:
    with pytest.raises(UserErrors) as refused:
        running(tmp_path, "    protect: true\n").check_down(there)
    said = str(refused.value)
    assert "Pulumi.dev.yaml:" in said
    assert "protect: true protects the environment" in said
    assert "next: write protect: false and run slipway up dev, which tells AWS, and then slipway down dev" in said


def test_what_aws_still_protects_is_refused_before_its_models_are_gone(tmp_path: Path) -> None:
    with pytest.raises(UserErrors, match=r"is off, but AWS still protects the cluster.*next: run slipway up dev"):
        running(tmp_path, "").check_down(state(True))


@pytest.mark.parametrize("there", [None, state(False), state(None)], ids=["never-made", "off", "never-said"])
def test_what_nothing_protects_may_go(there: Json | None, tmp_path: Path) -> None:
    running(tmp_path, "").check_down(there)
