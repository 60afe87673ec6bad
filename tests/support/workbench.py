"""A folder with specs and settings of its own, and `slipway` run in it as a user runs it."""

import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from onnx import NodeProto, TensorProto, helper, numpy_helper

from slipway.cluster.api import Cluster
from slipway.cluster.ownership import is_own
from slipway.deploy.down import KINDS
from slipway.deploy.orphans import config_maps_of
from slipway.errors.reaching import ApiRefused
from slipway.local.gateway.programs import NAMESPACE as ENVOYS
from slipway.values.names import priority_classes
from tests.support.looking import until

ROOT = Path(__file__).resolve().parents[2]
MANAGED = "app.kubernetes.io/managed-by=slipway"


Nodes = tuple[list[NodeProto], list[TensorProto]]
"""Nodes that end in `y`, and their constants."""


def scaled(factor: float) -> Nodes:
    """y = sum * factor."""
    constant = numpy_helper.from_array(np.array(factor, np.float32), "factor")
    return [helper.make_node("Mul", ["sum", "factor"], ["y"])], [constant]


def endless() -> Nodes:
    """A loop that never ends: the server starts and is never ready."""
    flag = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["value"], ["same"])],
        "body",
        [flag("turn", TensorProto.INT64, []), flag("go", TensorProto.BOOL, []), flag("value", TensorProto.FLOAT, None)],
        [flag("on", TensorProto.BOOL, []), flag("same", TensorProto.FLOAT, None)],
    )
    go = numpy_helper.from_array(np.array(True), "always")
    return [helper.make_node("Loop", ["", "always", "sum"], ["y"], body=body)], [go]


def hungry() -> Nodes:
    """Takes 1.6 GB at once: the container is killed for it."""
    shape = numpy_helper.from_array(np.array([400_000_000], np.int64), "shape")
    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    return [
        helper.make_node("ConstantOfShape", ["shape"], ["much"], value=one),
        helper.make_node("ReduceMax", ["much"], ["most"], keepdims=0),
        helper.make_node("Mul", ["sum", "most"], ["y"]),
    ], [shape]


def computing(turns: int) -> Nodes:
    """y = sum, after so many turns of a loop: about 8 us of a processor each, without waiting for anything."""
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("MatMul", ["value", "same"], ["next"])],
        "body",
        [info("turn", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("value", TensorProto.FLOAT, None)],
        [info("on", TensorProto.BOOL, []), info("next", TensorProto.FLOAT, None)],
    )
    ones = numpy_helper.from_array(np.ones((96, 96), np.float32), "ones")
    same = numpy_helper.from_array(np.eye(96, dtype=np.float32), "same")
    return [
        helper.make_node("Loop", ["turns", "", "ones"], ["mixed"], body=body),
        helper.make_node("ReduceMin", ["mixed"], ["one"], keepdims=0),
        helper.make_node("Mul", ["sum", "one"], ["y"]),
    ], [ones, same, numpy_helper.from_array(np.array(turns, np.int64), "turns")]


def fresh(factor: float, weights: int = 8) -> Nodes:
    """y = sum * factor, in a file of 4 bytes a weight that no run before had: its image has to be built."""
    nodes, constants = scaled(factor)
    noise = np.random.default_rng().standard_normal(weights, np.float32)
    return nodes, [*constants, numpy_helper.from_array(noise, "unused")]


def fresh_simplified(factor: float) -> Nodes:
    """y = sum * factor, such that no run before had it simplified either, which leaves out what nothing reads."""
    bound = np.array(-1e6 * (1 + np.random.default_rng().random()), np.float32)
    nodes = [
        helper.make_node("Mul", ["sum", "factor"], ["unbounded"]),
        helper.make_node("Max", ["unbounded", "bound"], ["y"]),
    ]
    return nodes, [*scaled(factor)[1], numpy_helper.from_array(bound, "bound")]


def write_model(path: Path, nodes: Nodes) -> None:
    """Write an ONNX model with two inputs that nothing in this repository has, rows of three; `sum` is a + b."""
    rows: list[str | int | None] = ["rows", 3]
    graph = helper.make_graph(
        [helper.make_node("Add", ["a", "b"], ["sum"]), *nodes[0]],
        "scaled-sum",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, rows) for name in ("a", "b")],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, rows)],
        nodes[1],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def post(port: int, body: object) -> dict[str, object]:
    """Ask a model on this machine's loopback."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return dict(json.load(response))


@dataclass
class Workbench:
    """A repository of a user: `models/` and `stacks/`, one environment in a namespace of its own.

    `environ` is added to the variables of every command.
    """

    folder: Path
    environment: str
    environ: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    written: dict[str, dict[bytes, str]] = field(default_factory=dict)
    """Of each model, the version that weights were written with last."""

    def __post_init__(self) -> None:
        (self.folder / "models").mkdir(parents=True)
        (self.folder / "stacks").mkdir()
        (self.folder / "Pulumi.yaml").write_text("name: slipway\nruntime: python\nstackConfigDir: stacks\n")
        committed = yaml.safe_load((ROOT / "stacks" / "Pulumi.local.yaml").read_text())
        settings = committed["config"]["slipway:environment"]
        # Its models are asked at ports of the node: a gateway of its own would take minutes of every test.
        settings.pop("gateway", None)
        # Who scales on more than CPU says so (tests.support.monitoring).
        settings.pop("monitoring", None)
        settings |= {
            "namespace": f"slipway-{self.environment}",
            "service_type": "NodePort",
            "node_address": "127.0.0.1",
        }
        self.settings = committed
        self.write_settings()

    @property
    def namespace(self) -> str:
        return f"slipway-{self.environment}"

    @property
    def cluster(self) -> Cluster:
        return Cluster("slipway-local", self.namespace)

    def write_settings(self, **changes: Any) -> None:
        """Change fields of the environment's settings."""
        self.settings["config"]["slipway:environment"] |= changes
        (self.folder / "stacks" / f"Pulumi.{self.environment}.yaml").write_text(yaml.safe_dump(self.settings))

    def write(
        self,
        name: str,
        factor: float = 2.0,
        *,
        expect: float | None = None,
        nodes: Nodes | None = None,
        **changes: Any,
    ) -> Path:
        """Write a model `name` that multiplies by `factor` (or does what `nodes` do), and its spec.

        `changes` replace the spec's fields. Where they have no version, weights have the one that they had before, and
        others a higher major than any.
        """
        models = self.folder / "models"
        weights = models / f"{name}.onnx"
        write_model(weights, nodes or scaled(factor))
        known, data = self.written.setdefault(name, {}), weights.read_bytes()
        highest = max((int(version.partition(".")[0]) for version in known.values()), default=0)
        known[data] = changes.get("version") or known.get(data) or f"{highest + 1}.0.0"
        (models / f"{name}.json").write_text(json.dumps({"inputs": {"a": [[1, 2, 3]], "b": [[1, 1, 1]]}}))
        right = [[value * factor for value in (2, 3, 4)]]
        spec = {
            "apiVersion": "slipway/v1",
            "name": name,
            "version": known[data],
            "owner": "tests",
            "artifact": {"source": f"models/{name}.onnx"},
            "runtime": "onnxruntime",
            "resources": {"cpu": "200m", "memory": "256Mi"},
            "scale": {"min": 1, "max": 1},
            "rollout": {"drain": "5s"},
            "check": {
                "request": f"models/{name}.json",
                "expect": {"y": right if expect is None else {"min": expect, "max": expect}},
                "timeout": "5s",
            },
        } | changes
        path = models / f"{name}.yaml"
        path.write_text(yaml.safe_dump(spec, sort_keys=False))
        return path

    def start(self, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start `slipway ...` in the folder."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / "slipway"), *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environ, **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @contextmanager
    def up_until(self, moment: str, limit_s: float = 240) -> Iterator["Watched"]:
        """Start an `up`; the block begins when its standard error has `moment`, and ends with the `up`."""
        said = self.folder / "said"
        with said.open("w") as stderr:
            process = subprocess.Popen(
                [str(Path(sys.executable).parent / "slipway"), "up", self.environment, "--yes"],
                cwd=self.folder,
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        try:
            until = time.monotonic() + limit_s
            while moment not in said.read_text():
                assert process.poll() is None, f"it ended before `{moment}`:\n{said.read_text()}"
                assert time.monotonic() < until, f"no `{moment}` within {limit_s} s:\n{said.read_text()}"
                time.sleep(0.02)
            watched = Watched(process)
            yield watched
            watched.returncode = process.wait(limit_s)
            watched.stderr = said.read_text()
        finally:
            process.kill()
            process.wait()

    def run(
        self, *arguments: str, limit_s: float = 240, environ: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run `slipway ...` to its end."""
        process = self.start(*arguments, environ=environ)
        try:
            stdout, stderr = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
            raise AssertionError(f"no end after {limit_s} s\n{stdout}\n{stderr}") from None
        return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)

    def up(self, *arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Bring the environment up, without asking."""
        return self.run("up", self.environment, "--yes", *arguments, environ=environ)

    def well(self, *arguments: str) -> str:
        """Run `slipway ...`, which has to end well; returns its standard output."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def killed_up(self, after_s: float, *, engine_too: bool = False) -> None:
        """Start an `up` and kill it without warning: it alone, or its engine at the same time."""
        process = self.start("up", self.environment, "--yes")
        time.sleep(after_s)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        engines = children.read_text().split() if engine_too and process.poll() is None else []
        process.send_signal(signal.SIGKILL)
        for engine in engines:
            with suppress(ProcessLookupError):
                os.kill(int(engine), signal.SIGKILL)
        process.communicate()

    def missing_mounts(self) -> set[str]:
        """Name the ConfigMaps that a pod mounts, or that its ReplicaSet would, and that are not there."""
        there = set(self.cluster.names("ConfigMap", ""))
        pods = [pod["spec"] for pod in self.cluster.list("Pod") if "deletionTimestamp" not in pod["metadata"]]
        deployments = [item["spec"]["template"]["spec"] for item in self.cluster.list("Deployment")]
        return {name for spec in (*pods, *deployments) for name in config_maps_of(spec)} - there - {"kube-root-ca.crt"}

    def port(self, name: str) -> int:
        """Return the port of this machine's loopback on which a model serves."""
        service = self.cluster.read("Service", name)
        assert service is not None
        return int(service["spec"]["ports"][0]["nodePort"])

    def down(self) -> None:
        """Take the environment down as a user does; nothing of it may be left."""
        self.well("down", self.environment, "--yes")
        assert self.objects() == set()

    def discard(self) -> None:
        """Delete what the environment is made of, a namespace and states, whatever became of it: sooner than `down`.

        Its pods are killed: the processors that they hold, an Envoy's for minutes, are the next test's.
        """
        backend = Path({**os.environ, **self.environ}["PULUMI_BACKEND_URL"].removeprefix("file://"))
        states = backend / ".pulumi"
        for folder in ("slipway-history", "slipway-audit"):
            shutil.rmtree(backend / folder / self.environment, ignore_errors=True)
        for path in [*states.glob(f"*/slipway/{self.environment}*"), *states.glob(f"locks/*/*/{self.environment}*")]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        if self.cluster.read("Namespace", self.namespace):
            self.cluster.delete("Namespace", self.namespace)
            self._kill_pods()
        for name in self.cluster.names("PriorityClass", MANAGED):
            if name.startswith(priority_classes(self.namespace)):
                self.cluster.delete("PriorityClass", name)

    def _kill_pods(self) -> None:
        """Kill what runs in a namespace that ends, where nothing new can start, then the Envoys of its gateway.

        A namespace's pods end before anything else of it does: with what they would do in their last minute, their
        gateway would live as long.
        """
        proxies = Cluster("slipway-local", ENVOYS)
        owned = f"gateway.envoyproxy.io/owning-gateway-namespace={self.namespace}"
        _kill(self.cluster, "")
        until("its Envoys' Deployment is gone", lambda: not proxies.names("Deployment", owned), ENVOYS_GONE_S)
        _kill(proxies, owned)

    def objects(self) -> set[str]:
        """Name everything of Slipway in the namespace, as `Kind name`."""
        return {
            f"{kind} {item['metadata']['name']}"
            for kind in KINDS
            if kind != "Pod"
            for item in self.cluster.list(kind, MANAGED)
            if is_own(item, self.environment)
        }

    def wanted(self) -> set[str]:
        """Name what the plan stands for, and the record of each model."""
        documents = [d for d in yaml.safe_load_all(self.well("render", self.environment)) if d["kind"] != "Namespace"]
        records = {f"ConfigMap {d['metadata']['name']}-verified" for d in documents if d["kind"] == "Deployment"}
        return {f"{d['kind']} {d['metadata']['name']}" for d in documents} | records


def _kill(cluster: Cluster, label: str) -> None:
    for name in cluster.names("Pod", label):
        with suppress(ApiRefused):
            cluster.request("DELETE", cluster.url("Pod", name), body={"gracePeriodSeconds": 0})


@dataclass
class Watched:
    """An `up` that is watched, and how it ended."""

    process: subprocess.Popen[bytes]
    returncode: int = -1
    stderr: str = ""


ENVOYS_GONE_S = 120.0
PROXY_LIMIT_S = 120
"""For how long the node's proxy may know an earlier state, once the API server was away."""


class Load:
    """Clients in a closed loop on a model's port; counts answers and remembers everything else."""

    def __init__(self, port: int, clients: int = 4) -> None:
        self.answers: dict[float, int] = {}
        self.lost: list[str] = []
        self._port = port
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(i,)) for i in range(clients)]

    def __enter__(self) -> "Load":
        # Where the API server was away, also in the test before, the node's proxy asks it again only after a while: a
        # Service that answers through the API server is not yet a port of the node.
        until(f"port {self._port} takes connections", self._listens, PROXY_LIMIT_S)
        # Connections that were refused before the node knew the Service are remembered for a second, with their port.
        time.sleep(2)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def until_answered(self, value: float) -> None:
        """Wait until a client was answered with `value`."""
        until(f"somebody is answered {value}", lambda: value in self.answers, PROXY_LIMIT_S)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=5):
            return True
        return False

    def _client(self, seed: int) -> None:
        """Half of the clients keep their connection, half open one per request."""
        body = json.dumps({"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}).encode()
        rng = random.Random(seed)
        connection = None
        while not self._stop.is_set():
            connection = connection or http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            try:
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                data = response.read()
                with self._lock:
                    if response.status == 200:
                        value = json.loads(data)["outputs"]["y"][0][0]
                        self.answers[value] = self.answers.get(value, 0) + 1
                    else:
                        self.lost.append(f"{time.monotonic() - self._started:.2f} s: {response.status} {data[:200]!r}")
            except (OSError, http.client.HTTPException) as error:
                with self._lock:
                    self.lost.append(f"{time.monotonic() - self._started:.2f} s: {error!r}")
                connection.close()
                connection = None
            if seed % 2 and connection:
                connection.close()
                connection = None
            # Tests of other models share the machine: what is lost between two releases shows at this rate too.
            time.sleep(rng.uniform(0, 0.02))
