"""A project whose model goes through scripts of the user's: the real runner, in an environment without packages.

`held` stands in for the ONNX Runtime of the box `onnx`, and `measured` for the gate, whose environments take a network:
they refuse another signature, as the real ones do.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.artifacts.onnx import find_artifact
from slipway.gate.measure import Candidate
from slipway.gate.report import Report, Timing, Variant
from slipway.loading.lockable import Lockable, lockables
from slipway.optimize import chain, locking
from slipway.sources.cache import Cache
from slipway.sources.store import Store
from slipway.toolbox.errors import StepRefused
from tests.support.planned import FIXTURES
from tests.support.pools import LEAST_SPEC

NOTE = """
import step

def run(request):
    text = {text}
    entry = b"\\n" + bytes([len(text)]) + text + b"\\x12" + bytes([len(text)]) + text
    step.progress("adds a note")
    main = request.output / "model.onnx"
    main.write_bytes(request.source.read_bytes() + b"\\x72" + bytes([len(entry)]) + entry)
    return {{
        "main": "model.onnx", "format": "onnx", "tools": {{"notes": "{version}"}}, "settings": {{"text": "x"}},
        "deterministic": {deterministic}, "notes": ["added a note"],
    }}
"""
"""Appends to the ONNX file an entry of its metadata (field 14 of onnx.ModelProto), as bytes of protobuf."""


def script(text: str = 'b"one"', version: str = "1.0", deterministic: bool = True) -> str:
    """A script that adds a note to the model; `text`: an expression that gives its bytes."""
    return NOTE.format(text=text, version=version, deterministic=deterministic)


class Project:
    """A project with one model, `least`, and a cache of its own."""

    def __init__(self, folder: Path, *scripts: str, accept: Mapping[str, Any] | None = None) -> None:
        self.root = folder / "project"
        self.root.mkdir(parents=True)
        for part in ("weights", "checks", "models"):
            (self.root / part).mkdir()
        (self.root / "Pulumi.yaml").write_text("{name: here, runtime: python}\n")
        (self.root / "requirements.txt").write_text("")
        (self.root / "rows.npz").write_bytes(b"rows")
        for name in ("weights/linear.onnx", "checks/linear.json"):
            shutil.copyfile(FIXTURES / "repo" / name, self.root / name)
        self.cache = Cache(folder / "cache")
        self.told: list[str] = []
        self.write(*scripts, accept=accept)

    def write(self, *scripts: str, accept: Mapping[str, Any] | None = None) -> None:
        """Write the spec, with a step for each script."""
        for index, text in enumerate(scripts):
            (self.root / f"step{index}.py").write_text(text)
        written = {"script": "step{}.py", "requirements": "requirements.txt"}
        spec = LEAST_SPEC | {
            "resources": {"cpu": "250m", "memory": "256Mi"},
            "optimize": [written | {"script": f"step{index}.py"} for index in range(len(scripts))],
        }
        self.spec.write_text(json.dumps(spec | ({"accept": dict(accept)} if accept else {})))

    @property
    def spec(self) -> Path:
        """The file of the spec."""
        return self.root / "models/least.yaml"

    @property
    def lock(self) -> Path:
        """The file of the lock."""
        return self.root / "models/least.lock.yaml"

    @property
    def target(self) -> Lockable:
        """What is locked."""
        found: list[Any] = []
        (target,) = lockables(self.root / "models", self.root, (), found)
        assert not found
        return target

    @property
    def store(self) -> Store:
        """Weights of this project only."""
        return Store(self.cache, offline=True)

    def tell(self, text: str) -> None:
        """Take a line of progress."""
        self.told.append(text)

    def ran(self) -> list[str]:
        """The steps that ran, not those that were found."""
        return [line.removesuffix(" ...") for line in self.told if line.endswith(" ...")]


def held(before: Path, after: Path, result: Mapping[str, Any], folder: Path, tell: Callable[[str], None]) -> None:
    """Refuse another signature; see `slipway.optimize.held`."""
    assert folder.is_dir()
    was, now = (find_artifact(path, path.parent).signature for path in (before, after))
    tell("holding the signature")
    if (was.inputs, was.outputs) != (now.inputs, now.outputs) and result.get("signature") != "changed":
        raise StepRefused("changed the signature", "the same inputs and outputs", "correct the script")


class Gate:
    """What the gate would measure. `metrics`: of the source and each step."""

    def __init__(self, metrics: Sequence[float] = (0.95, 0.945)) -> None:
        self.metrics = metrics
        self.names: list[str] = []

    def __call__(
        self,
        model: str,
        original: Candidate,
        variants: Sequence[Candidate],
        accept: Any,
        golden: Any,
        cpus: float,
        root: Path,
        tell: Callable[[str], None],
        *,
        profiled: bool = False,
    ) -> Report:
        """See `slipway.gate.measure`."""
        tell("measuring")
        assert not profiled, "no spec of these tests has drift"
        assert golden is None or {array.shape[0] for array in golden.values()} == {1}
        self.names = [one.name for one in (original, *variants)]
        metric = accept.metric if accept else None
        measured = tuple(
            Variant(one.name, one.format, one.sha256, one.size_bytes, 50_000_000, golden=Timing(1, 2, 100))
            for one in (original, *variants)
        )
        if metric:
            pairs = zip(measured, self.metrics, strict=False)
            measured = tuple(replace(one, metric=value, agreement=1.0, outputs={"label": {}}) for one, value in pairs)
        return Report(model, measured, 1, cpus, "a processor", {}, metric, "label", "rows.npz", 200 if metric else None)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The gate of a test, and the stand-in for the box `onnx`."""
    found = Gate()
    monkeypatch.setattr(locking, "measure", found)
    monkeypatch.setattr(chain, "hold_signature", held)
    return found


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the environment without packages is made, once."""
    return tmp_path_factory.mktemp("cache-of-tests")


@pytest.fixture(autouse=True)
def own_cache(environments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test looks into this user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(environments))
