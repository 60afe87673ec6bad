"""Bring the environment up, and take the gateway through the stages that are measured, one more part in each."""

import copy
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from slipway.cluster.api import Cluster
from tests.bench.gateway import images, peers, pods
from tests.support import pod_processes
from tests.support.behind_gateway import Way, envoys, ledger, way_in, with_gateway
from tests.support.open_loop import Target
from tests.support.workbench import Workbench

_STUB, _MODEL = "stub", "sums"
_FAST, _SLOW = "uneven-fast", "uneven-slow"
UNEVEN = "uneven"
_LIMIT_S = 60.0
_BODY = b'{"inputs": {"image": [[0.0, 0.5, 1.0]]}}'


@dataclass(frozen=True)
class Stage:
    """What is asked, and whose CPU seconds count: pods by the name of the part."""

    name: str
    target: Target
    parts: Callable[[], dict[str, list[dict[str, Any]]]]


class Bed:
    """The environment with everything that is measured in it."""

    def __init__(self, bench: Workbench, say: Callable[[str], None]) -> None:
        with_gateway(bench, replicas=1)
        bench.write(_MODEL, resources={"cpu": "100m", "memory": "256Mi"}, endpoint={"public": True})
        up = bench.up()
        if up.returncode:
            raise RuntimeError(f"`slipway up` ended with {up.returncode}:\n{up.stderr}")
        say("the environment is up")
        self._bench = bench
        self._cluster: Cluster = bench.cluster
        self._images = images.push()
        address = pods.run(self._cluster, _STUB, self._images["stub"], [])
        self._direct_port = pods.serve(self._cluster, _STUB, pods.STUB_PORT)
        self._peers = {
            "Envoy alone": (
                "envoy",
                pods.peer(
                    self._cluster,
                    "envoy",
                    self._images["envoy"],
                    peers.ENVOY_ARGUMENTS,
                    peers.envoy(address, pods.STUB_PORT),
                ),
            ),
            "nginx alone": (
                "nginx",
                pods.peer(
                    self._cluster,
                    "nginx",
                    self._images["nginx"],
                    peers.NGINX_ARGUMENTS,
                    peers.nginx(address, pods.STUB_PORT),
                ),
            ),
        }
        self._route = pods.route(self._cluster, _MODEL, _STUB)
        proxy = self._cluster.read("EnvoyProxy", "gateway")
        if proxy is None:
            raise RuntimeError("EnvoyProxy gateway is not there: `slipway up` made no gateway")
        self._log_settings = proxy["spec"]["telemetry"]["accessLog"]["settings"]
        for kind in ("HTTPRoute", "BackendTrafficPolicy"):
            self._cluster.create(self._route[kind])
        self.way: Way = way_in(bench, _STUB)
        say("stub, Envoy and nginx run beside it")

    def stages(self) -> Iterator[Stage]:
        """Each once it is in effect; whoever measures does so before the next is asked for."""
        yield Stage("direct", Target(f"http://127.0.0.1:{self._direct_port}/", _BODY, headers=_json()), self._parts)
        for name, (pod, port) in self._peers.items():
            target = Target(f"https://localhost:{port}/", _BODY, headers=_json())
            yield Stage(name, target, partial(self._with_peer, pod))
        with_key = self.way.asking(f"/models/{_STUB}/v2/models/{_STUB}/infer", _BODY)
        anybody = replace(with_key, headers=_json())
        self._log_to_ledger(False)
        self._until("calls without a key", lambda: self._status(anybody) == 200)
        yield Stage("the gateway's Envoy", anybody, self._gateway_parts)
        self._cluster.create(self._route["SecurityPolicy"])
        self._until("a key that is asked for", lambda: (self._status(anybody), self._status(with_key)) == (401, 200))
        yield Stage("+ keys", with_key, self._gateway_parts)
        self._log_to_ledger(True)
        self._until("lines that are settled", lambda: self._settles(with_key))
        yield Stage("+ ledger", with_key, self._gateway_parts)
        self._cluster.delete("SecurityPolicy", _STUB)
        self._until("calls without a key", lambda: self._status(anybody) == 200)

    @contextmanager
    def uneven(self, balancing: str) -> Iterator[Target]:
        """Lead to three pods, of which one works on one request at a time for 10 ms, balanced in this way."""
        if not pods.pods(self._cluster, _SLOW):
            for number in (1, 2):
                pods.run(self._cluster, f"{_FAST}-{number}", self._images["stub"], ["-after", "1ms"], service=UNEVEN)
            pods.run(self._cluster, _SLOW, self._images["stub"], ["-after", "10ms", "-at-once", "1"], service=UNEVEN)
            pods.serve(self._cluster, UNEVEN, pods.STUB_PORT)
        made = pods.route(self._cluster, _MODEL, UNEVEN)
        if balancing != "LeastRequest":
            made["BackendTrafficPolicy"]["spec"]["loadBalancer"] = {"type": balancing}
        kinds = ("HTTPRoute", "BackendTrafficPolicy")
        for kind in kinds:
            self._cluster.create(made[kind])
        target = replace(self.way.asking(f"/models/{UNEVEN}/", _BODY), headers=_json())
        try:
            self._until(f"calls balanced by {balancing}", lambda: self._status(target) == 200)
            time.sleep(20)  # slow start is over, and the policy has come with the route
            yield target
        finally:
            for kind in kinds:
                self._cluster.delete(kind, UNEVEN)
            self._until("the end of the route", lambda: self._status(target) == 404)

    def _with_peer(self, pod: str) -> dict[str, list[dict[str, Any]]]:
        return self._parts(**{pod: pods.pods(self._cluster, pod)})

    def _gateway_parts(self) -> dict[str, list[dict[str, Any]]]:
        cluster, selector = envoys(self._bench)
        component = "app.kubernetes.io/component"
        return self._parts(
            envoy=cluster.list("Pod", selector),
            keys=self._cluster.list("Pod", f"{component}=keys"),
            database=self._cluster.list("Pod", f"{component}=keys-database"),
        )

    def _parts(self, **more: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        return {"stub": pods.pods(self._cluster, _STUB), **more}

    def _log_to_ledger(self, wanted: bool) -> None:
        """Have Envoy tell the ledger of each request, or not."""
        proxy = self._cluster.read("EnvoyProxy", "gateway")
        assert proxy is not None
        settings = copy.deepcopy(self._log_settings)
        if not wanted:
            settings = [item for item in settings if all(sink["type"] != "OpenTelemetry" for sink in item["sinks"])]
        proxy["spec"]["telemetry"]["accessLog"]["settings"] = settings
        self._cluster.replace(proxy)
        time.sleep(5)  # until Envoy has it, which nothing tells

    def _settles(self, target: Target) -> bool:
        before = len(ledger(self._bench, "SELECT 1 FROM ledger WHERE state = 'settled'"))
        self._status(target)
        time.sleep(2)
        return len(ledger(self._bench, "SELECT 1 FROM ledger WHERE state = 'settled'")) > before

    def _status(self, target: Target) -> int:
        trusting = ssl.create_default_context(cafile=str(self.way.authority))
        request = urllib.request.Request(target.url, target.body, dict(target.headers))
        try:
            with urllib.request.urlopen(request, timeout=5, context=trusting) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def _until(self, what: str, there: Callable[[], bool]) -> None:
        until = time.monotonic() + _LIMIT_S
        while not there():
            if time.monotonic() > until:
                raise RuntimeError(f"no {what} within {_LIMIT_S:g} s")
            time.sleep(0.5)


def right(body: bytes) -> bool:
    """Whether an answer is the stub's."""
    try:
        return bool(json.loads(body) == {"outputs": {"label": [7]}})
    except ValueError:
        return False


def cpu_s(parts: dict[str, list[dict[str, Any]]]) -> dict[str, float]:
    """CPU seconds that each part has used so far."""
    return {name: pod_processes.cpu_s(there) for name, there in parts.items()}


def _json() -> dict[str, str]:
    return {"Content-Type": "application/json"}
