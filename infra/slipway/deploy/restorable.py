"""Decide whether a release that was read back from the cluster may be applied: only as one that our templates give.

Who may write ConfigMaps in a namespace would else get, by way of the record, what the deployer may. The templates say
what a model has: every key of an object must be in its template, every word of it the same, every value one of the
model's own. Numbers may differ, and keys be missing that only tune: an earlier version of Slipway wrote what it is held
against. A key that leaves a template has to stay allowed here for as long as records may have it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.catalog.pod_contract import CAPTURE_FOLDER, GATE_FOLDER, GRPC_PORT, SERVER_USER, SERVICE_PORT
from slipway.delivery.samples import is_place
from slipway.deploy.ports import ClusterApi
from slipway.deploy.record_format import BadRecord, server_config, unpacked
from slipway.deploy.restorable_own import OwnServer
from slipway.deploy.restorable_scaling import are_triggers, readdressed, writers
from slipway.deploy.restorable_values import CHECKS, TEXT_MOST, is_number, is_scalar, is_text
from slipway.deploy.restorable_weights import of_fetching
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.planning.monitoring import Tracing
from slipway.errors.failures import RecordRefused
from slipway.plan.model import ModelPlan
from slipway.plan.release import Release
from slipway.policy.resource import of_manifests, read
from slipway.policy.resources import violations
from slipway.render.model import container_values, model_shapes
from slipway.render.objects import MODEL_OBJECTS, UNRECORDED
from slipway.render.scaling import demand_url
from slipway.render.templates import PLACE
from slipway.runtimes.registry import RUNTIMES
from slipway.values import names
from slipway.values.aliases import Json

_DIGEST = "@sha256:[0-9a-f]{64}"
_RUNTIMES = [container_values(runtime) for runtime in RUNTIMES.values() if runtime.image is not None]
_OF_RUNTIMES = {name: [values[name] for values in _RUNTIMES] for name in _RUNTIMES[0]}
"""What a runtime gives to the templates, by the value's name: a release may be of any of them."""


@dataclass(frozen=True)
class Owner:
    """Whose release it must be.

    `repository`: of the model's images, without tag or digest. `exceptions`: rules that its spec is excepted from.
    `prometheus`: address of the environment's, None where it has none. `store`: where its weights may come from.
    `own`: what the spec says of an image with its own server; None for Slipway's. `tracing`: where spans may go.
    """

    environment: str
    model: str
    namespace: str
    repository: str
    exceptions: frozenset[str] = frozenset()
    prometheus: str | None = None
    store: ModelStore | None = None
    own: OwnServer | None = None
    tracing: Tracing | None = None

    @classmethod
    def of(cls, plan: ModelPlan) -> "Owner":
        """The model of a plan."""
        exceptions = frozenset(plan.spec.exceptions)
        here = plan.monitoring
        prometheus, tracing = (here.prometheus, here.tracing) if here is not None else (None, None)
        repository, store = plan.image.repository, plan.delivery.store
        about = (plan.environment, plan.name, plan.namespace, repository, exceptions)
        return cls(*about, prometheus, store, OwnServer.of(plan), tracing)


def restorable(cluster: ClusterApi, owner: Owner) -> Release | None:
    """The release to go back to, or None when none was ever judged right; `RecordRefused` for what may not be applied.

    Its image may also be in the repository that the model's Deployment has now: a registry may move.
    """
    name = names.record(owner.model)
    found = cluster.read("ConfigMap", name)
    if found is None:
        return None
    try:
        release = readdressed(unpacked(found), owner.prometheus)
        repositories = [owner.repository]
        if not _is_of(release.image, repositories):
            repositories += _running(cluster.read("Deployment", owner.model))
        problem = next(problems(release, owner, repositories), None)
    except BadRecord as error:
        problem = str(error)
    if problem is not None:
        raise RecordRefused(owner.namespace, name, owner.model, problem)
    return release


def _running(deployment: Json | None) -> list[str]:
    """Repositories of the images in a Deployment of the cluster."""
    containers = read(deployment, "spec.template.spec.containers") or []
    return [str(container["image"]).partition("@")[0] for container in containers]


def _is_of(image: str, repositories: Sequence[str]) -> bool:
    return any(re.fullmatch(re.escape(repository) + _DIGEST, image) for repository in repositories)


def problems(release: Release, owner: Owner, repositories: Sequence[str]) -> Iterator[str]:
    """Everything in a release that no release of this model has; `BadRecord` when it has no configuration."""
    if release.model != owner.model:
        yield f"it is about model {release.model[:TEXT_MOST]}"
    if not _is_of(release.image, repositories):
        yield f"image {release.image[:TEXT_MOST]} is not in the model's repository, {repositories[0]}, by its digest"
    config = server_config(list(release.manifests))
    if config.get("release") != release.digest or read(config, "model.name") != owner.model:
        yield "its configuration is of another model or release"
    if (capture := config.get("capture")) is not None and not is_place(owner.store, owner.model, capture):
        yield "its samples go to another place than the environment has for them"
    if release.check.asked is not None:
        if owner.own is None:
            runtime = release.check.runtime
            yield f"it is of runtime {runtime}, and the spec of now is not: its image has a server of its own"
            return
        yield from owner.own.problems(release.manifests)
    found = list(_shaped(release, _Values.of(release, owner)))
    yield from found
    if not found:  # the rules read what has the right types
        for rule, resource, problem in violations(list(of_manifests(release.manifests))):
            if rule.mandatory and rule.id not in owner.exceptions:
                yield f"{resource.kind} {resource.name}: {problem} (rule {rule.id})"


def _shaped(release: Release, values: "_Values") -> Iterator[str]:
    """Compare each object with the template of its kind; each kind occurs once."""
    recorded = (shape for shape in model_shapes() if shape["kind"] not in UNRECORDED)
    shapes = {(shape["apiVersion"], shape["kind"]): shape for shape in recorded}
    there: dict[str, Mapping[str, Any]] = {}
    for manifest in release.manifests:
        kind = (manifest.get("apiVersion"), manifest.get("kind"))
        shape = shapes.get(kind) if all(isinstance(part, str) for part in kind) else None
        if shape is None:
            yield f"{str(kind[1])[:80]} of {str(kind[0])[:80]} does not belong to a model"
            continue
        if shape["kind"] in there:
            yield f"{shape['kind']} is there twice"
        there[shape["kind"]] = manifest
        yield from _differs(shape, manifest, shape["kind"], values)
    for row in MODEL_OBJECTS:
        if row.required is None:
            continue
        if row.kind not in there:
            yield f"{row.kind} is missing"
            continue
        for path in ("metadata.name", "metadata.namespace", "metadata.labels", *row.required):
            if read(there[row.kind], path) is None:
                yield f"{row.kind}.{path} is missing"
    if len(found := writers(there)) > 1:
        yield f"{' and '.join(found)} would set its replicas at once"
    # The rules read the name of every object.
    for kind_ in there.keys() - {row.kind for row in MODEL_OBJECTS if row.required is not None}:
        if read(there[kind_], "metadata.name") is None:
            yield f"{kind_}.metadata.name is missing"


def _differs(shape: Any, value: Any, path: str, values: "_Values") -> Iterator[str]:
    """Where a value is none that the template could have given."""
    if isinstance(shape, str) and shape.startswith(PLACE):
        name = shape.removeprefix(PLACE)
        if name in _OF_RUNTIMES and name not in values.own:
            yield from min((list(_differs_in_runtime(of, value, path, values)) for of in _OF_RUNTIMES[name]), key=len)
        elif not values.allows(name, value):
            yield f"{path} is not one of this model's"
    elif isinstance(shape, dict):
        yield from _differs_in_mapping(shape, value, path, values)
    elif isinstance(shape, list) and any(isinstance(item, dict) for item in shape):
        yield from _differs_in_list(shape, value, path, values)
    elif isinstance(shape, int) and not isinstance(shape, bool):
        if not is_number(value):
            yield f"{path} is not a number"
    elif type(value) is not type(shape) or value != shape:
        yield f"{path} is not as Slipway writes it"


def _differs_in_runtime(shape: Any, value: Any, path: str, values: "_Values") -> Iterator[str]:
    """As `_differs`, but a port has to be the very one: what it is opens the pod to the network."""
    if isinstance(shape, int):
        if type(value) is not int or value != shape:
            yield f"{path} is no port of a runtime"
    else:
        yield from _differs(shape, value, path, values)


def _differs_in_mapping(shape: Mapping[str, Any], value: Any, path: str, values: "_Values") -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path} is not a mapping"
        return
    for key, inner in value.items():
        if key not in shape:
            yield f"{path}.{key[:80]} does not belong to a model"
        elif path.endswith(".annotations"):  # words for people and linters, which differ between versions
            if not is_text(inner):
                yield f"{path}.{key} is not text"
        else:
            yield from _differs(shape[key], inner, f"{path}.{key}", values)


def _differs_in_list(shape: Sequence[Any], value: Any, path: str, values: "_Values") -> Iterator[str]:
    """Each entry is one of the template's, and none is there twice."""
    if not isinstance(value, list):
        yield f"{path} is not a list"
        return
    left = list(shape)
    for index, item in enumerate(value):
        by_entry = [(entry, list(_differs_in_entry(entry, item, f"{path}.{index}", values))) for entry in left]
        fitting = next((entry for entry, found in by_entry if not found), None)
        if fitting is not None:
            left.remove(fitting)
        elif by_entry:
            yield min((found for _, found in by_entry), key=len)[0]
        else:
            yield f"{path}.{index} is more than a model has"


def _differs_in_entry(shape: Any, value: Any, path: str, values: "_Values") -> Iterator[str]:
    """As `_differs`; an entry that has a name in its template is told from others by it."""
    if isinstance(shape, dict) and "name" in shape and isinstance(value, dict) and "name" not in value:
        yield f"{path}.name is missing"
    yield from _differs(shape, value, path, values)


@dataclass(frozen=True)
class _Values:
    """What the templates' values may be in a release of one model: the very value, or a check of it."""

    exactly: Mapping[str, Any]
    checks: Mapping[str, Callable[[Any], bool]]
    priority_classes: str
    """How the names of the environment's PriorityClasses begin."""
    own: Mapping[str, Callable[[Any], bool]]
    """Checks of what a spec says of an image's own server; empty for Slipway's."""

    @classmethod
    def of(cls, release: Release, owner: Owner) -> "_Values":
        labels = names.model_labels(owner.environment, owner.model, release.version, release.digest)
        of_pods = [labels, labels | (owner.store.pod_labels if owner.store else {})]
        return cls(
            {
                "name": owner.model,
                "namespace": owner.namespace,
                "labels": labels,
                "selector": names.selector(owner.model),
                "config_name": names.config_map(owner.model, release.digest),
                "image": release.image,
                "user": SERVER_USER,
                "service_port": SERVICE_PORT,
                "grpc_port": GRPC_PORT,
                "gate_config": names.GATEWAY_TRUST,
                "gate_folder": GATE_FOLDER,
                "capture_folder": CAPTURE_FOLDER,
                "capture_sealing": names.CAPTURE_SEALING,
                "capture_secret": owner.store.samples_secret if owner.store else None,
            },
            {
                **CHECKS,
                **of_fetching(owner.store, release.check.members, owner.tracing),
                "pod_labels": lambda value: value in of_pods,
                "scale_triggers": lambda value: are_triggers(
                    value, owner.prometheus, demand_url(owner.namespace, owner.model)
                ),
            },
            names.priority_classes(owner.namespace),
            owner.own.checks(release.check.asked) if owner.own is not None and release.check.asked is not None else {},
        )

    def allows(self, name: str, value: Any) -> bool:
        """Whether the value `name` of a template may be this one."""
        if name in self.own:
            return self.own[name](value)
        if name in self.exactly:
            wanted = self.exactly[name]
            return type(value) is type(wanted) and bool(value == wanted)
        if name == "priority_class":  # the one that is planned takes its place in a restore
            return is_text(value) and value.startswith(self.priority_classes)
        return self.checks.get(name, is_scalar)(value)
