"""Learn how long a cold start takes: measure it when a release was judged right, and keep it beside its record."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from slipway.capacity.measured import MeasuredStart, as_notes
from slipway.cluster.cold_start import METRICS_PATH, start_of
from slipway.cluster.pods import quickest
from slipway.deploy.ports import ClusterApi
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.values.aliases import Json
from slipway.values.names import COLD_START_ANNOTATION, MANAGED_BY, record, selector
from slipway.values.quantities import compact_json

_METRICS_S = 3.0
_METRICS_MOST = 2**20

_Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class _Noted(BaseModel):
    """As `MeasuredStart`, but bounded: whoever may write ConfigMaps may have written this."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    release: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    total_s: _Seconds
    node_s: _Seconds | None = None
    pull_s: _Seconds | None = None
    load_s: _Seconds | None = None
    warm_s: _Seconds | None = None
    image_there: bool | None = None


def measured_start(cluster: ClusterApi, model: str, release: str, most_s: float) -> MeasuredStart | None:
    """Measure the start of the quickest pod of a release (its short digest); None when no pod tells.

    It is a note, on which nothing depends: what cannot be asked just now is not measured.

    Args:
        cluster: where the pods are.
        model: whose pods.
        release: which of them.
        most_s: the limit of a rollout; a pod that seems to have taken longer tells of something else.
    """
    labels = ",".join(f"{key}={value}" for key, value in selector(model).items())
    try:
        found = quickest(cluster.list("Pod", labels), release, most_s)
        if found is None:
            return None
        pod, took_s = found
        name = pod["metadata"].get("name", "")
        events = cluster.list("Event", fields=f"involvedObject.kind=Pod,involvedObject.name={name}")
    except (ApiRefused, ClusterUnreachable):
        return None
    return start_of(pod, release, took_s, events, _metrics(cluster, model))


def _metrics(cluster: ClusterApi, model: str) -> str:
    """What one of a model's servers says of itself; empty when none answers."""
    try:
        data = cluster.through_service(model, METRICS_PATH, None, "text/plain", _METRICS_S)
    except (ApiRefused, ClusterUnreachable):
        return ""
    return data[:_METRICS_MOST].decode(errors="replace")


def cold_start_annotation(measured: MeasuredStart | None) -> dict[str, str]:
    """The annotation of a record's ConfigMap that says how long the start took; none when it was not measured."""
    return {} if measured is None else {COLD_START_ANNOTATION: compact_json(as_notes(measured))}


def kept_starts(cluster: ClusterApi) -> dict[str, MeasuredStart]:
    """The start that was last measured of each model in the namespace, from one LIST of metadata.

    A record of an earlier Slipway has none.
    """
    found: dict[str, MeasuredStart] = {}
    suffix = record("")
    for item in cluster.metadata("ConfigMap", f"app.kubernetes.io/managed-by={MANAGED_BY}"):
        name = item["metadata"]["name"]
        noted = _noted(item) if name.endswith(suffix) else None
        if noted is not None:
            found[name.removesuffix(suffix)] = noted
    return found


def _noted(item: Json) -> MeasuredStart | None:
    annotations: Mapping[str, Any] = item["metadata"].get("annotations") or {}
    try:
        return MeasuredStart(**_Noted.model_validate_json(annotations[COLD_START_ANNOTATION]).model_dump())
    except (KeyError, ValidationError):
        return None
