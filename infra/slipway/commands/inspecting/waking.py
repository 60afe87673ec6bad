"""Wake a model that sleeps for a command that asks it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from slipway import console
from slipway.cluster.keys_admin import KeysAdmin
from slipway.commands.context import EnvironmentContext
from slipway.deploy.record import Live
from slipway.deploy.waking import Waker
from slipway.deploy.watcher import Watcher


@contextmanager
def awake(context: EnvironmentContext, live: Live) -> Iterator[None]:
    """Keep a model awake while the block runs, which begins when a replica is ready; nothing for one that serves.

    Raises:
        NotWoken: no replica was started.
        RolloutFailed: one was, and does not come up.
    """
    if not live.asleep:
        yield
        return

    def tell(text: str) -> None:
        console.message(f"{live.model}: {text}")

    watcher = Watcher(context.cluster, _pause)
    waker = Waker(context.cluster, KeysAdmin(context.cluster, context.name).wake, watcher)
    with waker.awake(live.model, tell, asleep=True):
        watcher.wait(live.model, live.release, tell)
        yield


def _pause(seconds: float) -> bool:
    """Nobody stops it but Ctrl-C."""
    time.sleep(seconds)
    return False
