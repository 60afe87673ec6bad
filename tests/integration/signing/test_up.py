"""An environment that wants signatures, brought up, promoted from and pushed past, with the real cosign."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.local.docker.registry import ADDRESS
from slipway.registry.client import RepositoryClient
from slipway.registry.copying import copy_image, digest_there
from slipway.registry.repository import Repository
from tests.integration.signing.conftest import PASSWORD, Keys
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration


@pytest.fixture
def signing(bench: Workbench, cosign: Path, ours: Keys) -> Workbench:
    """The environment of the bench, with a repository of its own and a public key in its project."""
    shutil.copy(ours.public, bench.folder / "cosign.pub")
    prefix = f"slipway-test/{bench.environment}/"
    bench.write_settings(image_prefix=prefix, signing={"key": "cosign.pub"})
    bench.environ["SLIPWAY_COSIGN"] = str(cosign)
    return bench


@pytest.fixture
def following(tmp_path: Path, signing: Workbench) -> Iterator[Workbench]:
    """A second environment of the same project that wants the same signatures, with repositories of its own."""
    workbench = Workbench(tmp_path / "following", f"t{uuid.uuid4().hex[:8]}")
    workbench.folder, workbench.environ = signing.folder, signing.environ
    workbench.write_settings(image_prefix=f"slipway-test/{workbench.environment}/", signing={"key": "cosign.pub"})
    yield workbench
    workbench.discard()


def with_key(keys: Keys) -> dict[str, str]:
    return {"SLIPWAY_SIGNING_KEY": str(keys.private), "COSIGN_PASSWORD": PASSWORD}


def repository(workbench: Workbench) -> str:
    return f"{ADDRESS}/slipway-test/{workbench.environment}/digits"


def test_only_signed_images_run_and_a_promotion_needs_no_key(
    signing: Workbench, following: Workbench, ours: Keys
) -> None:
    signing.write("digits")
    unsigned = signing.up()
    assert (unsigned.returncode, "there is no private key" in unsigned.stderr) == (1, True), unsigned.stderr
    assert signing.cluster.read("Deployment", "digits") is None

    signing.well("lock", "digits")
    unlocked = signing.up(environ=with_key(ours))
    assert (unlocked.returncode, "digits.lock.yaml: is not signed" in unlocked.stderr) == (1, True), unlocked.stderr
    assert signing.run("sign", "digits", environ=with_key(ours)).returncode == 0
    up = signing.up(environ=with_key(ours))
    assert up.returncode == 0, up.stderr
    client = RepositoryClient(Repository.of(repository(signing)))
    deployment = signing.cluster.read("Deployment", "digits")
    assert deployment is not None
    image = str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])
    assert len(list(client.referrers(image.partition("@")[2]))) == 2

    bill = json.loads(signing.well("sbom", signing.environment, "digits"))
    assert "machine-learning-model" in {one["type"] for one in bill["components"]}

    promoted = signing.run("promote", signing.environment, following.environment, "digits", "--yes")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr


def test_what_others_put_under_the_tag_does_not_run_until_somebody_signs_it(signing: Workbench, ours: Keys) -> None:
    signing.write("digits")
    (plan,) = json.loads(signing.well("plan", signing.environment, "--json"))["models"]
    base = f"{ADDRESS}/slipway/base"
    target = f"{repository(signing)}:{plan['image']['tag']}"
    copy_image(f"{base}@{digest_there(f'{base}:bookworm-py311')}", target, lambda _: None)

    pushed = signing.up(environ=with_key(ours))
    assert (pushed.returncode, "is not signed" in pushed.stderr) == (2, True), pushed.stderr
    assert signing.cluster.read("Deployment", "digits") is None

    signed = signing.run("sign-image", signing.environment, "digits", "--yes", environ=with_key(ours))
    assert (signed.returncode, f"@{digest_there(target)} is signed" in signed.stdout) == (0, True), signed.stderr
