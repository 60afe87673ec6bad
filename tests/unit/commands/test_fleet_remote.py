"""Commands about a fleet whose control side is somewhere else: by TLS and the fleet's key, and without its cluster."""

import datetime
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from slipway.cli import cli
from slipway.cluster.certificates import self_signed
from slipway.commands.changing import fleet
from slipway.edge.signing import SIGNING_KEY
from slipway.edge.store import StoreRefused, opened
from slipway.errors.base import UserError
from tests.support.fleets import BASE
from tests.support.planned import ROOT
from tests.support.served_fleets import serving

SETTINGS = """\
config:
  slipway:environment:
    kind: edge
    control: {control}
    cluster: {{environment: local, public_key: {key}, certificate: fleet-tls}}
    registry: registry.example.com
    base_image: {base}
    models: [digits]
    sites: [berlin]
    devices: [{{name: box-1, hardware: x86-box, site: berlin}}]
"""


def slipway(*words: str) -> str:
    """What a command printed to standard output; raises what it ends with."""
    return CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False).stdout


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose fleet is served elsewhere, with a cluster in its settings that nobody can reach."""
    (tmp_path / "project/models").mkdir(parents=True)
    for name in ("digits", "digits.yaml", "digits.lock.yaml"):
        source = ROOT / "models" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / "project/models" / name)
    (tmp_path / "project/Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    (tmp_path / "project/stacks").mkdir()
    shutil.copy(ROOT / "stacks/Pulumi.local.yaml", tmp_path / "project/stacks")
    (tmp_path / "backend").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "backend").as_uri())
    monkeypatch.setenv("SLIPWAY_FLEET_PASSWORD", "of this test alone")
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", str(tmp_path / "fleet.pem"))
    monkeypatch.setattr(fleet, "_image", lambda _: f"registry.example.com/slipway/digits@sha256:{'0' * 64}")
    key = slipway("devices", "key", str(tmp_path / "fleet.pem")).split()[-1]
    made = self_signed("localhost", datetime.datetime.now(datetime.UTC))
    (tmp_path / "served.pem").write_bytes(made.private_key + made.certificate)
    (tmp_path / "authority.pem").write_bytes(made.authority)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    with opened(tmp_path / "elsewhere.sqlite") as store:
        store.set_meta(SIGNING_KEY, key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "served.pem")
    with serving(tmp_path / "elsewhere.sqlite", tls=tls) as url:
        written = SETTINGS.format(control=url.replace("127.0.0.1", "localhost"), key=key, base=BASE)
        (tmp_path / "project/stacks/Pulumi.edge-eu.yaml").write_text(written)
        yield tmp_path


def test_a_model_is_rolled_out_looked_at_and_taken_off_without_the_cluster(project: Path) -> None:
    token = slipway("devices", "add", "edge-eu", "box-1").strip()
    slipway("up", "edge-eu", "digits", "--yes")
    assert "not enrolled" in slipway("status", "edge-eu")
    with opened(project / "elsewhere.sqlite") as store:
        assert [one.model for one in store.going()] == ["digits"]
        with store.changing():
            assert store.enrol(token, "box-1", b"k" * 32, 1.0)
    assert "enrolled" in slipway("devices", "list", "edge-eu")
    slipway("devices", "retire", "edge-eu", "box-1", "--yes")
    assert "digits taken off edge-eu" in slipway("down", "edge-eu", "--yes")
    with opened(project / "elsewhere.sqlite") as store:
        assert (store.going(), store.devices()[0].state) == ([], "retired")


def test_another_key_than_that_of_the_settings_is_refused_before_anything_is_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slipway("devices", "key", str(project / "other.pem"))
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", str(project / "other.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(project / "none"))
    for words in (["status", "edge-eu"], ["up", "edge-eu", "--yes"], ["devices", "add", "edge-eu", "box-1"]):
        with pytest.raises(UserError, match=r"and cluster\.public_key of the settings is of key [0-9a-f]{16}"):
            slipway(*words)


def test_a_certificate_of_nobody_is_refused_and_says_what_to_do(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = self_signed("localhost", datetime.datetime.now(datetime.UTC))
    (project / "authority.pem").write_bytes(other.authority)
    with pytest.raises(StoreRefused, match=r"cannot be trusted: .*REQUESTS_CA_BUNDLE=FILE"):
        slipway("status", "edge-eu")


@pytest.mark.usefixtures("project")
def test_what_a_cluster_carries_is_not_served_from_a_file_here() -> None:
    with pytest.raises(UserError, match="cluster: carries the control side"):
        slipway("edge", "serve", "edge-eu")
