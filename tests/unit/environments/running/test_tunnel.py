"""Which environments `slipway tunnel` leads to, what it needs on this machine, and who goes through it."""

import os
import socket
from pathlib import Path

import pytest

from slipway.aws.tunnel import noted
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.tunnel import keep_tunnel
from slipway.environments.running.aws import AwsRunning
from slipway.errors.base import UserErrors
from slipway.errors.failures import AwsCliMissing
from slipway.errors.tunnel import SessionPluginMissing, TunnelBehindProxy
from slipway.reading.folders import Folders
from tests.support.planned import ROOT

_PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without proxies and without the AWS CLI; variables that are set are set back. Returns PATH's folder."""
    for name in _PROXIES:
        monkeypatch.setenv(name, "")
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return programs


def context(environment: str) -> EnvironmentContext:
    return EnvironmentContext(environment, Folders(ROOT / "models", ROOT / "stacks"), ())


def test_a_cluster_of_a_kubeconfig_has_no_tunnel() -> None:
    with pytest.raises(UserErrors, match=r"Pulumi.local.yaml:\d+: .*kind: .*has no bastion that Slipway made"):
        keep_tunnel(context("local"))


def test_an_environment_without_a_bastion_is_told_how_to_have_one() -> None:
    with pytest.raises(UserErrors, match=r"api.bastion: .*next: write `api: {bastion: true}` and run `slipway up dev`"):
        keep_tunnel(context("dev"))


def test_what_is_missing_on_this_machine_is_said_before_aws_is_asked(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AwsCliMissing):
        keep_tunnel(context("prod"))
    (machine / "aws").write_text("")
    (machine / "aws").chmod(0o755)
    with pytest.raises(SessionPluginMissing, match="session-manager-plugin is not on PATH"):
        keep_tunnel(context("prod"))
    monkeypatch.setenv("https_proxy", "http://proxy.example.com:3128")
    with pytest.raises(TunnelBehindProxy, match="https_proxy is set"):
        keep_tunnel(context("prod"))


def test_commands_about_an_environment_go_through_its_open_tunnel_and_no_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with noted.noted(noted.file_of("123456789012", "slipway-prod"), port):
            for environment, through in (("dev", ""), ("prod", f"http://127.0.0.1:{port}")):
                running = context(environment).running
                assert isinstance(running, AwsRunning)
                running.program()
                assert os.environ["HTTPS_PROXY"] == through
    assert f"reaching the cluster through the tunnel at http://127.0.0.1:{port}" in capsys.readouterr().err
