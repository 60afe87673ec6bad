"""Run a model over a file, part by part, and go on behind the parts that are there, in a folder or in a store."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import uvloop

from slipway_server.batch.addresses import Addresses
from slipway_server.batch.arrays import Arrays
from slipway_server.batch.lines import Lines
from slipway_server.batch.parts import About, BatchError, Parts, alone_in
from slipway_server.batch.stored import StoredParts
from slipway_server.batch.work import Work
from slipway_server.startup.assembly import Parts as Assembled
from slipway_server.startup.assembly import assembled
from slipway_server.telemetry.log import log
from slipway_server.values.config import ServerConfig

_SUFFIXES = (Lines.suffix, Arrays.suffix)


class _Input(Protocol):
    """What rows are read from and answered; see `Lines` and `Arrays`."""

    suffix: str
    rows: int
    digest: str
    refused: int

    async def answer(self, rows: range) -> bytes: ...

    def close(self) -> None: ...


class _Results(Protocol):
    """Where parts are; see `Parts` and `StoredParts`."""

    about: About
    mine: range

    def missing(self) -> Iterator[int]: ...

    def write(self, number: int, data: bytes) -> None: ...

    def finish(self) -> None: ...


_Open = Callable[[_Input, ServerConfig], _Results]
"""Makes the results of an input, once that is open and its rows are counted."""


def run(config: ServerConfig, environ: Mapping[str, str], source: Path, folder: Path, rows: int) -> None:
    """Write the results of all rows into a folder.

    Args:
        config: the server's, whose model, steps and limits hold here too.
        environ: the process's.
        source: a file of lines (.jsonl) or arrays (.npz).
        folder: where parts are, and go.
        rows: of one part.

    Raises:
        BatchError: the file or the folder cannot be used, or a row of arrays cannot be computed.
        ModelError, StartError: as a server's start.
    """
    _refuse_pipeline(config)
    if source.suffix not in _SUFFIXES:
        raise BatchError(f"{source}: ends in {source.suffix!r}; allowed: {', '.join(_SUFFIXES)}")
    if not source.is_file():
        raise BatchError(f"{source}: is no file; allowed: a file of rows, {' or '.join(_SUFFIXES)}")

    def results(given: _Input, config: ServerConfig) -> _Results:
        return Parts(folder, _about(given, config, rows), given.suffix)

    with alone_in(folder), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, environ, source, results))


def run_stored(config: ServerConfig, environ: Mapping[str, str], work: Work, worker: int, folder: Path) -> None:
    """Write the results of a worker's share of the rows into a store, whose addresses are in the work.

    Args:
        config: as `run`.
        environ: as `run`.
        work: what to do.
        worker: number of this one.
        folder: gets the input, whole.

    Raises:
        BatchError: as `run`.
        StoreBroke: the store does not answer, or not any more.
        ModelError, StartError: as a server's start.
    """
    _refuse_pipeline(config)
    source = folder / f"input{work.suffix}"
    addresses = Addresses(work.authority)
    addresses.fetch(work.input, source)

    def results(given: _Input, config: ServerConfig) -> _Results:
        rows = max(1, -(-given.rows // len(work.parts)))
        return StoredParts(addresses, work, _about(given, config, rows), worker)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, environ, source, results))


def _refuse_pipeline(config: ServerConfig) -> None:
    if config.pipeline is not None:
        raise BatchError("a pipeline has no model of its own; allowed: a batch of each of the models that it asks")


def _about(given: _Input, config: ServerConfig, rows: int) -> About:
    return About(given.digest, given.rows, rows, config.model.name, config.model.version, config.release)


async def _run(config: ServerConfig, environ: Mapping[str, str], source: Path, results: _Open) -> None:
    async with assembled(config, environ) as model:
        given = _opened(config, source, model)
        try:
            await _all(given, results(given, config))
        finally:
            given.close()


def _opened(config: ServerConfig, source: Path, model: Assembled) -> _Input:
    if source.suffix == Arrays.suffix:
        return Arrays(source, model.service, model.budget)
    return Lines(source, model.service, model.budget, config.max_body_bytes, config.timeout_s)


async def _all(given: _Input, parts: _Results) -> None:
    about = parts.about
    missing = list(parts.missing())
    log("batch", rows=about.rows, parts=about.parts, parts_there=len(parts.mine) - len(missing))
    for number in missing:
        before, rows = given.refused, about.rows_of(number)
        parts.write(number, await given.answer(rows))
        log("part", number=number, rows_done=rows.stop, rows=about.rows, refused=given.refused - before)
    parts.finish()
    log("done", rows=about.rows, parts=about.parts, refused=given.refused)
