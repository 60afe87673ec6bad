"""A PostgreSQL that all tests of a process share, and an empty, migrated database for each that asks."""

import asyncio
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.support.postgres import Postgres, postgres

# The helpers beside this file are plain modules.
sys.path.insert(0, str(Path(__file__).parent))

import ledger_reading
import service

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """The shared server: nobody stops it."""
    with postgres() as running:
        yield running


@pytest.fixture
def empty_url(server: Postgres) -> str:
    """The URL of a new, empty database."""
    name = f"keys_{next(_numbers)}"

    async def create() -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()

    asyncio.run(create())
    return server.url(name)


@pytest.fixture
def home(empty_url: str, tmp_path: Path) -> Iterator[service.Home]:
    """What replicas share, with the model `digits` behind keys."""
    with service.home(tmp_path, empty_url) as made:
        made.api.set("digits")
        yield made


@pytest.fixture
def books(empty_url: str) -> Iterator[ledger_reading.Books]:
    """The database, asked directly."""
    made = ledger_reading.Books(empty_url)
    yield made
    made.close()
