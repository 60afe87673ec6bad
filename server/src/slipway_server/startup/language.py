"""Serve a language model: load it, ask the golden request, and answer until told to stop."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from slipway_server.http.lifecycle import State
from slipway_server.language.app import Language, build_language_app
from slipway_server.language.engine import Engine, EngineRefused, ModelUnusable
from slipway_server.language.generation import Generator, whole
from slipway_server.memory.budget import Budget, share_out
from slipway_server.memory.limit import memory_limit, resident
from slipway_server.protocol.language import parse_ask
from slipway_server.startup.age import process_age_s
from slipway_server.startup.cpu import check_cpu, inference_threads
from slipway_server.startup.ports import StartError, passes_of, serve_app, traces_of
from slipway_server.startup.started import tell_started
from slipway_server.telemetry.language import LanguageMetrics
from slipway_server.telemetry.log import log
from slipway_server.telemetry.metrics import Metrics
from slipway_server.values.config import ServerConfig
from slipway_server.values.errors import BadRequest
from slipway_server.values.expect import judge
from slipway_server.values.language import LanguageSection
from slipway_server.values.pointer import found_in


async def run_language(config: ServerConfig, section: LanguageSection, environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or SIGINT, and stop gracefully.

    Raises:
        StartError: the model cannot be loaded, or answers the golden request wrongly or late.
    """
    check_cpu(config.cpu_features, None)
    threads = inference_threads(environ)
    limit = config.memory_bytes or memory_limit()
    try:
        engine = Engine(section, Path(config.model.path or ""), threads)
    except ModelUnusable as error:
        raise StartError(str(error)) from None
    loaded_s = process_age_s()
    metrics = Metrics(config.model.name, config.model.version, config.release)
    generator = Generator(engine, section)
    metrics.watch_queue(lambda: generator.waiting)
    # The model and the memory of its slots are there already: what is left is for requests.
    shares = share_out(limit, resident(), 0, config.max_body_bytes)
    try:
        reason = await _why_not_ready(config, Language(config, section, generator))
        if reason is not None:
            raise StartError(f"golden request: {reason}")
        generator.metrics = LanguageMetrics(metrics)
        found = {"threads": threads, "context": section.context, "slots": section.slots}
        tell_started(config, metrics, loaded_s, limit, shares, **found)
        state = State()
        app = build_language_app(Language(config, section, generator), metrics, state)
        budget = Budget(shares.room, config.trusted_proxies)
        passes, traces = passes_of(config), traces_of(config, metrics)
        await serve_app(config, app, state, metrics, budget, shares.connections, passes, traces)
    finally:
        await asyncio.to_thread(generator.close)
        engine.close()
    log("stopped")


async def _why_not_ready(config: ServerConfig, language: Language) -> str | None:
    """Return None if the golden request gets the right answer in time, else the sentence that says why not.

    As everywhere the first answer is not timed; the second must come within the check's time-out.
    """
    limit_s = config.timeout_s
    try:
        ask = parse_ask("chat", config.check.request, language.section.context)
        for limit_s in (config.timeout_s, config.check.timeout_s):
            async with asyncio.timeout(limit_s):
                answer = await whole(language.generator.pieces(ask, _adapter(language, ask.model)))
    except TimeoutError:
        return f"no answer within {limit_s} s"
    except (BadRequest, EngineRefused) as error:
        return str(error)
    reason = judge(dict(found_in(answer, config.check.expect)), config.check.expect)
    return None if reason is None else f"wrong answer: {reason}"


def _adapter(language: Language, model: str | None) -> str | None:
    if model in (None, "", *language.names):
        return language.adapter_of(model)
    raise BadRequest("model", f"is {model!r}", ", ".join(language.names))
