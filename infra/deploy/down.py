"""Take models, or a whole environment, away, and prove that nothing is left."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from infra.deploy.ports import ClusterApi, StackEngine
from infra.errors import SlipwayError
from infra.failures import LeftBehind
from infra.names import MANAGED_BY, stack

Report = Callable[[str, str], None]

_KINDS = (
    "Deployment",
    "Pod",
    "Service",
    "ConfigMap",
    "ServiceAccount",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "Lease",
)
_GONE_LIMIT_S = 90.0
_POLL_S = 0.5


def model_stacks(stacks: Sequence[str], environment: str) -> list[str]:
    """Return the models which have a stack in an environment; a dot in its name belongs to the model's stack."""
    prefix = stack(environment, "")
    return sorted(name.removeprefix(prefix) for name in stacks if name.startswith(prefix))


def remove_models(
    engine: StackEngine, environment: str, models: Sequence[str], report: Report, jobs: int
) -> dict[str, SlipwayError | None]:
    """Destroy the stacks of models, side by side. Gives what failed by model, None for what is gone."""

    def remove(model: str) -> SlipwayError | None:
        try:
            report(model, "being taken away")
            engine.destroy(stack(environment, model), lambda text: report(model, text))
        except SlipwayError as error:
            report(model, "failed")
            return error
        report(model, "gone")
        return None

    with ThreadPoolExecutor(max_workers=jobs) as pool:
        return dict(zip(models, pool.map(remove, models), strict=True))


def prove_models_gone(cluster: ClusterApi, environment: str, models: Sequence[str] | None) -> None:
    """Wait until nothing of the models (of all, when None) is in the namespace; `LeftBehind` names what is."""
    _prove_gone(environment, lambda: left_of_models(cluster, models))


def prove_environment_gone(cluster: ClusterApi, environment: str) -> None:
    """Wait until the namespace is no more, and with it everything that was in it."""

    def left() -> list[str]:
        return [f"Namespace {cluster.namespace}"] if cluster.read("Namespace", cluster.namespace) else []

    _prove_gone(environment, left)


def _prove_gone(environment: str, left_now: Callable[[], list[str]]) -> None:
    deadline = time.monotonic() + _GONE_LIMIT_S
    while left := left_now():
        if time.monotonic() > deadline:
            raise LeftBehind(environment, left)
        time.sleep(_POLL_S)


def left_of_models(cluster: ClusterApi, models: Sequence[str] | None, but: Sequence[str] = ()) -> list[str]:
    """Name the objects of models (of all, when None) that are there, of every kind except `but`."""
    named = "app.kubernetes.io/name" + (f" in ({','.join(models)})" if models is not None else "")
    return [
        f"{kind} {cluster.namespace}/{item['metadata']['name']}"
        for kind in _KINDS
        if kind not in but
        for item in cluster.list(kind, f"app.kubernetes.io/managed-by={MANAGED_BY},{named}")
    ]
