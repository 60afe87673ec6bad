"""Wake a model that sleeps, and keep it awake while it is updated, judged or asked.

The keys service counts who waits for a model, and KEDA starts a replica for them. A wake is a demand like a client's,
and ends by itself after half a minute: a run that is killed leaves nothing that keeps a model awake.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from slipway.cluster.autoscalers import SCALED_OBJECT, trouble_of_scaler
from slipway.cluster.rollout import ASLEEP_S
from slipway.deploy.ports import ClusterApi
from slipway.deploy.watcher import POLL_S, Watcher
from slipway.errors.base import DeployError, SlipwayError
from slipway.errors.failures import Interrupted
from slipway.errors.reaching import ClusterUnreachable
from slipway.values.aliases import Tell

RENEW_S = 10.0
"""A wake holds for 30 s: two may be lost while the keys service restarts."""
_RETRY_S = 1.0
"""The keys service does not know a new model until its route is there, and that may sleep soon after."""


class NotWoken(DeployError):
    """A model sleeps, and no replica of it was started. Nothing was changed. `reason`: what is known about it."""

    def __init__(self, namespace: str, model: str, waited_s: float, reason: str) -> None:
        super().__init__(
            f"model {model} sleeps and was not woken within {waited_s:.0f} s: {reason}; nothing was changed; next: "
            f"kubectl -n {namespace} describe scaledobject {model} shows what KEDA says; when it and the keys service "
            "run again, run the command again"
        )


@dataclass
class _Demand:
    """One model that is kept awake; `error`: why the last wake was not taken, None when it was."""

    error: SlipwayError | None = None
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Waker:
    """Wakes models of one environment. `wake` asks once, for half a minute; it raises what the keys service says."""

    cluster: ClusterApi
    wake: Callable[[str], object]
    watcher: Watcher

    @contextmanager
    def awake(self, model: str, tell: Tell, *, asleep: bool) -> Iterator[None]:
        """Keep a model awake while the block runs; one that is `asleep` has got a replica when it begins.

        A model that has replicas only must not fall asleep meanwhile: that nobody could be told is no reason to stop.

        Raises:
            NotWoken: it has no replica after `ASLEEP_S`.
            Interrupted: the run was cancelled.
        """
        demand = _Demand()
        self._ask(model, demand)
        renewer = threading.Thread(target=self._renew, args=(model, demand), daemon=True)
        renewer.start()
        try:
            if asleep:
                tell("waking it")
                self._until_started(model, demand)
            yield
        finally:
            demand.ended.set()
            renewer.join()

    def _renew(self, model: str, demand: _Demand) -> None:
        while not demand.ended.wait(RENEW_S if demand.error is None else _RETRY_S):
            self._ask(model, demand)

    def _ask(self, model: str, demand: _Demand) -> None:
        try:
            self.wake(model)
            demand.error = None
        except SlipwayError as error:
            demand.error = error

    def _until_started(self, model: str, demand: _Demand) -> None:
        started = self.watcher.clock()
        while not self._has_replicas(model):
            waited_s = self.watcher.clock() - started
            if waited_s >= ASLEEP_S:
                raise NotWoken(self.cluster.namespace, model, waited_s, self._why(model, demand))
            if self.watcher.pause(POLL_S):
                raise Interrupted

    def _has_replicas(self, model: str) -> bool:
        try:
            deployment = self.cluster.read("Deployment", model)
        except ClusterUnreachable:
            return False
        return deployment is None or deployment["spec"].get("replicas", 1) > 0

    def _why(self, model: str, demand: _Demand) -> str:
        if demand.error is not None:
            return str(demand.error)
        scaler = self.cluster.read(SCALED_OBJECT, model)
        said = trouble_of_scaler(scaler) if scaler is not None else "its ScaledObject is not there"
        text = "the keys service told KEDA that somebody waits, and KEDA started nothing"
        return f"{text}; {said}" if said else text
