"""Judge a model by its golden request, sent through its Service: a gateway before it is passed by, with a pass."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from slipway_server.values.expect import judge

from slipway.artifacts.golden_request import GoldenRequest
from slipway.cluster.passes import Objects, Passes, passes_to
from slipway.errors.failures import WrongAnswer
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.runtimes.base import Answer, BadAnswer
from slipway.runtimes.registry import RUNTIMES

# After an outage of the API server, controllers and proxies ask it again only after up to 30 s, or twice that. Until
# then they know the pods of the release before, which answer as long as they are asked.
_SETTLE_S = 75.0
_RETRY_S = 0.25
_PROXY_EXTRA_S = 5.0
PASSING = (404, 502, 503)
"""What the API server answers by way of a Service whose replica it does not know yet."""


class Services(Objects, Protocol):
    """Whatever reads objects and reaches Services of a namespace, as `slipway.cluster.api.Cluster` does."""

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Send a request to a Service by way of the API server."""
        ...


@dataclass(frozen=True)
class Verdict:
    """A right answer. `took_s`: from the request to its answer, by way of the API server."""

    release: str
    took_s: float
    outputs: dict[str, Any]


def verify(
    cluster: Services,
    model: str,
    check: GoldenRequest,
    release: str | None,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    *,
    service: str | None = None,
    by: tuple[str, str] | None = None,
) -> Verdict:
    """Send the golden request until an answer of `release` (any, when None) comes, and judge that one.

    It goes to the model's own Service, or to `service`. For up to 75 s an answer of another release, or none because
    the Service has no endpoint yet, is asked for again: a rollout ends before every node's proxy knows it. An answer of
    the release itself is judged at once: wrong or late is `WrongAnswer`. So is one of a pipeline that asked the release
    `by[1]` of its model `by[0]`; it may go on asking the one before on connections that it has.
    """
    runtime = RUNTIMES[check.runtime]
    body = runtime.body(check.request)
    passes: Passes | None = None
    deadline = clock() + _SETTLE_S
    while True:
        try:
            passes = passes or passes_to(cluster, model, check.members)
            headers, limit_s = passes.headers(), check.timeout_s + _PROXY_EXTRA_S
            started = time.monotonic()
            data = cluster.through_service(
                service or model, runtime.predict_path, body, "application/json", limit_s, headers=headers
            )
            answer = runtime.answer(data)
            problem = f"release {answer.release or None} answers instead of {release}"
            asked = by is None or answer.members.get(by[0], "").startswith(by[1])
            if by is not None and not asked:
                problem = f"it asks release {answer.members.get(by[0]) or None} of {by[0]} instead of {by[1]}"
            if asked and (release is None or answer.release.startswith(release)):
                return _judged(model, check, answer, time.monotonic() - started)
        except ApiRefused as error:
            if error.status not in PASSING:
                raise WrongAnswer(
                    model, f"HTTP {error.status}: {passes.explained(error) if passes else error.message}"
                ) from error
            problem = f"HTTP {error.status}: {error.message}"
        except (BadAnswer, ClusterUnreachable) as error:
            problem = str(error)
        if clock() >= deadline:
            raise WrongAnswer(model, f"{problem}, for {_SETTLE_S:g} s")
        sleep(_RETRY_S)


def _judged(model: str, check: GoldenRequest, answer: Answer, took_s: float) -> Verdict:
    """Return the verdict on an answer of the right release, or raise `WrongAnswer`."""
    if took_s > check.timeout_s:
        raise WrongAnswer(model, f"the answer took {took_s:.2f} s; the limit is {check.timeout_s:g} s")
    if reason := judge(answer.outputs, check.expect):
        raise WrongAnswer(model, reason)
    return Verdict(release=answer.release, took_s=took_s, outputs=dict(answer.outputs))
