"""Wire everything up and serve until told to stop."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import uvloop

from slipway_server.execution.batcher import Batcher
from slipway_server.execution.decision import TRIALS_LIMIT_S, BatchingError, decide_batching
from slipway_server.execution.session import Session
from slipway_server.http.heavy import Heavy
from slipway_server.http.preparing import Preparing
from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget, set_current_lease, share_out
from slipway_server.memory.limit import memory_limit, resident
from slipway_server.startup.age import process_age_s
from slipway_server.startup.cpu import inference_threads
from slipway_server.startup.golden import why_not_ready
from slipway_server.startup.ports import StartError, load_grpc, serve
from slipway_server.steps.assembled import Materials, Steps, materials
from slipway_server.steps.hook import HookError, HookFault, HookRefusal
from slipway_server.telemetry.log import log
from slipway_server.telemetry.metrics import Metrics
from slipway_server.telemetry.statistics import Statistics
from slipway_server.values.batching import Batching
from slipway_server.values.config import ServerConfig
from slipway_server.values.errors import BadRequest
from slipway_server.values.pipeline import PipelineSection
from slipway_server.values.signature import Signature

# uvloop takes Python's lock anew for each event. While another thread reads a large body, each event waits for so long;
# with Python's own 5 ms a thousand events took 5 s.
_SWITCH_INTERVAL_S = 1e-4
# How long a pipeline waits for its models before it gives up, and is started again.
_MEMBERS_S = 60.0


def run(config: ServerConfig, environ: Mapping[str, str]) -> None:
    """Load the model, ask the golden request, serve until SIGTERM or SIGINT, and stop gracefully.

    Raises:
        ModelError: the model cannot be loaded.
        StartError: the golden request was answered wrongly or late, or the port cannot be had.
    """
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(config, environ))


async def _run(config: ServerConfig, environ: Mapping[str, str]) -> None:
    load_grpc(config)
    if config.pipeline is not None:
        await _run_pipeline(config, config.pipeline)
        return
    threads = inference_threads(environ)
    model = Path(config.model.path or "")
    limit = config.memory_bytes or memory_limit()
    prepared = _materials(config)
    shares = share_out(limit, _taken(prepared), _size(model), config.max_body_bytes)
    session = Session(model, threads, shares.arena)
    loaded_s = process_age_s()
    metrics = Metrics(config.model.name, config.model.version, config.release)
    steps = _steps(config, prepared, session.signature)
    batching = _decide_batching(session, steps, config)
    batcher = Batcher(session, batching, config.batch.max_wait_ms / 1000, metrics)
    heavy = Heavy(shares.work)
    preparing = Preparing(session.signature, steps, heavy, config.timeout_s)
    about = (config.model.name, config.model.version, config.release)
    service = Service(*about, session.signature, batcher, heavy, steps, preparing)
    budget = Budget(shares.room, config.trusted_proxies)
    try:
        await _check(service, config, budget)
        metrics.statistics = Statistics()  # golden requests are nobody's
        started_s = process_age_s()
        metrics.started(load_s=loaded_s, warm_s=started_s - loaded_s)
        log(
            "ready",
            model=config.model.name,
            version=config.model.version,
            threads=threads,
            batching=batching.enabled,
            batching_max_rows=batching.max_rows,
            batching_found=batching.found,
            load_s=round(loaded_s, 2),
            warm_s=round(started_s - loaded_s, 2),
        )
        log("memory", limit=limit, **asdict(shares))
        await serve(config, service, metrics, budget, shares.connections)
    finally:
        batcher.close()
        heavy.close()
        preparing.close()
    log("stopped")


async def _run_pipeline(config: ServerConfig, section: PipelineSection) -> None:
    """Serve models that answer as one.

    Behind a gateway nothing can be asked before a call brings a pass: there the golden request is sent by who deploys.
    """
    # A client for HTTP, which a server with weights does without.
    from slipway_server.pipeline.engine import NotReady, Pipeline  # noqa: PLC0415
    from slipway_server.pipeline.members import Members  # noqa: PLC0415

    limit = config.memory_bytes or memory_limit()
    prepared = _materials(config)
    shares = share_out(limit, _taken(prepared), 0, config.max_body_bytes)
    metrics = Metrics(config.model.name, config.model.version, config.release)
    pipeline = Pipeline(section, Members(section.services, config.timeout_s, shares.work), metrics)
    heavy = Heavy(shares.work)
    steps = _steps(config, prepared, section.signature)
    preparing = Preparing(section.signature, steps, heavy, config.timeout_s)
    about = (config.model.name, config.model.version, config.release)
    service = Service(*about, section.signature, pipeline, heavy, steps, preparing)
    budget = Budget(shares.room, config.trusted_proxies)
    try:
        loaded_s = process_age_s()
        await pipeline.wait_for_members(_MEMBERS_S)
        if config.gate is None:
            await _check(service, config, budget)
            metrics.statistics = Statistics()  # golden requests are nobody's
        started_s = process_age_s()
        metrics.started(load_s=loaded_s, warm_s=started_s - loaded_s)
        log("ready", model=config.model.name, version=config.model.version, models=list(section.models))
        log("memory", limit=limit, **asdict(shares))
        await serve(config, service, metrics, budget, shares.connections)
    except NotReady as error:
        raise StartError(str(error)) from None
    finally:
        await pipeline.close()
        heavy.close()
        preparing.close()
    log("stopped")


async def _check(service: Service, config: ServerConfig, budget: Budget) -> None:
    """Raise `StartError` unless the golden request is answered rightly."""
    lease = budget.lease()
    set_current_lease(lease)
    reason = await why_not_ready(service, config.check, config.timeout_s)
    lease.close()
    if reason is not None:
        raise StartError(reason)


def _taken(prepared: Materials) -> int:
    """Return the bytes of memory that the server holds before it loads a model, with the user's own functions."""
    return resident() + (resident(process=prepared.hook.process_id) if prepared.hook is not None else 0)


def _materials(config: ServerConfig) -> Materials:
    try:
        return materials(config.input, config.output)
    except (BadRequest, HookError) as error:
        raise StartError(str(error)) from None


def _steps(config: ServerConfig, prepared: Materials, signature: Signature) -> Steps:
    try:
        return Steps(config.input, config.output, prepared, signature)
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
