"""An environment with a gateway of its own on the local cluster: how a test calls it, and reads its ledger."""

import asyncio
import base64
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from slipway.cluster.api import Cluster
from slipway.deploy.front.door import KEY_NAME
from slipway.values.names import KEYS_DATABASE
from tests.support.open_loop import Answer, Target
from tests.support.workbench import Workbench

CONTROLLER_NAMESPACE = "envoy-gateway-system"
ENVOY_IMAGE = "127.0.0.1:5000/slipway/envoy:1.39.1"
_PORTS = range(30700, 31700)
"""Any: Envoys of the test before hold theirs while they drain, and Envoy Gateway does not try a taken one again."""
_DATABASE_S = 60.0
"""A killed database has to play its log again before it answers."""
_BODY = json.dumps({"inputs": {"a": [[1, 1, 1]], "b": [[0, 0, 0]]}}).encode()


def with_gateway(bench: Workbench, replicas: int) -> None:
    """Give an environment a gateway on some port of this machine's loopback, with so many Envoys and keys services."""
    settings = bench.settings["config"]["slipway:environment"]
    for name in ("service_type", "node_address"):
        settings.pop(name, None)
    database = {"image": "127.0.0.1:5000/slipway/postgres:15", "storage": "1Gi", "storage_class": "local"}
    bench.write_settings(
        gateway={
            "domain": "localhost",
            "certificate": "self-signed",
            "service_type": "NodePort",
            "port": random.choice(_PORTS),
            "replicas": replicas,
            "envoy_image": ENVOY_IMAGE,
            "database": {"in_cluster": database},
        }
    )


@dataclass(frozen=True)
class Way:
    """The way in as a client has it: an address, a key, and the authority that it trusts."""

    port: int
    key: str = field(repr=False)
    authority: Path

    def to(self, model: str) -> Target:
        """The request that a model of `Workbench.write` answers with its factor, three times."""
        return self.asking(f"/models/{model}/predict", _BODY)

    def asking(self, path: str, body: bytes = b"") -> Target:
        """A request with the key."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        return Target(f"https://localhost:{self.port}{path}", body, headers=headers)


def way_in(bench: Workbench, *models: str) -> Way:
    """Make a key for models of an environment that is up, and write down the gateway's authority."""
    authority = bench.folder / "ca.crt"
    authority.write_text(bench.well("gateway-ca", bench.environment))
    made = bench.well(
        "keys", "create", bench.environment, "--name", "load", "--models", ",".join(models), "--json"
    )  # fmt: skip
    port = bench.settings["config"]["slipway:environment"]["gateway"]["port"]
    return Way(port, str(json.loads(made)["key"]), authority)


def factor(answer: Answer) -> float | None:
    """By which a model multiplied; None when the answer is none of `Workbench.write`'s models."""
    try:
        ((first, *_),) = json.loads(answer.body)["outputs"]["y"]
    except (ValueError, KeyError, TypeError):
        return None
    return float(first)


def envoys(bench: Workbench) -> tuple[Cluster, str]:
    """The namespace in which the environment's Envoys run, and the selector of their pods."""
    owner = "gateway.envoyproxy.io/owning-gateway-namespace"
    return Cluster("slipway-local", CONTROLLER_NAMESPACE), f"{owner}={bench.namespace}"


_OF_CLIENTS = f"SELECT * FROM ledger WHERE key NOT IN (SELECT id FROM keys WHERE name = '{KEY_NAME}')"
"""Without the calls that `slipway up` makes itself."""


def ledger(bench: Workbench, query: str = _OF_CLIENTS) -> list[Any]:
    """Ask the database itself, at its pod's own address, as soon as it is there; the service is not in between."""
    secret = bench.cluster.read("Secret", KEYS_DATABASE)
    assert secret is not None
    url = urlsplit(base64.b64decode(secret["data"]["url"]).decode())

    async def ask() -> list[Any]:
        pods = bench.cluster.list("Pod", "app.kubernetes.io/component=keys-database")
        connection = await asyncpg.connect(
            host=pods[0]["status"]["podIP"],
            port=url.port,
            user=url.username,
            password=url.password,
            database=url.path[1:],
            timeout=10,
        )
        try:
            return list(await connection.fetch(query))
        finally:
            await connection.close()

    until = time.monotonic() + _DATABASE_S
    while True:
        try:
            return asyncio.run(ask())
        except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError):
            if time.monotonic() > until:
                raise
            time.sleep(1)
