"""Judge a model by its golden request, sent through its Service: a gateway before it is passed by, with a pass."""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from slipway.artifacts.golden_request import GoldenRequest
from slipway.cluster.passes import Passes, passes_to
from slipway.deploy.own_judge import Pods, verify_pods
from slipway.deploy.verdict import PROXY_EXTRA_S, RETRY_S, SETTLE_S, Services, Verdict, judged
from slipway.errors.failures import WrongAnswer
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.runtimes.base import BadAnswer
from slipway.runtimes.registry import RUNTIMES

PASSING = (404, 502, 503)
"""What the API server answers by way of a Service whose replica it does not know yet."""


class Reached(Services, Pods, Protocol):
    """Whatever reaches both, as a real cluster is reached."""


def verify(
    cluster: Reached,
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

    An image's own server, whose answers do not say their release, is asked in a pod of the release.
    """
    if check.asked is not None:
        return verify_pods(cluster, model, check, check.asked, release, sleep, clock)
    return verify_services(cluster, model, check, release, sleep, clock, service=service, by=by)


def verify_services(
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
    """As `verify`, of a model whose answers say their release."""
    runtime = RUNTIMES[check.runtime]
    body = runtime.body(check.request)
    passes: Passes | None = None
    deadline = clock() + SETTLE_S
    while True:
        try:
            passes = passes or passes_to(cluster, model, check.members)
            headers, limit_s = passes.headers(), check.timeout_s + PROXY_EXTRA_S
            started = time.monotonic()
            data = cluster.through_service(
                service or model, runtime.predict_path, body, "application/json", limit_s, headers=headers
            )
            answer = runtime.answer(data, check.expect)
            problem = f"release {answer.release or None} answers instead of {release}"
            asked = by is None or answer.members.get(by[0], "").startswith(by[1])
            if by is not None and not asked:
                problem = f"it asks release {answer.members.get(by[0]) or None} of {by[0]} instead of {by[1]}"
            if asked and (release is None or answer.release.startswith(release)):
                return judged(model, check, answer.outputs, answer.release, time.monotonic() - started)
        except ApiRefused as error:
            if not _may_pass(error):
                raise WrongAnswer(
                    model, f"HTTP {error.status}: {passes.explained(error) if passes else error.message}"
                ) from error
            problem = f"HTTP {error.status}: {error.message or 'without a word'}"
        except (BadAnswer, ClusterUnreachable) as error:
            problem = str(error)
        if clock() >= deadline:
            raise WrongAnswer(model, f"{problem}, for {SETTLE_S:g} s")
        sleep(RETRY_S)


def _may_pass(error: ApiRefused) -> bool:
    """Whether to ask again: an error without a word is none of a model's server, which says what is wrong."""
    return error.status in PASSING or (error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not error.message)
