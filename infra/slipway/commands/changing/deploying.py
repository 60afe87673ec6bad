"""Put together what deploys models of an environment: engine, cluster, judge, watcher, gateway."""

import threading
from collections.abc import Sequence
from functools import cache
from urllib.parse import urlsplit

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.changing.session import Options
from slipway.commands.context import EnvironmentContext
from slipway.commands.inspecting.gateway import authority_of
from slipway.commands.inspecting.live import reachable
from slipway.deploy.front.counted import GatewayCounts
from slipway.deploy.front.door import FrontDoor, Keys
from slipway.deploy.gateway import GatewayWatcher
from slipway.deploy.judge import verify
from slipway.deploy.models import Deployer, ModelResult
from slipway.deploy.waking import Waker
from slipway.deploy.watcher import Watcher
from slipway.engine.engine import Engine
from slipway.planner.environment import ModelPlan
from slipway.values.aliases import Report
from slipway.versions.recorder import Recorder
from slipway.versions.write_back import WriteBack


def recorder_of(context: EnvironmentContext) -> Recorder:
    """What notes the history of an environment; its warnings go to the person."""
    if (promotion := context.promotion) is not None:
        source = promotion.source
        return Recorder(context.name, context.folders.models, console.message, action="promote", source=source)
    return Recorder(context.name, context.folders.models, console.message)


def write_back_of(context: EnvironmentContext) -> WriteBack:
    """What notes in a registry of models what serves; its lines go to the person."""
    return WriteBack(context.name, context.settings, console.message)


def gateway_of(context: EnvironmentContext, cancelled: threading.Event) -> GatewayWatcher | None:
    """What knows when a route is live; None where the environment has no gateway."""
    return GatewayWatcher(context.cluster, cancelled.wait) if context.has_gateway else None


def front_door(context: EnvironmentContext) -> FrontDoor:
    """Asks the models of an environment the way their clients do."""
    keys = Keys(KeysAdmin(context.cluster, context.name).post)

    def authority() -> str | None:
        return authority_of(context) if context.running.own_authority else None

    @cache
    def listens(host: str) -> bool:
        return reachable(f"https://{host}")

    return FrontDoor(keys, authority, lambda url: listens(urlsplit(url).netloc), context.cluster.namespace)


def deployer_of(
    context: EnvironmentContext,
    engine: Engine,
    cancelled: threading.Event,
    report: Report,
    recorder: Recorder,
    options: Options,
    pipelines: Sequence[ModelPlan] = (),
) -> Deployer:
    """What deploys models of an environment, by the real things, as the options have it.

    `pipelines`: see `Deployer`.
    """
    running = context.running
    gateway = gateway_of(context, cancelled)
    watcher = Watcher(context.cluster, cancelled.wait)
    wake = KeysAdmin(context.cluster, context.name).wake
    registry = write_back_of(context)

    def noted(model: ModelPlan, done: ModelResult) -> None:
        recorder.deployed(model, done)
        registry.deployed(model, done)

    return Deployer(
        context.name,
        context.cluster,
        engine,
        running.model_programs(),
        verify,
        watcher,
        report,
        cancelled,
        options.jobs,
        lambda name, doubted, tell: running.resume(engine, name, tell, doubted=doubted),
        options.refresh,
        gateway,
        Waker(context.cluster, wake, watcher) if gateway is not None else None,
        options.detach,
        front_door(context) if gateway is not None else None,
        GatewayCounts(context.cluster) if gateway is not None else None,
        noted=noted,
        again=options.again,
        pipelines=pipelines,
    )
