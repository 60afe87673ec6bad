"""Destroy models, or a whole environment, and prove that nothing is left."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from slipway.cluster.autoscalers import FINALIZER
from slipway.cluster.envoy import envoy_of
from slipway.cluster.ownership import is_own, model_of
from slipway.deploy.hand_over import keda_away
from slipway.deploy.model_lock import released
from slipway.deploy.ports import ClusterApi, StackEngine
from slipway.engine.process import spoken
from slipway.errors.base import SlipwayError
from slipway.errors.failures import LeftBehind
from slipway.errors.reaching import ApiRefused
from slipway.render.environment_objects import ENVIRONMENT_OBJECTS, PRIORITY_CLASS
from slipway.render.objects import MODEL_OBJECTS, Phase
from slipway.render.rollout.objects import ONLY_IN_ROLLOUTS
from slipway.values.aliases import Json, Report
from slipway.values.names import KEYS_DATABASE, MANAGED_BY, environment_labels, priority_classes, stack

KINDS = (
    *(row.kind for row in MODEL_OBJECTS if row.phase is Phase.PODS),
    "Pod",
    *(row.kind for row in MODEL_OBJECTS if row.phase is not Phase.PODS),
    *ONLY_IN_ROLLOUTS,
    "Lease",
)
"""What may be in a namespace because of a model: its objects, its pods, its lock. In the order of deletion."""
_NOT_EVERYWHERE = (
    *(row.kind for row in MODEL_OBJECTS if row.optional_api),
    *ONLY_IN_ROLLOUTS,
    *ENVIRONMENT_OBJECTS,
)
"""Kinds of gateways, teams, autoscaling and judges. Whoever may not even list one of them has none of it."""
GONE_LIMIT_S = 90.0
"""Beyond the time in which pods stop: the controllers take turns."""
_POLL_S = 0.5


def model_stacks(stacks: Sequence[str], environment: str) -> list[str]:
    """Return the models which have a stack in an environment; a dot in its name belongs to the model's stack."""
    prefix = stack(environment, "")
    return sorted(name.removeprefix(prefix) for name in stacks if name.startswith(prefix))


def remove_models(
    engine: StackEngine,
    environment: str,
    models: Sequence[str],
    report: Report,
    jobs: int,
    first: Callable[[str], object] = lambda _: None,
) -> dict[str, SlipwayError | None]:
    """Destroy the stacks of models, side by side. Gives what failed by model, None for what is gone.

    `first`: takes a model whose stack is about to be destroyed; where it raises, the stack stays.
    """

    def remove(model: str) -> SlipwayError | None:
        try:
            report(model, "being destroyed")
            first(model)
            engine.destroy(stack(environment, model), lambda text: report(model, text))
        except SlipwayError as error:
            report(model, "failed")
            return error
        report(model, "gone")
        return None

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return dict(zip(models, pool.map(remove, models), strict=True))


def remove_unknown(
    cluster: ClusterApi, environment: str, models: Sequence[str] | None, *, of_environment: bool = False
) -> None:
    """Delete orphans of models (of all, when None) whose stacks are gone.

    A run that was killed between making an object and writing that down leaves such. With `of_environment` what the
    environment had beside its models is among it. A lock that a living run holds is left.
    """
    for kind in KINDS:
        for item in _own(cluster, kind, environment, models, of_environment=of_environment):
            held = kind == "Lease" and not released(item)
            if kind != "Pod" and not held and not item["metadata"].get("deletionTimestamp"):
                cluster.delete(kind, item["metadata"]["name"])
    if of_environment:
        for kind in ENVIRONMENT_OBJECTS:
            for name in _of_environment(cluster, kind, environment):
                cluster.delete(kind, name)


def prove_models_gone(cluster: ClusterApi, environment: str, models: Sequence[str] | None) -> None:
    """Wait until nothing of the models (of all, when None) is in the namespace; `LeftBehind` names what is, and why."""
    limit_s = GONE_LIMIT_S + stopping_s(cluster)
    _prove_gone(environment, lambda: left_of_models(cluster, environment, models), limit_s)


def prove_environment_gone(cluster: ClusterApi, environment: str) -> None:
    """Wait until the namespace is no more, and with it everything that was in it."""

    def left() -> list[str]:
        namespace = cluster.read("Namespace", cluster.namespace)
        return [f"Namespace {cluster.namespace}: {_why(namespace)}"] if namespace else []

    _prove_gone(environment, left, GONE_LIMIT_S)


def prove_objects_gone(cluster: ClusterApi, environment: str) -> None:
    """Wait until nothing of an environment is in its namespace, nor of what Envoy Gateway made for it in another."""

    def left() -> list[str]:
        of_gateway = [
            f"{kind} {cluster.namespace}/{name}: it was not deleted, or waits for what uses it"
            for kind in ENVIRONMENT_OBJECTS
            for name in _of_environment(cluster, kind, environment)
        ]
        others = [
            f"{kind} {cluster.namespace}/{item['metadata']['name']}: {_why(item)}"
            for kind in KINDS
            for item in _own(cluster, kind, environment, None, of_environment=True)
        ]
        return [
            *others,
            *of_gateway,
            *(f"{name}: waits for Envoy Gateway, which deletes it" for name in envoy_of(cluster)),
        ]

    _prove_gone(environment, left, GONE_LIMIT_S + stopping_s(cluster))


def holds_ledger(cluster: ClusterApi, environment: str) -> bool:
    """Whether an environment has the database of keys and ledger in its own namespace."""
    return KEYS_DATABASE in _of_environment(cluster, "PersistentVolumeClaim", environment)


def stopping_s(cluster: ClusterApi) -> float:
    """Seconds that the pods of models may take to stop: a server answers on for a while, and ends what it began."""
    pods = cluster.list("Pod", f"app.kubernetes.io/managed-by={MANAGED_BY}")
    return max((float(pod.get("spec", {}).get("terminationGracePeriodSeconds") or 0) for pod in pods), default=0.0)


def _prove_gone(environment: str, left_now: Callable[[], list[str]], limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    while left := left_now():
        if time.monotonic() > deadline:
            raise LeftBehind(environment, left)
        time.sleep(_POLL_S)


def left_of_models(
    cluster: ClusterApi, environment: str, models: Sequence[str] | None, but: Sequence[str] = ()
) -> list[str]:
    """Name the objects of models (of all, when None) that are there, of every kind except `but`, and why each is."""
    return [
        f"{kind} {cluster.namespace}/{item['metadata']['name']}: {_why(item)}"
        for kind in KINDS
        if kind not in but
        for item in _own(cluster, kind, environment, models)
    ]


def _own(
    cluster: ClusterApi, kind: str, environment: str, models: Sequence[str] | None, *, of_environment: bool = False
) -> list[Json]:
    """The objects of a kind that carry the environment's mark and the name of one of the models (of any: None)."""
    found = []
    try:
        items = cluster.list(kind, f"app.kubernetes.io/managed-by={MANAGED_BY}")
    except ApiRefused as error:
        if error.status != HTTPStatus.FORBIDDEN or kind not in _NOT_EVERYWHERE:
            raise
        return []
    for item in items:
        model = model_of(item)
        named = of_environment or (model is not None if models is None else model in models)
        if named and is_own(item, environment):
            found.append(item)
    return found


def _of_environment(cluster: ClusterApi, kind: str, environment: str) -> tuple[str, ...]:
    """Names of the environment's objects of a kind that not each has; what is in them is not sent."""
    labels = ",".join(f"{key}={value}" for key, value in environment_labels(environment).items())
    try:
        found = cluster.names(kind, labels)
    except ApiRefused as error:
        if error.status != HTTPStatus.FORBIDDEN:
            raise
        return ()
    if kind != PRIORITY_CLASS:
        return found
    # An environment of the same name may be in another namespace of the cluster.
    return tuple(name for name in found if name.startswith(priority_classes(cluster.namespace)))


def _why(item: Json) -> str:
    """Why an object is still there, as far as it says itself."""
    metadata = item["metadata"]
    if not metadata.get("deletionTimestamp"):
        if item.get("kind") == "Lease" or "holderIdentity" in item.get("spec", {}):
            return f"held by {spoken(str(item['spec'].get('holderIdentity')))}, which is deploying the model"
        return "it was not deleted, or was created again"
    finalizers = [*metadata.get("finalizers", []), *item.get("spec", {}).get("finalizers", [])]
    conditions = item.get("status", {}).get("conditions") or []
    said = [c["message"] for c in conditions if c.get("status") == "True" and c["type"].startswith("Namespace")]
    waits = f"waiting for {', '.join(finalizers)}" if finalizers else "for its controller to finish"
    if FINALIZER in finalizers:
        waits += f"; {keda_away(metadata.get('namespace', ''), metadata['name'])}"
    return "; ".join([f"being deleted, {waits}", *said])
