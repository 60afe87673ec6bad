"""Wire everything up and serve until told to stop."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict

import uvloop

from slipway_server.http.heavy import Heavy
from slipway_server.http.preparing import Preparing
from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget, share_out
from slipway_server.memory.limit import memory_limit
from slipway_server.page.graph import graph_of_pipeline
from slipway_server.startup.age import process_age_s
from slipway_server.startup.assembly import ask_golden, assembled, fitting_steps, pages_of, prepared_materials, taken
from slipway_server.startup.ports import StartError, load_grpc, load_traces, serve
from slipway_server.telemetry.log import log
from slipway_server.telemetry.metrics import Metrics
from slipway_server.telemetry.statistics import Statistics
from slipway_server.values.config import ServerConfig
from slipway_server.values.pipeline import PipelineSection

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
    load_traces(config)
    if config.pipeline is not None:
        await _run_pipeline(config, config.pipeline)
        return
    if config.language is not None:
        # llama.cpp's protocol, which a server of tensors does without.
        from slipway_server.startup.language import run_language  # noqa: PLC0415

        await run_language(config, config.language, environ)
        return
    async with assembled(config, environ) as parts:
        await serve(config, parts.service, parts.metrics, parts.pages, parts.budget, parts.connections)
    log("stopped")


async def _run_pipeline(config: ServerConfig, section: PipelineSection) -> None:
    """Serve models that answer as one.

    Behind a gateway nothing can be asked before a call brings a pass: there the golden request is sent by who deploys.
    """
    # A client for HTTP, which a server with weights does without.
    from slipway_server.pipeline.engine import NotReady, Pipeline  # noqa: PLC0415
    from slipway_server.pipeline.members import Members  # noqa: PLC0415

    limit = config.memory_bytes or memory_limit()
    prepared = prepared_materials(config)
    shares = share_out(limit, taken(prepared), 0, config.max_body_bytes)
    metrics = Metrics(config.model.name, config.model.version, config.release)
    pipeline = Pipeline(section, Members(section.services, config.timeout_s, shares.work), metrics)
    heavy = Heavy(shares.work)
    steps = fitting_steps(config, prepared, section.signature)
    preparing = Preparing(section.signature, steps, heavy, config.timeout_s)
    about = (config.model.name, config.model.version, config.release)
    service = Service(*about, section.signature, pipeline, heavy, steps, preparing)
    pages = pages_of(config, section.signature, steps, lambda: graph_of_pipeline(section))
    budget = Budget(shares.room, config.trusted_proxies)
    try:
        loaded_s = process_age_s()
        await pipeline.wait_for_members(_MEMBERS_S)
        if config.gate is None:
            await ask_golden(service, config, budget)
            metrics.statistics = Statistics()  # golden requests are nobody's
        started_s = process_age_s()
        metrics.started(load_s=loaded_s, warm_s=started_s - loaded_s)
        log("ready", model=config.model.name, version=config.model.version, models=list(section.models))
        log("memory", limit=limit, **asdict(shares))
        await serve(config, service, metrics, pages, budget, shares.connections)
    except NotReady as error:
        raise StartError(str(error)) from None
    finally:
        await pipeline.close()
        heavy.close()
        preparing.close()
    log("stopped")
