"""A fleet whose control side a cluster carries: made by `pulumi up`, rolled out over HTTP, taken down to nothing."""

import asyncio
import datetime
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientError, ClientSession, TCPConnector

from slipway.cluster.api import Cluster
from slipway.cluster.certificates import AUTHORITY, SelfSigned, self_signed
from slipway.values import names
from tests.support.simulated_devices import AskingDevices, SimulatedDevice
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

PORT = 30843
URL = f"https://localhost:{PORT}"
DEVICES = ("box-1", "box-2")
LIMIT_S = 120
KILLED_S = 2.5


class Fleet:
    """A fleet on the cluster of a workbench's environment, which is itself never brought up."""

    def __init__(self, bench: Workbench, authority: Path) -> None:
        self.bench, self.name = bench, f"{bench.environment}-edge"
        self.cluster = Cluster("slipway-local", names.fleet_namespace(self.name))
        bench.environ |= {
            "SLIPWAY_FLEET_KEY": str(authority.parent / "fleet.pem"),
            "SLIPWAY_FLEET_PASSWORD": "of this test alone",
            "REQUESTS_CA_BUNDLE": str(authority),
        }
        public = bench.well("devices", "key", bench.environ["SLIPWAY_FLEET_KEY"]).split()[-1]
        there = bench.settings["config"]["slipway:environment"]
        settings = {
            "kind": "edge",
            "control": URL,
            "cluster": {
                "environment": bench.environment,
                "public_key": public,
                "certificate": "fleet-tls",
                "node_port": PORT,
                "storage_class": "local",
            },
            "registry": there["registry"],
            "base_image": there["base_image"],
            "models": ["answers"],
            "sites": ["here"],
            "devices": [{"name": name, "hardware": "x86-box", "site": "here"} for name in DEVICES],
            "success": {"hold": "1ms"},
            "interval": "1s",
        }
        document = {**bench.settings, "config": {"slipway:environment": settings}}
        (bench.folder / f"stacks/Pulumi.{self.name}.yaml").write_text(yaml.safe_dump(document))
        bench.write("answers")

    def pulumi(self, *words: str) -> None:
        """Run the engine by hand, as a person does who has no `slipway up`."""
        project = {"name": "slipway", "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}}}
        (self.bench.folder / "Pulumi.yaml").write_text(yaml.safe_dump({**project, "stackConfigDir": "stacks"}))
        (self.bench.folder / "__main__.py").write_text("from slipway.by_hand import run\n\nrun()\n")
        ran = subprocess.run(
            ["pulumi", *words, "--non-interactive"],
            cwd=self.bench.folder,
            env={**os.environ, **self.bench.environ},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def serve_with(self, made: SelfSigned) -> None:
        metadata = {"name": "fleet-tls", "namespace": self.cluster.namespace}
        data = {name: value.decode() for name, value in made.data.items() if name != AUTHORITY}
        kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
        self.cluster.create({**kind, "metadata": metadata, "stringData": data})


class Devices(AskingDevices):
    """Simulated devices that ask by TLS."""

    def __init__(self, tokens: dict[str, str], authority: Path) -> None:
        super().__init__()
        self._tls = ssl.create_default_context(cafile=str(authority))
        self._tokens = tokens
        self.runs: dict[str, Any] = {}

    async def ask(self) -> None:
        async with ClientSession(connector=TCPConnector(ssl=self._tls)) as session:
            devices = [SimulatedDevice(name, URL) for name in self._tokens]
            for device in devices:
                assert (await device.enrol(session, self._tokens[device.name])).status == 200
                assert (await device.enrol(session, self._tokens[device.name])).status == 409
            while not self.over.is_set():
                for device in devices:
                    # A device asks again at its next turn: its control side may be on its way to another pod.
                    with suppress(ClientError):
                        await device.turn(session)
                    self.runs[device.name] = dict(device.runs)
                await asyncio.sleep(0.2)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[SelfSigned, Path]:
    made = self_signed("localhost", datetime.datetime.now(datetime.UTC))
    (tmp_path / "authority.pem").write_bytes(made.authority)
    return made, tmp_path / "authority.pem"


@pytest.fixture
def fleet(bench: Workbench, certificate: tuple[SelfSigned, Path]) -> Iterator[Fleet]:
    fleet = Fleet(bench, certificate[1])
    yield fleet
    if fleet.cluster.read("Namespace", fleet.cluster.namespace):
        fleet.cluster.delete("Namespace", fleet.cluster.namespace)
    shutil.rmtree(bench.folder)


def test_a_fleet_is_made_by_pulumi_up_rolled_out_over_http_and_taken_down_to_nothing(
    fleet: Fleet, certificate: tuple[SelfSigned, Path]
) -> None:
    fleet.pulumi("stack", "init", fleet.name)
    fleet.pulumi("preview", "--stack", fleet.name)
    assert fleet.cluster.read("Namespace", fleet.cluster.namespace) is None
    fleet.pulumi("up", "--yes", "--stack", fleet.name)
    # The stack is made, its pod waits for the certificate: nothing answers, and the command says what is missing.
    waiting = fleet.bench.run("up", fleet.name, "--yes")
    assert waiting.returncode == 1
    assert "kubectl create secret tls fleet-tls --context slipway-local" in waiting.stderr
    fleet.serve_with(certificate[0])
    killed = fleet.bench.start("up", fleet.name, "--yes")
    time.sleep(KILLED_S)
    killed.kill()
    killed.communicate()
    assert "answers" in fleet.bench.well("up", fleet.name, "--yes"), "nobody is enrolled yet, and the run goes on"
    tokens = {name: fleet.bench.well("devices", "add", fleet.name, name).strip() for name in DEVICES}
    with Devices(tokens, certificate[1]) as devices:
        fleet.bench.write("answers", 3.0)
        fleet.bench.well("up", fleet.name, "--yes")
        assert [list(runs) for runs in devices.runs.values()] == [["answers"], ["answers"]]
        assert fleet.bench.well("status", fleet.name).count(" good ") == 2
        # Another pod has what the first one knew.
        (pod,) = fleet.cluster.names("Pod", "app.kubernetes.io/component=fleet")
        fleet.cluster.delete("Pod", pod)
        assert fleet.bench.well("status", fleet.name).count(" good ") == 2
        down = fleet.bench.run("down", fleet.name, "--yes", "--delete-data", "control-side")
        assert down.returncode == 0, down.stderr
    assert "nothing is left in namespace" in down.stdout
    assert fleet.cluster.names("Deployment", "") == ()
    assert fleet.cluster.names("PersistentVolumeClaim", "") == ()
