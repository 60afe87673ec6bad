"""Put together what deploys models of an environment: engine, cluster, judge, watcher, gateway."""

import threading

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.context import EnvironmentContext
from slipway.deploy.gateway import GatewayWatcher
from slipway.deploy.judge import verify
from slipway.deploy.models import Deployer
from slipway.deploy.waking import Waker
from slipway.deploy.watcher import Watcher
from slipway.engine.engine import Engine
from slipway.values.aliases import Report
from slipway.versions.recorder import Recorder


def recorder_of(context: EnvironmentContext) -> Recorder:
    """What notes the history of an environment; its warnings go to the person."""
    return Recorder(context.name, context.folders.models, console.message)


def gateway_of(context: EnvironmentContext, cancelled: threading.Event) -> GatewayWatcher | None:
    """What knows when a route is live; None where the environment has no gateway."""
    return GatewayWatcher(context.cluster, cancelled.wait) if context.has_gateway else None


def deployer_of(
    context: EnvironmentContext,
    engine: Engine,
    cancelled: threading.Event,
    report: Report,
    recorder: Recorder,
    *,
    jobs: int = 1,
    refresh: bool = False,
) -> Deployer:
    """What deploys models of an environment, by the real things."""
    running = context.running
    gateway = gateway_of(context, cancelled)
    watcher = Watcher(context.cluster, cancelled.wait)
    wake = KeysAdmin(context.cluster, context.name).wake
    return Deployer(
        context.name,
        context.cluster,
        engine,
        running.model_programs(),
        verify,
        watcher,
        report,
        cancelled,
        jobs,
        lambda name, doubted, tell: running.resume(engine, name, tell, doubted=doubted),
        refresh,
        gateway,
        Waker(context.cluster, wake, watcher) if gateway is not None else None,
        noted=recorder.deployed,
    )
