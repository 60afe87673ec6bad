"""Judge a model whose image brings its own server: its answers do not say which release gave them.

So a pod is asked that is of the release, by its label. At the gateway nobody can tell who answered.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from slipway.artifacts.golden_request import Asked, GoldenRequest
from slipway.cluster.pod_trouble import condition
from slipway.deploy.verdict import PROXY_EXTRA_S, RETRY_S, SETTLE_S, Services, Verdict, judged
from slipway.errors.failures import WrongAnswer
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.runtimes.base import BadAnswer
from slipway.runtimes.registry import RUNTIMES
from slipway.values.aliases import Json
from slipway.values.names import RELEASE_LABEL, selector, short


class Pods(Protocol):
    """Whatever lists pods of a namespace and reaches into one, as `slipway.cluster.api.Cluster` does."""

    def list(self, kind: str, selector: str = "", fields: str = "") -> list[Json]:
        """Return all objects of a kind that match."""
        ...

    def through_pod(self, pod: str, port: int, path: str, body: bytes, content_type: str, timeout_s: float) -> bytes:
        """Post a body to a server in a pod."""
        ...


def ready_pods(cluster: Pods, model: str, release: str | None) -> list[tuple[str, str]]:
    """Names of a model's pods that are ready, each with its release as labels show it; `release`: of which (any)."""
    labels = ",".join(f"{key}={value}" for key, value in selector(model).items())
    wanted = None if release is None else short(release)
    found = []
    for pod in cluster.list("Pod", labels):
        metadata = pod["metadata"]
        own = metadata.get("labels", {}).get(RELEASE_LABEL, "")
        ready = condition(pod, "Ready").get("status") == "True"
        if ready and "deletionTimestamp" not in metadata and wanted in (None, own):
            found.append((metadata["name"], own))
    return sorted(found)


def verify_pods(
    cluster: Pods,
    model: str,
    check: GoldenRequest,
    asked: Asked,
    release: str | None,
    sleep: Callable[[float], object],
    clock: Callable[[], float],
) -> Verdict:
    """Send the golden request to a ready pod of `release` (any, when None), and judge its answer.

    For up to 75 s it is asked for again while no such pod is ready, or none gives an answer. Raises `WrongAnswer`.
    """
    runtime = RUNTIMES[check.runtime]
    body = runtime.body(check.request)
    deadline = clock() + SETTLE_S
    while True:
        problem = f"no pod of release {short(release)} is ready" if release is not None else "no pod is ready"
        for pod, own in ready_pods(cluster, model, release)[:1]:
            try:
                started = time.monotonic()
                limit_s = check.timeout_s + PROXY_EXTRA_S
                data = cluster.through_pod(pod, asked.port, asked.path, body, "application/json", limit_s)
                return _judged(model, check, data, release or own, time.monotonic() - started)
            except ApiRefused as error:
                raise WrongAnswer(model, f"HTTP {error.status}: {error.message}") from error
            except BadAnswer as error:
                raise WrongAnswer(model, str(error)) from error
            except ClusterUnreachable as error:
                problem = str(error)
        if clock() >= deadline:
            raise WrongAnswer(model, f"{problem}, for {SETTLE_S:g} s")
        sleep(RETRY_S)


def verify_anybody(
    services: Services,
    model: str,
    check: GoldenRequest,
    asked: Asked,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    headers: Mapping[str, str] | None = None,
) -> Verdict:
    """Send the golden request where nobody can tell which release answers, until a right answer comes.

    A wrong one may be of the release before, whose pods go on answering for a while: it is asked for again for up to
    75 s. Raises `WrongAnswer`. The verdict has no release.
    """
    body = RUNTIMES[check.runtime].body(check.request)
    deadline = clock() + SETTLE_S
    while True:
        try:
            started = time.monotonic()
            limit_s = check.timeout_s + PROXY_EXTRA_S
            data = services.through_service(model, asked.path, body, "application/json", limit_s, headers=headers)
            return _judged(model, check, data, "", time.monotonic() - started)
        except ApiRefused as error:
            problem = f"HTTP {error.status}: {error.message}"
        except (BadAnswer, ClusterUnreachable) as error:
            problem = str(error)
        except WrongAnswer as error:
            if clock() >= deadline:
                raise
            problem = str(error)
        if clock() >= deadline:
            raise WrongAnswer(model, f"{problem}, for {SETTLE_S:g} s")
        sleep(RETRY_S)


def _judged(model: str, check: GoldenRequest, data: bytes, release: str, took_s: float) -> Verdict:
    return judged(model, check, RUNTIMES[check.runtime].answer(data, check.expect).outputs, release, took_s)
