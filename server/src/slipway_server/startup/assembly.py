"""Load a model and put together all that answers for it, as far as the golden request says that it answers rightly."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway_server.backends.base import Session
from slipway_server.backends.loading import load, prepare
from slipway_server.drift.watch import Watch
from slipway_server.execution.batcher import Batcher
from slipway_server.execution.decision import TRIALS_LIMIT_S, BatchingError, decide_batching
from slipway_server.http.heavy import Heavy
from slipway_server.http.preparing import Preparing
from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget, set_current_lease, share_out
from slipway_server.memory.limit import memory_limit, resident
from slipway_server.page.description import openapi
from slipway_server.page.graph import graph_of_file, graph_of_whole
from slipway_server.page.pages import Pages
from slipway_server.startup.age import process_age_s
from slipway_server.startup.cpu import check_cpu, inference_threads
from slipway_server.startup.golden import why_not_ready
from slipway_server.startup.ports import StartError
from slipway_server.startup.started import tell_started
from slipway_server.steps.assembled import Materials, Steps, materials
from slipway_server.steps.hook import HookError, HookFault, HookRefusal
from slipway_server.telemetry.metrics import Metrics
from slipway_server.telemetry.statistics import Statistics
from slipway_server.values.batching import Batching
from slipway_server.values.config import ServerConfig
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature

if TYPE_CHECKING:
    from slipway_server.startup.capturing import Place


@dataclass(frozen=True)
class Parts:
    """What answers for a model, the memory that requests may take, and how many connections that is enough for."""

    service: Service
    metrics: Metrics
    pages: Pages
    budget: Budget
    connections: int


@asynccontextmanager
async def assembled(config: ServerConfig, environ: Mapping[str, str]) -> AsyncIterator[Parts]:
    """Load the model, ask the golden request, and give all of it back at the end of the block.

    Raises:
        ModelError: the model cannot be loaded.
        StartError: the golden request was answered wrongly or late.
    """
    threads = inference_threads(environ)
    model = Path(config.model.path or "")
    check_cpu(config.cpu_features, model)
    limit = config.memory_bytes or memory_limit()
    prepared = prepared_materials(config)
    place = _place(config)
    prepare(config.model)
    held = taken(prepared) + (place.held_bytes if place is not None else 0)
    shares = share_out(limit, held, _size(model), config.max_body_bytes)
    session = load(config.model, threads, shares.arena)
    loaded_s = process_age_s()
    metrics = Metrics(config.model.name, config.model.version, config.release)
    steps = fitting_steps(config, prepared, session.signature)
    batching = _decide_batching(session, steps, config)
    batcher = Batcher(session, batching, config.batch.max_wait_ms / 1000, metrics)
    heavy = Heavy(shares.work)
    preparing = Preparing(session.signature, steps, heavy, config.timeout_s)
    about = (config.model.name, config.model.version, config.release)
    service = Service(*about, session.signature, batcher, heavy, steps, preparing)
    pages = pages_of(config, session.signature, steps, _graph(config, session.signature))
    budget = Budget(shares.room, config.trusted_proxies)
    capture = None
    try:
        await ask_golden(service, config, budget)
        metrics.statistics = Statistics()  # golden requests are nobody's
        if config.drift is not None:
            watch = Watch(config.drift)
            metrics.watch_drift(watch.counted)
            service.watch(watch)
        if place is not None:
            service.capture = capture = place.capturing(config, steps, metrics)
        found = {"batching_max_rows": batching.max_rows, "batching_found": batching.found}
        tell_started(config, metrics, loaded_s, limit, shares, threads=threads, batching=batching.enabled, **found)
        yield Parts(service, metrics, pages, budget, shares.connections)
    finally:
        batcher.close()
        if capture is not None:
            capture.close()
        heavy.close()
        preparing.close()


def _place(config: ServerConfig) -> "Place | None":
    """Where samples go; None where none are kept, and then nothing is loaded for it."""
    if config.capture is None:
        return None
    from slipway_server.startup.capturing import place_of  # noqa: PLC0415 - cryptography is for who keeps samples

    return place_of(config.capture)


async def ask_golden(service: Service, config: ServerConfig, budget: Budget) -> None:
    """Raise `StartError` unless the golden request is answered rightly."""
    lease = budget.lease()
    set_current_lease(lease)
    reason = await why_not_ready(service, config.check, config.timeout_s)
    lease.close()
    if reason is not None:
        raise StartError(reason)


def pages_of(config: ServerConfig, signature: Signature, steps: Steps, graph: Callable[[], Any]) -> Pages:
    """Return what people see of a model; `graph` gives its layers when somebody looks."""
    about, gated = (config.model.name, config.model.version, signature, steps), config.gate is not None
    return Pages(lambda: openapi(*about, gated), graph)


def _graph(config: ServerConfig, signature: Signature) -> Callable[[], Any]:
    if config.model.backend == "onnxruntime":
        return partial(graph_of_file, Path(config.model.path or ""))
    return partial(graph_of_whole, signature, config.model.backend)


def taken(prepared: Materials) -> int:
    """Return the bytes of memory that the server holds before it loads a model, with the user's own functions."""
    return resident() + (resident(process=prepared.hook.process_id) if prepared.hook is not None else 0)


def prepared_materials(config: ServerConfig) -> Materials:
    """Read what stands before and after the model; `StartError` when it cannot be."""
    try:
        return materials(config.input, config.output)
    except (BadRequest, HookError) as error:
        raise StartError(str(error)) from None


def fitting_steps(config: ServerConfig, prepared: Materials, signature: Signature) -> Steps:
    """Return that as steps, held against the model; `StartError` when they do not fit."""
    sample = config.capture.sample if config.capture is not None else None
    try:
        return Steps(config.input, config.output, prepared, signature, config.quality, sample)
    except BadRequest as error:
        raise StartError(str(error)) from None


def _decide_batching(session: Session, steps: Steps, config: ServerConfig) -> Batching:
    try:
        golden = steps.read(config.check.request, config.timeout_s)
        return decide_batching(session, golden, config.batch, TRIALS_LIMIT_S)
    except (BadRequest, HookFault, HookRefusal) as error:
        raise StartError(f"golden request: {error}") from None
    except BatchingError as error:
        raise StartError(str(error)) from None


def _size(model: Path) -> int:
    """Return the bytes of a model's folder: external data lies beside the file, or in folders below."""
    return sum(file.stat().st_size for file in model.parent.rglob("*") if file.is_file())
