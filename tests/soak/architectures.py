"""The images of one release for amd64 and arm64: whether they answer alike, and what that costs under an emulator."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import docker
import numpy as np
import yaml

from slipway.commands.context import EnvironmentContext, Folders
from slipway.components.image.planned import image_args
from slipway.edge.documents import TOLERANCE
from slipway.local.docker import base_image, base_index
from slipway.plan.model import ModelPlan
from tests.bench import tables
from tests.support.foreign_programs import arm64_programs
from tests.support.planned import ROOT
from tests.support.small_disks import docker_engine, registry

REGISTRY = "127.0.0.1:5994"
_MODELS = ("digits", "digits-lite")
_READY_S = 120
_ROWS = 50
"""Of one request."""
_ASK = """
import json, sys, time, urllib.request
url = "http://127.0.0.1:8080"
until = time.monotonic() + float(sys.argv[1])
began = time.monotonic()
while True:
    try:
        urllib.request.urlopen(url + "/v2/health/ready", timeout=10).close()
        break
    except OSError:
        if time.monotonic() > until:
            raise SystemExit("is not ready")
        time.sleep(0.1)
ready, answers, took = time.monotonic() - began, [], []
for line in sys.stdin:
    call = urllib.request.Request(url + "/predict", line.encode(), {"Content-Type": "application/json"})
    sent = time.monotonic()
    with urllib.request.urlopen(call, timeout=60) as answer:
        answers.append(json.load(answer)["outputs"])
    took.append(time.monotonic() - sent)
print(json.dumps({"ready_s": ready, "answers": answers, "took_s": took}))
"""
"""What asks: it runs in the network of the container alone, which leads nowhere."""
_A72 = """processor\t: {number}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""
"""What the kernel of a Raspberry Pi 4 says of each of its four cores. Under QEMU a program reads the machine's own file
instead, and the library by which ONNX Runtime and LiteRT look at processors dies of one that is of another kind."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one image answered: outputs of all rows by name, seconds to ready and of each request, bytes at most."""

    outputs: dict[str, np.ndarray[Any, Any]]
    ready_s: float
    took_s: list[float]
    memory: int


def alike() -> tuple[str, int]:
    """Build the images of models for both architectures, ask all of them the same; the table, and how many differ."""
    rows, faults = [], 0
    with built() as (client, models), arm64_programs():
        for model, images in models:
            found = {name: asked(client, model, image, name) for name, image in images.items()}
            own, other = found["amd64"], found["arm64"]
            differ = difference(own.outputs, other.outputs)
            wrong = differ > TOLERANCE or other.memory > model.spec.resources.memory
            faults += wrong
            rows += [row(model.name, name, one) for name, one in found.items()]
            rows[-1][-1] = f"{differ:.1e}{' WRONG' if wrong else ''}"
    head = [
        "model",
        "image",
        "ready, s",
        "one row, ms",
        f"{_ROWS} rows, ms",
        "memory at most, MiB",
        "largest difference",
    ]
    return tables.table(head, rows), faults


def row(model: str, architecture: str, found: Answers) -> list[str]:
    """A row of the table, but for the difference."""
    single, many = np.median(found.took_s[: len(found.took_s) // 2]), np.median(found.took_s[len(found.took_s) // 2 :])
    times = (f"{found.ready_s:.1f}", f"{single * 1000:.1f}", f"{many * 1000:.1f}", f"{found.memory / 2**20:.0f}")
    return [model, architecture, *times, ""]


def difference(one: dict[str, np.ndarray[Any, Any]], other: dict[str, np.ndarray[Any, Any]]) -> float:
    """The largest difference of two numbers in answers to the same; infinite where a label differs, or a shape."""
    assert sorted(one) == sorted(other)
    largest = 0.0
    for name, values in one.items():
        if values.shape != other[name].shape or (values.dtype.kind == "i" and not np.array_equal(values, other[name])):
            return float("inf")
        largest = max(largest, float(np.abs(values.astype(float) - other[name].astype(float)).max()))
    return largest


@contextmanager
def built() -> Iterator[tuple[docker.DockerClient, list[tuple[ModelPlan, dict[str, str]]]]]:
    """Have the images of models by their digests, made by Slipway on an Engine of this machine alone."""
    with tempfile.TemporaryDirectory(prefix="slipway-architectures-") as name, ExitStack() as stack:
        folder = Path(name)
        for one in ("registry", "engine", "project"):
            (folder / one).mkdir()
        stack.enter_context(registry(folder / "registry", folder / "registry/data", REGISTRY))
        host = stack.enter_context(docker_engine(folder / "engine", folder / "engine/data"))
        client = docker.DockerClient(base_url=host, timeout=600)
        base = f"{REGISTRY}/slipway/base"
        base_index.put_index(base, "all", {name: _pushed(client, base, name) for name in ("amd64", "arm64")})
        models = planned(folder / "project", f"{base}:all")
        yield client, [(model, _images(host, model)) for model in models]
        client.close()


def planned(folder: Path, base: str) -> list[ModelPlan]:
    """The digits of this repository on a fleet of an x86 box and a Raspberry Pi 4."""
    (folder / "models").mkdir()
    for name in _MODELS:
        for path in (ROOT / "models").glob(f"{name}*"):
            if path.name in (name, f"{name}.yaml", f"{name}.lock.yaml"):
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, folder / "models" / path.name)
    (folder / "stacks").mkdir()
    shutil.copy(ROOT / "stacks/Pulumi.local.yaml", folder / "stacks")
    (folder / "Pulumi.yaml").write_text("name: slipway\nruntime: python\n")
    classes = {"box": "x86-box", "pi": "raspberry-pi-4"}
    settings = {
        "kind": "edge",
        "control": "http://127.0.0.1:8099",
        "registry": REGISTRY,
        "base_image": base,
        "models": list(_MODELS),
        "sites": ["here"],
        "devices": [{"name": name, "hardware": one, "site": "here"} for name, one in classes.items()],
    }
    text = yaml.safe_dump({"config": {"slipway:environment": settings}})
    (folder / "stacks/Pulumi.edge.yaml").write_text(text)
    context = EnvironmentContext("edge", Folders(models=folder / "models", settings=folder / "stacks"))
    context.complied()
    return list(context.plan.models)


def _images(host: str, model: ModelPlan) -> dict[str, str]:
    os.environ["DOCKER_HOST"] = host  # of this process alone
    return {
        name: f"{image.repository}@{image_args(replace(model, image=image), _said).ensure(_said)}"
        for name, image in model.images.items()
    }


def _said(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _pushed(client: docker.DockerClient, base: str, architecture: str) -> str:
    """Have the base image for an architecture in the registry; returns its digest."""
    own = architecture == "amd64"
    with base_image.build(lambda _: None, None if own else architecture).open("rb") as archive:
        (loaded,) = client.images.load(archive)
    loaded.tag(base, tag=architecture)
    for line in client.images.push(base, tag=architecture, stream=True, decode=True):
        assert "error" not in line, line
    named: Sequence[str] = client.images.get(f"{base}:{architecture}").attrs["RepoDigests"]
    return next(one for one in named if one.startswith(base)).partition("@")[2]


def asked(client: docker.DockerClient, model: ModelPlan, image: str, architecture: str) -> Answers:
    """Run an image as a device does, and ask it each row of the test data by itself, then many at once."""
    with tempfile.TemporaryDirectory(prefix="slipway-asked-") as name:
        folder = Path(name)
        (folder / "server.json").write_text(json.dumps(model.server_config))
        (folder / "cpuinfo").write_text("".join(_A72.format(number=number) for number in range(4)))
        volumes = {str(folder / "server.json"): {"bind": "/etc/slipway/server.json", "mode": "ro"}}
        environment = {"SLIPWAY_CONFIG": "/etc/slipway/server.json", "SLIPWAY_CPU_LIMIT_MILLIS": "1000"}
        if architecture == "arm64":
            volumes[str(folder / "cpuinfo")] = {"bind": "/proc/cpuinfo", "mode": "ro"}
            environment["QEMU_CPU"] = "cortex-a72"
        container = client.containers.run(
            image,
            detach=True,
            platform=f"linux/{architecture}",
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": "size=16m"},
            mem_limit=model.spec.resources.memory,
            nano_cpus=10**9,
            environment=environment,
            volumes=volumes,
        )
        try:
            container.reload()
            found = _answers(container.attrs["State"]["Pid"])
            stats = container.stats(stream=False)
            assert isinstance(stats, dict)
            memory = stats["memory_stats"]
            return replace(found, memory=memory.get("max_usage", memory["usage"]))
        except BaseException:
            print(container.logs().decode()[-4000:], file=sys.stderr)
            raise
        finally:
            container.remove(force=True)


def _answers(process: int) -> Answers:
    rows = np.load(ROOT / "models/digits/test.npz")["image"][: _ROWS * 2]
    groups = [rows[index : index + 1] for index in range(len(rows))]
    groups += [rows[:_ROWS], rows[_ROWS:]] * (len(rows) // 2)
    lines = "".join(json.dumps({"inputs": {"image": group.tolist()}}) + "\n" for group in groups)
    argv = ["nsenter", f"--net=/proc/{process}/ns/net", sys.executable, "-c", _ASK, str(_READY_S)]
    done = subprocess.run(argv, input=lines, text=True, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    single = said["answers"][: len(rows)]
    outputs = {name: np.concatenate([np.asarray(one[name]) for one in said["answers"]]) for name in single[0]}
    return Answers(outputs, said["ready_s"], said["took_s"], 0)
