"""Answer requests by asking models, in the place of a queue before one model."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from slipway_server.execution.batcher import Computed, OverloadedError
from slipway_server.pipeline.caller import asked_releases
from slipway_server.pipeline.members import Members
from slipway_server.pipeline.stages import run_stage
from slipway_server.telemetry.log import log
from slipway_server.telemetry.metrics import Metrics
from slipway_server.telemetry.statistics import Statistics
from slipway_server.values.batching import Batching
from slipway_server.values.pipeline import PipelineSection
from slipway_server.values.tensors import Array

_MOST_AT_ONCE = 1024
"""Requests under way; more would only wait for the models, which have queues of their own."""
_LOOK_AGAIN_S = 0.5


class NotReady(Exception):
    """A model of the pipeline was not ready in time; the message says which, and for how long it was waited for."""


class Pipeline:
    """Models that answer as one. All methods are for the event loop's thread."""

    def __init__(self, section: PipelineSection, members: Members, metrics: Metrics) -> None:
        self._section = section
        self._members = members
        self._metrics = metrics
        self._running = 0
        self.batching = Batching(1, "the models of a pipeline put requests together themselves")
        metrics.watch_queue(lambda: 0)

    @property
    def statistics(self) -> Statistics:
        """What requests took since the server is ready."""
        return self._metrics.statistics

    @contextmanager
    def arriving(self) -> Iterator[None]:
        """Time how long a request's inputs are read."""
        started = time.monotonic()
        yield
        self.statistics.reading.add(time.monotonic() - started)

    async def infer(self, inputs: Mapping[str, Array]) -> Computed:
        """Return the pipeline's outputs for the inputs of one request, and the time that its models took.

        Raises:
            BadRequest: a model cannot compute these inputs.
            ModelFault, MemberAway: a model answers what it should not, or not at all.
            OverloadedError: too many requests are under way.
        """
        if self._running >= _MOST_AT_ONCE:
            raise OverloadedError
        self._running += 1
        started = time.monotonic()
        values = dict(inputs)
        releases: dict[str, str] = {}
        asked_releases.set(releases)
        try:
            for stage in self._section.stages:
                values |= await run_stage(stage, values, self._members)
        except ExceptionGroup as group:
            # Whatever several models of a stage said: the first is as good a reason as any.
            raise group.exceptions[0] from None
        finally:
            self._running -= 1
        seconds = time.monotonic() - started
        self._metrics.inference_seconds.observe(seconds)
        self.statistics.running.add(seconds)
        return Computed({tensor.name: values[tensor.name] for tensor in self._section.outputs}, seconds, releases)

    def busy_s(self) -> float:
        """Return 0: the event loop is free while models compute."""
        return 0.0

    async def wait_for_members(self, limit_s: float) -> None:
        """Return once every model says that it is ready; raises `NotReady` after `limit_s` seconds."""
        deadline = time.monotonic() + limit_s
        for model in self._section.models:
            told = False
            while (reason := await self._members.why_not_ready(model)) is not None:
                if time.monotonic() >= deadline:
                    raise NotReady(f"waited {limit_s:g} s for the models of the pipeline: {reason}")
                if not told:
                    log("waiting", model=model, reason=reason)
                told = True
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def close(self) -> None:
        """End all connections to models."""
        await self._members.close()
