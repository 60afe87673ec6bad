"""A project whose environment is a fleet; images are named, not built, and devices are simulated, over HTTP."""

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from click.testing import CliRunner

from slipway.cli import cli
from slipway.commands.changing import fleet
from slipway.edge.server import application
from slipway.edge.shelf import Shelf, shelf_path
from slipway.edge.store import opened
from tests.support.planned import ROOT
from tests.support.simulated_devices import AskingDevices, Says, SimulatedDevice

SETTINGS = """\
config:
  slipway:environment:
    kind: edge
    control: http://127.0.0.1:8099
    registry: registry.example.com
    base_image: registry.example.com/slipway/base:bookworm-py311
    models: [digits]
    sites: [berlin]
    devices:
      - {name: box-1, hardware: x86-box, site: berlin}
      - {name: box-2, hardware: x86-box, site: berlin}
    success: {hold: 1ms}
    kwh_usd: 0.3
"""
IMAGE = "registry.example.com/slipway/digits@sha256:" + "0" * 64


def fleet_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder around a new project, its store and its key."""
    for name in ("digits", "digits.yaml", "digits.lock.yaml"):
        source = ROOT / "models" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        (tmp_path / "project/models").mkdir(parents=True, exist_ok=True)
        copy(source, tmp_path / "project/models" / name)
    (tmp_path / "project/stacks").mkdir()
    shutil.copy(ROOT / "stacks/Pulumi.local.yaml", tmp_path / "project/stacks")
    (tmp_path / "project/stacks/Pulumi.edge-eu.yaml").write_text(SETTINGS)
    (tmp_path / "project/Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    (tmp_path / "backend").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("PULUMI_BACKEND_URL", (tmp_path / "backend").as_uri())
    monkeypatch.setenv("SLIPWAY_FLEET_STORE", str(tmp_path / "fleet.sqlite"))
    monkeypatch.setenv("SLIPWAY_FLEET_PASSWORD", "of this test alone")
    monkeypatch.setenv("SLIPWAY_FLEET_KEY", str(tmp_path / "fleet.pem"))
    monkeypatch.setattr(fleet, "_image", lambda _: IMAGE)
    slipway("devices", "key", str(tmp_path / "fleet.pem"))
    return tmp_path


def slipway(*words: str) -> str:
    """What a command printed to standard output; raises what it ends with."""
    result = CliRunner().invoke(cli, words, catch_exceptions=False, standalone_mode=False)
    return result.stdout


class Devices(AskingDevices):
    """Simulated devices that ask over HTTP."""

    def __init__(self, store: Path, tokens: dict[str, str], says: Says) -> None:
        super().__init__()
        self.says, self._store, self._tokens = says, store, tokens
        self.enrolled = threading.Event()

    def _say(self, one: dict[str, Any]) -> str:
        return self.says(one)

    async def ask(self) -> None:
        with opened(self._store) as store:
            server = TestServer(application("edge-eu", store, shelf=Shelf(shelf_path(self._store))))
            await server.start_server()
            url = str(server.make_url("")).rstrip("/")
            async with ClientSession() as session:
                devices = [SimulatedDevice(name, url, self._say) for name in self._tokens]
                for device in devices:
                    assert (await device.enrol(session, self._tokens[device.name])).status == 200
                self.enrolled.set()
                while not self.over.is_set():
                    for device in devices:
                        await device.turn(session)
                    await asyncio.sleep(0.05)
            await server.close()


def good_devices(project: Path) -> Iterator[Devices]:
    """Two devices of the project, enrolled, whose every version is good."""
    tokens = {name: slipway("devices", "add", "edge-eu", name).strip() for name in ("box-1", "box-2")}
    with Devices(project / "fleet.sqlite", tokens, lambda _: "good") as running:
        assert running.enrolled.wait(60), f"the devices did not enrol within a minute: {running.trouble}"
        yield running
