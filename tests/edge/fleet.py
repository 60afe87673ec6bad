"""A project whose environment is a fleet, and its control side as a process."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import onnx
import yaml
from onnx import numpy_helper

from tests.support.edge_devices import DIGITS, Device
from tests.support.shaped_links import REGISTRY

_SLIPWAY = str(Path(sys.executable).with_name("slipway"))
_LIMIT_S = 60
_RUN_LIMIT_S = 900
_PORT = 8080
"""Where the model answers on a device."""


def broken(path: Path) -> bytes:
    """A model of digits with the last layer's weights of the other sign."""
    model = onnx.load(path)
    layer = next(each for each in model.graph.initializer if each.name == "out_w")
    layer.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(layer), layer.name))
    return bytes(model.SerializeToString())


class Fleet:
    """A fleet named `edge` with devices of class x86-box, or of `hardware`; its control side runs while the block does.

    `hardware`: what the settings say of the class of a device that is no such box, by the device's name.
    """

    name = "edge"

    def __init__(
        self,
        folder: Path,
        devices: Sequence[str],
        canaries: int = 1,
        hardware: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        self.control = f"127.0.0.1:{port}"
        self.url = f"http://{self.control}"
        self._folder = folder
        self._port = port
        self._environ = {
            **os.environ,
            "SLIPWAY_FLEET_STORE": str(folder.parent / "fleet.sqlite"),
            "SLIPWAY_FLEET_PASSWORD": "only this run's",
            "SLIPWAY_FLEET_KEY": str(folder.parent / "fleet.pem"),
            "PULUMI_BACKEND_URL": f"file://{folder.parent / 'states'}",
        }
        (folder.parent / "states").mkdir()
        self._write(devices, canaries, hardware or {})

    def __enter__(self) -> Self:
        self.ran("devices", "key", self._environ["SLIPWAY_FLEET_KEY"])
        argv = [_SLIPWAY, "edge", "serve", self.name, "--port", str(self._port)]
        self._log = (self._folder.parent / "control.log").open("wb")
        self._process = subprocess.Popen(argv, cwd=self._folder, env=self._environ, stdout=self._log, stderr=self._log)
        until = time.monotonic() + _LIMIT_S
        while not self._serves():
            assert self._process.poll() is None, (self._folder.parent / "control.log").read_text()
            assert time.monotonic() < until, f"the control side: no answer within {_LIMIT_S} s"
            time.sleep(0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(_LIMIT_S)
        self._log.close()

    def ran(self, *arguments: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run `slipway`; it has to end with this code."""
        done = subprocess.run(
            [_SLIPWAY, *arguments],
            cwd=self._folder,
            env=self._environ,
            text=True,
            capture_output=True,
            timeout=_RUN_LIMIT_S,
            check=False,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    @property
    def store(self) -> Path:
        """The control side's file."""
        return Path(self._environ["SLIPWAY_FLEET_STORE"])

    def renew_model(self, version: str, beside: int) -> None:
        """Write another good version: what was trained, and so many bytes beside it that no other version has."""
        model = onnx.load(DIGITS / "model.onnx")
        model.metadata_props.add(key="beside", value=secrets.token_hex(beside // 2))
        onnx.save(model, self._folder / "models/digits/model.onnx")
        self._write_spec(version)

    def break_model(self, version: str = "1.1.0") -> None:
        """Write a bad version: the last layer's weights with the other sign, so that no answer is right."""
        path = self._folder / "models/digits/model.onnx"
        path.write_bytes(broken(path))
        self._write_spec(version)

    def listens(self, device: Device) -> bool:
        """Whether anything listens where the model answered."""
        try:
            socket.create_connection((device.listen, _PORT), timeout=10).close()
        except OSError:
            return False
        return True

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _write(self, devices: Sequence[str], canaries: int, hardware: Mapping[str, Mapping[str, object]]) -> None:
        (self._folder / "stacks").mkdir(parents=True)
        (self._folder / "models/digits").mkdir(parents=True)
        (self._folder / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
        for name in ("model.onnx", "check.json"):
            shutil.copy(DIGITS / name, self._folder / "models/digits" / name)
        self._write_spec("1.0.0")
        settings = {
            "kind": "edge",
            "control": self.url,
            "registry": REGISTRY,
            "base_image": f"{REGISTRY}/slipway/base:bookworm-py311",
            "models": ["digits"],
            "sites": ["here"],
            "hardware": {f"of-{name}": dict(said) for name, said in hardware.items()},
            "devices": [
                {"name": name, "hardware": f"of-{name}" if name in hardware else "x86-box", "site": "here"}
                for name in devices
            ],
            "rings": [{"name": "canary", "devices": canaries}, {"name": "fleet", "share": "100%"}],
            "success": {"good": "100%", "hold": "1s"},
            "away": {"deadline": "10m"},
            "interval": "1s",
        }
        stack = {"config": {"slipway:environment": settings}}
        (self._folder / f"stacks/Pulumi.{self.name}.yaml").write_text(yaml.safe_dump(stack, sort_keys=False))

    def _write_spec(self, version: str) -> None:
        spec = {
            "apiVersion": "slipway/v1",
            "name": "digits",
            "version": version,
            "owner": "tests",
            "artifact": {"source": "models/digits/model.onnx"},
            "runtime": "onnxruntime",
            "resources": {"cpu": "500m", "memory": "256Mi"},
            "check": {"request": "models/digits/check.json", "expect": {"label": 7}, "timeout": "5s"},
        }
        (self._folder / "models/digits.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
