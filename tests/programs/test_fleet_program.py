"""The program of a fleet's stack, on Pulumi's mocks: what comes before what, what outlives it, and no secret."""

from pathlib import Path

import pulumi
import pytest

import slipway.programs.edge
from slipway import by_hand
from slipway.components.image.component import ModelImageArgs
from slipway.environments.running.kinds import running
from slipway.errors.base import UserError
from slipway.loading.settings import read_settings
from slipway.plan.image import ImagePlan
from tests.support.recorder import Run, run_program

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures/fleet/settings"
DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Run:
    def args(image: ImagePlan) -> ModelImageArgs:
        return ModelImageArgs(image.repository, image.tag, lambda: None, lambda report: DIGEST)

    monkeypatch.setattr(slipway.programs.edge, "fleet_image_args", args)
    return run_program(running(read_settings(FIXTURES, "all-fields")).program(), "all-fields")


def test_the_pod_comes_after_all_that_it_stands_on_and_runs_the_image_by_its_digest(recorded: Run) -> None:
    (deployment,) = recorded.of("kubernetes:apps/v1:Deployment")
    inside = {item.urn for item in recorded.resources if item.token.startswith("kubernetes:")}
    assert inside - {deployment.urn} <= recorded.before(deployment)
    (container,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example.com/slipway/fleet@{DIGEST}"


def test_what_knows_the_devices_outlives_the_program_and_is_never_replaced(recorded: Run) -> None:
    (claim,) = recorded.of("kubernetes:core/v1:PersistentVolumeClaim")
    (namespace,) = recorded.of("kubernetes:core/v1:Namespace")
    assert (claim.retained, claim.ignored, namespace.retained) == (True, ("spec",), True)


def test_the_stack_has_no_secret_and_tells_where_it_is(recorded: Run) -> None:
    assert recorded.manifests("Secret") == []
    assert recorded.outputs["connection"]["namespace"] == "slipway-fleet-all-fields"
    assert recorded.outputs["control"] == "https://node.example.com:30843"


def _settings(folder: Path, *changed: tuple[str, str]) -> Path:
    for path in FIXTURES.iterdir():
        (folder / path.name).write_text(path.read_text())
    text = (folder / "Pulumi.least.yaml").read_text()
    for old, new in changed:
        assert old in text
        text = text.replace(old, new)
    (folder / "Pulumi.least.yaml").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param(("there", "nowhere"), '"nowhere"', id="no such environment"),
        pytest.param(
            ("there", "all-fields"),
            '"all-fields" is of kind edge; allowed: an environment of kind kubernetes',
            id="a fleet",
        ),
    ],
)
def test_a_cluster_that_no_kubeconfig_has_is_refused(tmp_path: Path, changed: tuple[str, str], message: str) -> None:
    with pytest.raises(UserError, match=r"cluster\.environment: ") as refused:
        running(read_settings(_settings(tmp_path, changed), "least")).program()
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("https://", "http://", "control: http://fleet.example.com is not encrypted", id="no TLS"),
        pytest.param("11qYAYKx", "qYAYKx", "`slipway devices key FILE` printed as the public key", id="half a key"),
        pytest.param("certificate: fleet-tls", "certificate: '-----BEGIN'", "(what was written is not shown", id="PEM"),
        pytest.param(", certificate: fleet-tls", "", "next: add it, for example certificate: ", id="no certificate"),
    ],
)
def test_what_would_not_be_served_safely_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(UserError) as refused:
        read_settings(_settings(tmp_path, (old, new)), "least")
    assert message in str(refused.value)


def test_a_model_of_a_fleet_has_no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "get_stack", lambda: "least.digits")
    monkeypatch.setattr(pulumi, "Config", lambda: {"settings": str(FIXTURES)})
    # Asks the cluster, which is not here.
    monkeypatch.setattr(by_hand, "_refuse_foreign", lambda *_: False)
    with pytest.raises(pulumi.RunError, match="is a fleet of devices, which are in no cluster or account"):
        by_hand.run()
