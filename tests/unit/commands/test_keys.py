"""`slipway keys` and `slipway usage`, from the command line to the real admin API over a real PostgreSQL.

Between the two is a fake API server, which passes on what its Service proxy does.
"""

import asyncio
import base64
import csv
import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from slipway_keys.admin.app import admin_routes
from slipway_keys.credentials.admin_passes import AdminPasses
from slipway_keys.database.migrate import migrate, migrations
from slipway_keys.database.pool import Database
from starlette.applications import Starlette

from slipway.cli import cli
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.errors.base import SlipwayError
from slipway.errors.reaching import ApiRefused
from tests.support.fake_cluster import FakeCluster
from tests.support.keys_room import empty_room, routes_of
from tests.support.planned import FIXTURES
from tests.support.postgres import Postgres, postgres

KEY = Ed25519PrivateKey.generate()
PEM = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
SETTINGS = str(FIXTURES / "gateway/settings")


class ProxyingCluster(FakeCluster):
    """Passes calls of Service `keys`, port 8081, on to the admin API, as the API server does."""

    def __init__(self, client: "Client") -> None:
        super().__init__()
        self.client = client
        self.asked: list[str] = []
        data = {"private.pem": base64.b64encode(PEM).decode()}
        self.create({"kind": "Secret", "metadata": {"name": "keys-signing"}, "data": data})
        self.create({"kind": "Service", "metadata": {"name": "keys"}})

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        port: str = "http",
    ) -> bytes:
        assert (service, port, 0 < timeout_s <= 60) == ("keys", "8081", True)
        assert method is not None
        self.asked.append(f"{method} {path.partition('?')[0]}")
        sent = {"content-type": content_type, **(headers or {})}
        answer = self.client.request(method, path, content=body, headers=sent)
        if answer.status_code >= 300:
            raise ApiRefused(method, path, answer.status_code, answer.json()["message"])
        return answer.content


class Command:
    """Runs commands against one service; `ledger`: a URL of its database."""

    def __init__(self, cluster: ProxyingCluster, ledger: str) -> None:
        self.cluster = cluster
        self._ledger = ledger

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, [*arguments, "--settings", SETTINGS])

    def good(self, *arguments: str) -> str:
        """What a command printed on standard output, when it ended well."""
        done = self(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """The message of a command whose input was refused."""
        done = self(*arguments)
        assert isinstance(done.exception, SlipwayError), done.output
        assert done.exception.exit_code == 1
        return str(done.exception)

    def write(self, *lines: dict[str, Any]) -> None:
        """Write lines into the ledger."""

        async def run() -> None:
            connection = await asyncpg.connect(self._ledger)
            await connection.fetch("SELECT * FROM write_ledger($1::text::jsonb)", json.dumps(lines))
            await connection.close()

        asyncio.run(run())

    def call(self, request_id: str, key: str, at: float, **price: str) -> None:
        """Write one call that is over."""
        whose = {"request_id": request_id, "key": key, "account": key, "model": "digits"}
        reservation = {"kind": "reservation", **whose, "at": at, "patience_s": 330, **price}
        measured = {"status": 200, "flags": "", "bytes_in": 100, "bytes_out": 10, "seconds": 0.1, "compute_s": 0.05}
        self.write(reservation, {"kind": "settlement", **whose, "began": at, "at": at + 0.1, **measured})


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


class Client:
    """Asks an application that has a loop of its own in another thread."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, **more))


@contextmanager
def served(url: str) -> Iterator[Client]:
    database = Database(lambda: url)
    app = Starlette(routes=admin_routes(database, AdminPasses(KEY), routes_of("digits", "speech"), empty_room()))
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://keys")
    with start_blocking_portal() as portal:
        portal.call(migrate, database, migrations())
        try:
            yield Client(portal, client)
        finally:
            portal.call(client.aclose)
            portal.call(database.close)


@pytest.fixture
def command(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Command]:
    name = f"commands_{abs(hash(request.node.name))}"

    async def create() -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    with served(server.url(name)) as client:
        cluster = ProxyingCluster(client)
        monkeypatch.setattr(KubernetesRunning, "connect", lambda _: cluster)
        monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path / 'backend'}")
        yield Command(cluster, server.url(name))


def test_the_key_alone_is_on_standard_output(command: Command) -> None:
    done = command("keys", "create", "own", "--name", "Shop", "--models", "digits, speech", "--rate", "100/s")
    assert done.exit_code == 0, done.output
    [key] = done.stdout.splitlines()
    assert key.startswith("sk_")
    assert len(key) == 3 + 12 + 1 + 43
    assert "shown this once" in done.stderr
    assert key not in done.stderr


def test_a_key_with_everything_is_listed_without_its_text(command: Command) -> None:
    limits = ("--rate", "600/min", "--budget", "20usd/month", "--expires", "90d", "--roles", "predict,usage")
    made = json.loads(command.good("keys", "create", "own", "--name", "Shop", "--models", "*", *limits, "--json"))
    listed = command.good("keys", "list", "own")
    for text in (made["id"], "Shop", "*", "predict, usage", "600/min", "20usd/month", "valid"):
        assert text in listed
    assert made["key"].split("_", 2)[2] not in listed
    left_days = (time.mktime(time.strptime(made["expires_at"][:10], "%Y-%m-%d")) - time.time()) / 86_400
    assert 88 <= left_days <= 91
    [shown] = json.loads(command.good("keys", "list", "own", "--json"))["keys"]
    assert shown["budget"] == {"calls": None, "usd": "20", "per": "month"}


def test_what_is_done_to_keys_is_audited_and_no_key_is_in_it(command: Command, tmp_path: Path) -> None:
    terms = ("--rate", "600/min", "--budget", "20usd/month")
    old = json.loads(command.good("keys", "create", "own", "--name", "Shop", "--models", "digits", *terms, "--json"))
    new = command.good("keys", "rotate", "own", old["id"], "--grace", "2h").strip()
    command.good("keys", "revoke", "own", old["id"])
    command.refused("keys", "rotate", "own", old["id"])
    command.refused("keys", "revoke", "own", old["key"])
    records = json.loads(command.good("audit", "own", "--json"))["records"]
    successor = new.split("_")[1]
    assert [(one["action"], one["subject"], one["outcome"], one["details"]) for one in records[1:]] == [
        (
            "key create",
            "Shop",
            "done",
            [
                f"id: {old['id']}",
                "models: digits",
                "roles: predict",
                "rate: count 600, per_s 60",
                "budget: usd 20, per month",
            ],
        ),
        ("key rotate", old["id"], "done", [f"successor: {successor}", "grace: 2h"]),
        ("key revoke", old["id"], "done", []),
        ("key rotate", old["id"], "failed", ["grace: 1h"]),
    ]
    assert "is revoked" in records[4]["reason"]
    files = [file.read_text() for file in tmp_path.rglob("*.json")]
    assert len(files) == 5
    assert not any(key.split("_", 2)[2] in text for key in (old["key"], new) for text in files)
    assert "5 records, each as it was written" in command.good("audit", "own", "--verify")


def test_a_key_is_made_and_shown_also_where_nothing_can_be_noted(command: Command, tmp_path: Path) -> None:
    (tmp_path / "backend/slipway-audit").mkdir(parents=True)
    (tmp_path / "backend/slipway-audit/own").write_text("in the way")
    done = command("keys", "create", "own", "--name", "Shop", "--models", "digits")
    assert (done.exit_code, done.stdout[:3]) == (0, "sk_"), done.output
    assert "`key create Shop` is missing from the audit trail" in done.stderr.replace("\n", " ")


def test_a_key_is_rotated_and_revoked(command: Command) -> None:
    old = json.loads(command.good("keys", "create", "own", "--name", "Shop", "--models", "digits", "--json"))
    done = command("keys", "rotate", "own", old["id"], "--grace", "2h")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("sk_")
    assert f"key {old['id']} is valid until" in done.stderr
    assert "refused within seconds" in command("keys", "revoke", "own", old["id"]).stderr
    states = {row["id"]: row["state"] for row in json.loads(command.good("keys", "list", "own", "--json"))["keys"]}
    assert sorted(states.values()) == ["revoked", "valid"]
    assert states[old["id"]] == "revoked"
    assert "is revoked" in command.refused("keys", "rotate", "own", old["id"])


def test_a_request_is_approved_and_another_refused(command: Command) -> None:
    ask = {"name": "Shop", "contact": "shop@example.com", "models": "digits"}
    for _ in range(2):
        assert command.cluster.client.request("POST", "/page/request", data=ask).status_code == 200
    first, second = json.loads(command.good("keys", "requests", "own", "--json"))["requests"]
    assert "shop@example.com" in command.good("keys", "requests", "own")
    done = command("keys", "approve", "own", first["id"], "--expires", "30d", "--budget", "1000/day")
    assert (done.exit_code, done.stdout) == (0, "")
    command.good("keys", "refuse", "own", second["id"])
    states = [one["state"] for one in json.loads(command.good("keys", "requests", "own", "--json"))["requests"]]
    assert sorted(states) == ["approved", "refused"]
    assert "is approved already" in command.refused("keys", "approve", "own", first["id"])


def test_usage_is_shown_in_each_format(command: Command) -> None:
    made = json.loads(command.good("keys", "create", "own", "--name", "Shop", "--models", "digits", "--json"))
    for n in range(3):
        command.call(f"r-{n}", made["id"], time.time() - 1, per_call="0.0002")
    table = command.good("usage", "own", "--by", "key,model")
    assert made["id"] in table
    assert "0.0006" in table
    [row] = csv.DictReader(io.StringIO(command.good("usage", "own", "--by", "model", "--format", "csv")))
    assert (row["model"], row["calls"], row["bytes_in"], row["tokens"], row["usd"]) == (
        "digits",
        "3",
        "300",
        "-",
        "0.0006",
    )
    [row] = json.loads(command.good("usage", "own", "--by", "key", "--format", "json"))["rows"]
    assert (row["key"], row["name"], row["calls"]) == (made["id"], "Shop", 3)
    events = [json.loads(line) for line in command.good("usage", "own", "--format", "cloudevents").splitlines()]
    assert sorted(event["id"] for event in events) == ["r-0", "r-1", "r-2"]
    assert {(event["source"], event["subject"]) for event in events} == {("slipway/own", made["id"])}
    events = [json.loads(line) for line in command.good("usage", "own", "--format", "lago").splitlines()]
    assert {event["external_subscription_id"] for event in events} == {made["id"]}
    assert command.good("usage", "own", "--to", "2026-01-31", "--from", "2026-01-01", "--format", "cloudevents") == ""


def test_a_statement_is_shown_in_each_format(command: Command) -> None:
    made = json.loads(command.good("keys", "create", "own", "--name", "Shop", "--models", "digits", "--json"))
    command.call("r", made["id"], time.time() - 1, per_call="1.5", per_month="20")
    shown = command.good("usage", "own", "--statement", made["id"])
    assert f"Shop ({made['id']})" in shown
    assert "preliminary: 21.50 USD" in shown
    rows = list(csv.DictReader(io.StringIO(command.good("usage", "own", "--statement", made["id"], "--format", "csv"))))
    assert [(row["model"], row["calls_usd"], row["subscription_usd"], row["usd"]) for row in rows] == [
        ("digits", "1.5", "20", "21.5"),
        ("total", "", "", "21.50"),
    ]
    found = json.loads(
        command.good("usage", "own", "--statement", made["id"], "--month", "2026-01", "--format", "json")
    )
    assert (found["lines"], found["total_usd"], found["state"]) == ([], "0.00", "final")


CREATE = ("keys", "create", "own", "--name", "Shop", "--models", "digits")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((*CREATE, "--rate", "fast"), '--rate: "fast" is not a rate; allowed: calls per second or minute'),
        ((*CREATE, "--rate", "0/s"), "--rate:"),
        ((*CREATE, "--budget", "20"), '--budget: "20" is not a budget'),
        ((*CREATE, "--budget", "0usd/month"), "--budget:"),
        ((*CREATE, "--expires", "tomorrow"), '--expires: "tomorrow" is not a length of time'),
        ((*CREATE, "--expires", "99999d"), "at most 3660d"),
        ((*CREATE, "--roles", "root"), "roles.0"),
        ((*CREATE[:-1], "digit"), "'digit' is not reached through the gateway; allowed: digits, speech"),
        ((*CREATE[:-1], ","), "models:"),
        (("keys", "rotate", "own", "aaaaaaaaaaaa", "--grace", "-1h"), "--grace:"),
        (("keys", "revoke", "own", "aaaaaaaaaaaa"), "'aaaaaaaaaaaa' is not known"),
        (("keys", "revoke", "own", "../requests"), "is not an id"),
        (("keys", "refuse", "own", "abc"), "request: 'abc' is not known"),
        (("usage", "own", "--by", "color"), '--by: "color" is not what usage is summed by'),
        (("usage", "own", "--by", "key,key"), "is written twice"),
        (("usage", "own", "--from", "2026-02-01", "--to", "2026-01-01"), "is after --to 2026-01-01"),
        (("usage", "own", "--from", "2020-01-01", "--to", "2026-01-01"), "more than two years"),
        (("usage", "own", "--statement", "aaaaaaaaaaaa"), "'aaaaaaaaaaaa' is not known"),
        (("usage", "own", "--statement", "aaaaaaaaaaaa", "--month", "May"), '--month: "May" is not a month'),
        (("usage", "own", "--statement", "aaaaaaaaaaaa", "--format", "lago"), "leave --statement out"),
    ],
)
def test_wrong_input_is_refused_with_what_is_allowed(command: Command, arguments: tuple[str, ...], told: str) -> None:
    assert told in command.refused(*arguments)
    assert json.loads(command.good("keys", "list", "own", "--json"))["keys"] == []


SECRET = f"sk_{'a' * 12}_{'B' * 43}"


@pytest.mark.parametrize(
    "arguments",
    [("keys", "revoke", "own", SECRET), ("keys", "rotate", "own", SECRET), ("usage", "own", "--statement", SECRET)],
)
def test_a_key_instead_of_its_id_is_neither_sent_nor_repeated(command: Command, arguments: tuple[str, ...]) -> None:
    message = command.refused(*arguments)
    assert "this is a key" in message
    assert SECRET not in message
    assert command.cluster.asked == []


def test_options_that_do_not_go_together_are_refused(command: Command) -> None:
    for arguments in (("--month", "2026-01"), ("--statement", "x", "--from", "2026-01-01")):
        done = command("usage", "own", *arguments)
        assert (done.exit_code, "next:" in done.output) == (2, True)
    assert command.cluster.asked == []


def test_without_a_gateway_it_says_what_to_add(command: Command) -> None:
    command.cluster.delete("Secret", "keys-signing")
    done = command("keys", "list", "own")
    assert isinstance(done.exception, SlipwayError)
    assert "add `gateway` to its settings" in str(done.exception)


def test_a_service_that_is_away_is_told_from_an_unknown_id(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(status: int, message: str) -> None:
        def answer(*_: object, **__: object) -> bytes:
            raise ApiRefused("GET", "/", status, message)

        monkeypatch.setattr(command.cluster, "through_service", answer)

    for status, message in ((503, "no endpoints available for service"), (502, "bad gateway"), (504, "timeout")):
        refusing(status, message)
        done = command("keys", "list", "own")
        assert isinstance(done.exception, SlipwayError)
        assert (done.exception.exit_code, f"does not answer: {message}" in str(done.exception)) == (3, True)
    command.cluster.delete("Service", "keys")
    refusing(404, 'services "keys" not found')
    assert "there is no Service keys" in str(command("keys", "list", "own").exception)
