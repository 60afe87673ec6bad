"""Kills of the service and of PostgreSQL, a database that is away, a full disk: what is lost, and who is let in."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from ledger_reading import Books
from service import Home, Service, home, record, until
from slipway_keys.database import keys
from slipway_keys.values.keys import Budget, Rate

from tests.support.postgres import Postgres, postgres


@pytest.fixture
def own_server() -> Iterator[Postgres]:
    """A PostgreSQL that the test may kill."""
    with postgres() as server:
        yield server


@pytest.fixture
def own(own_server: Postgres, tmp_path: Path) -> Iterator[tuple[Postgres, Home, Books]]:
    """A home on such a server."""
    books = Books(own_server.url())
    with home(tmp_path, own_server.url()) as made:
        made.api.set("digits")
        yield own_server, made, books
    books.close()


class Load(threading.Thread):
    """Calls without a pause; remembers which were let in, as the gateway would."""

    def __init__(self, key: str) -> None:
        super().__init__(daemon=True)
        self.replica: Service | None = None
        self.admitted: list[str] = []
        self._key = key
        self._over = threading.Event()

    def run(self) -> None:
        """Call until told to stop."""
        while not self._over.is_set():
            replica = self.replica
            if replica is None:
                time.sleep(0.01)
                continue
            request_id = str(uuid4())
            own = Service(replica.process, replica.log, replica.journal, replica.ports)
            try:
                for _ in range(50):
                    if own.check("digits", self._key, request_id).status == 200:
                        self.admitted.append(request_id)
                    request_id = str(uuid4())
            except OSError:
                time.sleep(0.01)
            except Exception:
                time.sleep(0.01)

    def end(self) -> None:
        """Stop."""
        self._over.set()
        self.join(30)


def test_no_kill_of_the_service_loses_or_doubles_a_call(home: Home, books: Books) -> None:
    _, text = books.key()
    load = Load(text)
    load.start()
    chance = random.Random(7)
    for _ in range(5):
        load.replica = home.start()
        time.sleep(chance.uniform(0.2, 0.8))
        load.replica.kill()
        load.replica = None
    load.end()
    last = home.start()
    until(lambda: last.metric("slipway_keys_journal_pending_bytes") == 0)
    assert len(load.admitted) > 100
    assert set(load.admitted) <= books.lines().keys()
    # One per kill may have been written down and not answered any more.
    assert len(books.lines()) - len(load.admitted) <= 5


def test_a_settlement_that_was_acknowledged_survives_a_kill(home: Home, books: Books) -> None:
    home.api.set("digits", auth="none")
    replica = home.start(ready=False, SLIPWAY_KEYS_DATABASE_URL_FILE=str(home.folder / "no-such-file"))
    until(lambda: replica.check("digits").status == 200)
    ids = [str(uuid4()) for _ in range(20)]
    replica.settle(*(record(replica.check("digits", request_id=request_id), request_id) for request_id in ids))
    replica.kill()
    home.start()
    until(lambda: set(ids) <= {name for name, line in books.lines().items() if line["state"] == "settled"})


def test_no_kill_of_postgresql_loses_or_doubles_a_call(own: tuple[Postgres, Home, Books]) -> None:
    server, made, books = own
    _, text = books.key()
    replica = made.start()
    load = Load(text)
    load.replica = replica
    load.start()
    for _ in range(3):
        time.sleep(0.5)
        server.kill()
        time.sleep(0.5)
        server.start()
    time.sleep(1)
    load.end()
    until(lambda: replica.metric("slipway_keys_journal_pending_bytes") == 0)
    assert len(load.admitted) > 100
    assert set(load.admitted) == set(books.lines())


def test_a_budget_survives_kills_of_postgresql(own: tuple[Postgres, Home, Books]) -> None:
    server, made, books = own
    _, text = books.key(budget=Budget(60, None, "month"))
    replica = made.start()
    admitted = 0
    for _ in range(3):
        for _ in range(30):
            admitted += replica.check("digits", text).status == 200
        server.kill()
        server.start()
        time.sleep(1.2)
    for _ in range(60):
        admitted += replica.check("digits", text).status == 200
    assert admitted == 60


def test_without_the_database_known_keys_go_on_others_are_503(own: tuple[Postgres, Home, Books]) -> None:
    server, made, books = own
    (_, plain), (_, rated), (_, budgeted), (_, never_seen), (_, other) = (
        books.key(),
        books.key(rate=Rate(3, 60)),
        books.key(budget=Budget(1000, None, "day")),
        books.key(),
        books.key("speech"),
    )
    replica = made.start()
    for text in (plain, rated, budgeted):
        assert replica.check("digits", text).status == 200
    assert replica.check("digits", other).status == 403
    server.stop()
    request_id = str(uuid4())
    assert replica.check("digits", plain, request_id).status == 200
    # Its rate is this replica's now: anew, since the database had the count.
    assert [replica.check("digits", rated).status for _ in range(4)] == [200, 200, 200, 429]
    closed = replica.check("digits", budgeted)
    assert (closed.status, closed.retry_s) == (503, 2)
    assert replica.check("digits", never_seen).status == 503
    assert replica.check("digits", other).status == 403
    assert replica.get("/readyz")[0] == 200
    assert replica.metric("slipway_keys_journal_pending_bytes") > 0
    server.start()
    until(lambda: request_id in books.lines())
    until(lambda: replica.check("digits", budgeted).status == 200)
    assert replica.check("digits", never_seen).status == 200


def test_a_key_that_was_not_confirmed_for_a_minute_is_503(own: tuple[Postgres, Home, Books]) -> None:
    server, made, books = own
    _, text = books.key()
    hurried = made.folder / "hurried"
    hurried.mkdir()
    # A minute in a second: the clock that ages are measured by runs sixty times as fast.
    (hurried / "sitecustomize.py").write_text(
        "import time\nreal, began = time.monotonic, time.monotonic()\n"
        "time.monotonic = lambda: began + (real() - began) * 20\n"
    )
    replica = made.start(PYTHONPATH=str(hurried))
    assert replica.check("digits", text).status == 200
    server.stop()
    assert replica.check("digits", text).status == 200
    time.sleep(3.5)
    answer = replica.check("digits", text)
    assert (answer.status, answer.problem) == (503, "keys cannot be checked now: try again")


def test_a_revocation_while_the_database_is_away_from_one_replica_holds_when_it_is_back(
    own: tuple[Postgres, Home, Books],
) -> None:
    server, made, books = own
    key, text = books.key()
    replica = made.start()
    assert replica.check("digits", text).status == 200
    server.kill()
    server.start()
    fresh = Books(server.url())
    fresh.run(keys.revoke(fresh.database, key.id))
    fresh.close()
    until(lambda: replica.check("digits", text).status == 401, limit_s=8)


def test_it_starts_without_the_database_and_gets_ready_when_that_comes(own: tuple[Postgres, Home, Books]) -> None:
    server, made, books = own
    _, text = books.key()
    server.stop()
    replica = made.start(ready=False)
    assert replica.get("/healthz")[0] == 200
    assert replica.get("/readyz")[0] == 503
    until(lambda: replica.check("digits", text).status == 503)
    server.start()
    until(lambda: replica.get("/readyz")[0] == 200)
    until(lambda: replica.check("digits", text).status == 200)


def test_sigterm_brings_everything_into_the_database(home: Home, books: Books) -> None:
    _, text = books.key()
    replica = home.start()
    ids = [str(uuid4()) for _ in range(200)]
    for request_id in ids:
        assert replica.check("digits", text, request_id).status == 200
    assert replica.stop() == 0
    assert set(ids) <= books.lines().keys()
    assert not list(replica.journal.glob("*.ndjson"))
    assert replica.events()[-1]["event"] == "stopped"


def test_sigterm_without_a_database_says_what_is_left(own: tuple[Postgres, Home, Books]) -> None:
    server, made, books = own
    _, text = books.key()
    replica = made.start()
    request_id = str(uuid4())
    assert replica.check("digits", text).status == 200
    server.stop()
    assert replica.check("digits", text, request_id).status == 200
    replica.process.terminate()
    until(lambda: replica.process.poll() is not None, limit_s=60)
    assert any(event["event"] == "journal not empty" for event in replica.events())
    server.start()
    made.start()
    until(lambda: request_id in books.lines())
