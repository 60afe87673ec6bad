"""Measure `slipway up` of fleets of growing size beside one Pulumi stack that holds everything."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker

from slipway.cluster.api import Cluster
from slipway.local.cluster import facts
from slipway.local.host import paths, processes
from tests.bench import files, pods
from tests.bench.machine import Step, measured

_LIMIT_S = 900.0
_GONE_LIMIT_S = 120.0
_NAMESPACE = "slipway-bench"
_EDITED = "edited"


@dataclass(frozen=True)
class Fleet:
    """What was measured for one number of models.

    `built`: first up with images to build and push; `first`: with images that are in the registry already.
    """

    models: int
    built: Step
    first: Step
    edit: Step
    no_op: Step
    peer_first: Step
    peer_edit: Step
    peer_no_op: Step


def measure(sizes: list[int], say: Callable[[str], None]) -> list[Fleet]:
    """Measure fleets of these sizes, one after the other, on simulated pods of the local cluster."""
    cluster = Cluster(paths.KUBE_CONTEXT, _NAMESPACE)
    _remove_namespace(cluster)
    with pods.simulated_pods(cluster):
        return [_measure(size, say) for size in sizes]


def _remove_namespace(cluster: Cluster) -> None:
    """Take away what a run that was killed has left."""
    cluster.delete("Namespace", _NAMESPACE)
    processes.wait_until(
        f"the end of namespace {_NAMESPACE}", _GONE_LIMIT_S, lambda: cluster.read("Namespace", _NAMESPACE) is None
    )


def _measure(size: int, say: Callable[[str], None]) -> Fleet:
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name, _images_removed():
        fleet = _Commands(Path(name), size, say)
        try:
            built = fleet.slipway("up", "first, with images to build")
            fleet.slipway("down", "taken down")
            first = fleet.slipway("up", "first")
            no_op = fleet.slipway("up", "nothing changed")
            fleet.edit()
            edit = fleet.slipway("up", "one model edited")
        finally:
            fleet.slipway("down", "taken down")
        try:
            peer_first = fleet.peer("up", "first")
            peer_no_op = fleet.peer("up", "nothing changed")
            fleet.edit()
            peer_edit = fleet.peer("up", "one model edited")
        finally:
            fleet.peer("destroy", "taken down")
    return Fleet(size, built, first, edit, no_op, peer_first, peer_edit, peer_no_op)


class _Commands:
    """The commands on one fleet, with a Pulumi backend of its own for Slipway and one for the peer."""

    def __init__(self, folder: Path, size: int, say: Callable[[str], None]) -> None:
        self._log = folder / "log"
        self._size = size
        self._say = say
        self._names = [f"bench-{size:02}-{index:02}" for index in range(size)]
        settings: dict[str, object] = {
            "kind": "kubernetes",
            "context": paths.KUBE_CONTEXT,
            "namespace": _NAMESPACE,
            "registry": facts.REGISTRY,
            "base_image": f"{facts.REGISTRY}/slipway/base:bookworm-py311",
            "node_pools": [pods.POOL],
        }
        # Weights that no run before had, so that images are really built.
        self._files = files.write(folder / "files", self._names, settings, f"{time.time_ns()}")
        self._edits = 0
        self._backends = {name: folder / name for name in ("slipway", "peer")}
        for backend in self._backends.values():
            backend.mkdir()

    def slipway(self, command: str, what: str) -> Step:
        """Run `slipway COMMAND` as a person does."""
        options = ["--models", str(self._files.models), "--settings", str(self._files.settings), "--yes"]
        slipway = str(Path(sys.executable).parent / "slipway")
        return self._run("slipway", [slipway, command, files.ENVIRONMENT, *options], what)

    def peer(self, command: str, what: str) -> Step:
        """Update or destroy the one stack."""
        program = [sys.executable, "-m", "tests.bench.one_stack", command]
        folders = [str(self._files.models), str(self._files.settings)]
        return self._run("peer", [*program, *folders, files.ENVIRONMENT], what)

    def edit(self) -> None:
        """Change one spec in the middle, as a new release that differs in a description."""
        index = self._size // 2
        self._edits += 1
        name = self._names[index]
        self._files.spec(name).write_text(files.spec(name, files.artifact_of(index), f"{_EDITED} {self._edits} times"))

    def _run(self, backend: str, command: list[str], what: str) -> Step:
        env = {**os.environ, "PULUMI_BACKEND_URL": f"file://{self._backends[backend]}"}
        load = os.getloadavg()[0]
        step = measured(command, env, self._log, _LIMIT_S)
        cpu = ", ".join(f"{group} {seconds:.1f}" for group, seconds in step.cpu_s.items())
        self._say(
            f"{self._size} models, {backend}: {what}: {step.wall_s:.2f} s; CPU {step.all_cpu_s:.1f} s ({cpu}); "
            f"load before {load:.1f}"
        )
        return step


@contextmanager
def _images_removed() -> Iterator[None]:
    """Take the Docker Engine's own names of the fleet's images away at the end; the registry keeps a few KB each."""
    try:
        yield
    finally:
        engine = docker.from_env()
        for image in engine.images.list(filters={"reference": f"{facts.REGISTRY}/slipway/bench-*"}):
            for tag in image.tags:
                if f"{facts.REGISTRY}/slipway/bench-" in tag:
                    engine.images.remove(tag, noprune=False)
        engine.close()
