"""Render a plan: values -> manifests and a Dockerfile, from the templates, which only place values."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes

from slipway.catalog.pod_contract import SERVER_PORT, SERVER_USER, SERVICE_PORT
from slipway.plan.code_digests import TEMPLATES
from slipway.plan.model import ModelPlan, Plan
from slipway.values import names
from slipway.values.quantities import compact_json, format_bytes, format_cpu

Manifest = dict[str, Any]

PLACEHOLDER_DIGEST = "sha256:" + "0" * 64
TMP_BYTES = 64 * 2**20
LOG_BYTES = 64 * 2**20
PLACE = "\ue000"
"""Private-use character that no template has of its own: what follows it is the name of a value."""

_MODEL_TEMPLATES = (
    "service_account",
    "config_map",
    "deployment",
    "service",
    "horizontal_pod_autoscaler",
    "pod_disruption_budget",
    "network_policy",
)
_ENVIRONMENT_TEMPLATES = ("namespace", "default_deny")
_ADOPTED_TEMPLATES = ("own_pods_deny",)

_SCALARS = yaml.CSafeDumper(io.StringIO())
_MAPPING = yaml.MappingStartEvent(None, "tag:yaml.org,2002:map", True, flow_style=False)
_MAPPING_END = yaml.MappingEndEvent()
_SEQUENCE = yaml.SequenceStartEvent(None, "tag:yaml.org,2002:seq", True, flow_style=False)
_SEQUENCE_END = yaml.SequenceEndEvent()


class _Place(str):
    """Stands for a value while a template is read: the value's name."""

    __slots__ = ()


def _placed(value: object) -> str:
    """What the templates' filter `tojson` makes of a value: it is quoted, so that no text can become structure."""
    if not isinstance(value, _Place):
        raise TypeError(f"templates place whole values only, not {value!r}")
    return json.dumps(PLACE + value)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - YAML and Dockerfiles, no HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["tojson"] = _placed
    return environment


@lru_cache(maxsize=256)
def _skeleton(template: str, given: frozenset[str], absent: frozenset[str]) -> Any:
    """A template as a manifest with a sign and a name wherever a value goes.

    Reading YAML back costs a hundred times as much as placing values, and only which values are None changes the
    structure; so each structure is read once, not once for each model.
    """
    places = {name: _Place(name) for name in given} | dict.fromkeys(absent)
    return yaml.load(_environment().get_template(template).render(places), Loader=yaml.CSafeLoader)


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(item, values) for item in node]
    if isinstance(node, str) and node.startswith(PLACE):
        return _copied(values[node[len(PLACE) :]])
    return node


def _copied(value: Any) -> Any:
    """A copy of JSON values: two objects never share a part, neither when changed nor as an anchor in YAML."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _rendered(folder: str, templates: Sequence[str], values: Mapping[str, Any]) -> list[Manifest]:
    absent = frozenset(name for name, value in values.items() if value is None)
    given = frozenset(values) - absent
    return [_filled(_skeleton(f"{folder}/{name}.yaml.j2", given, absent), values) for name in templates]


def placeholder_image(model: ModelPlan) -> str:
    """The image by a digest of zeros, for rendering without a registry."""
    return f"{model.image.repository}@{PLACEHOLDER_DIGEST}"


def render_model(model: ModelPlan, image: str) -> list[Manifest]:
    """Render a model's objects.

    Args:
        model: its plan.
        image: what its pods run, `repository@sha256:...`.

    Returns:
        ServiceAccount, ConfigMap, Deployment, Service, HorizontalPodAutoscaler if it is autoscaled,
        PodDisruptionBudget, NetworkPolicy.
    """
    templates = [name for name in _MODEL_TEMPLATES if name != "horizontal_pod_autoscaler" or model.autoscaled]
    return _rendered("kubernetes/model", templates, model_values(model, image))


@lru_cache(maxsize=1)
def model_shapes() -> tuple[Manifest, ...]:
    """Every object that a model may have, with all that may be in it; `PLACE` and a name stand for each value."""
    loader = cast(FileSystemLoader, _environment().loader)
    shapes = []
    for name in _MODEL_TEMPLATES:
        template = f"kubernetes/model/{name}.yaml.j2"
        source = loader.get_source(_environment(), template)[0]
        given = {node.name for node in _environment().parse(source).find_all(nodes.Name)}
        shapes.append(_skeleton(template, frozenset(given), frozenset()))
    return tuple(shapes)


def model_values(model: ModelPlan, image: str) -> dict[str, Any]:
    """What the templates of a model's objects get: every value that they place, None for what is left out."""
    spec = model.spec
    return {
        "name": model.name,
        "namespace": model.namespace,
        "labels": model.labels,
        "selector": model.selector,
        "owner": spec.owner,
        "description": spec.description,
        "policy_exceptions": json.dumps(spec.exceptions, sort_keys=True) if spec.exceptions else None,
        "config_name": names.config_map(model.name, model.release_digest),
        "config": compact_json(model.server_config),
        "image": image,
        "replicas": None if model.autoscaled else spec.scale.min,
        "min_replicas": spec.scale.min,
        "max_replicas": spec.scale.max,
        "cpu_percent": spec.scale.target.cpu_percent if spec.scale.target else None,
        "max_surge": model.rollout.max_surge,
        "max_unavailable": model.rollout.max_unavailable,
        "start_s": model.timing.start_s,
        "grace_s": model.timing.grace_s,
        "deadline_s": model.timing.deadline_s,
        "node_selector": model.pool.selector or None,
        "tolerations": _tolerations(model) or None,
        "resources": _resources(model),
        "tmp_size": format_bytes(TMP_BYTES),
        "user": SERVER_USER,
        "server_port": SERVER_PORT,
        "service_port": SERVICE_PORT,
        "service_type": model.service_type,
        **_lint_exceptions(model),
    }


def _lint_exceptions(model: ModelPlan) -> dict[str, str | None]:
    """Checks of kube-score that a person's own choice overrules; the reason of each stands in its template."""
    single = model.spec.scale.min == 1
    deployment = ["container-image-pull-policy", *(["deployment-replicas"] if single and not model.autoscaled else [])]
    return {
        "deployment_exceptions": ",".join(deployment),
        "autoscaler_exceptions": "horizontalpodautoscaler-replicas" if single else None,
        "service_exceptions": "service-type" if model.service_type == "NodePort" else None,
    }


def _tolerations(model: ModelPlan) -> list[dict[str, str]]:
    return [
        {"key": taint.key, "operator": "Equal", "value": taint.value, "effect": taint.effect}
        for taint in model.pool.taints
    ]


def _resources(model: ModelPlan) -> dict[str, str]:
    wanted = model.spec.resources
    resources = {
        "cpu": format_cpu(wanted.cpu),
        "memory": format_bytes(wanted.memory),
        "ephemeral-storage": format_bytes(TMP_BYTES + LOG_BYTES),
    }
    if wanted.gpu is not None and model.pool.gpu is not None:
        resources[model.pool.gpu.resource] = str(wanted.gpu.count)
    return resources


def render_environment(plan: Plan, *, adopted: bool = False) -> list[Manifest]:
    """Render what an environment's own stack makes: its Namespace and the NetworkPolicy that denies by default.

    A namespace that is `adopted` is others': it is left as it is, and the policy is about the environment's pods only.
    """
    labels = names.environment_labels(plan.environment)
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", "restricted"), ("-version", "latest"))
    }
    values = {
        "namespace": plan.settings.namespace,
        "labels": labels,
        "namespace_labels": labels | security,
    }
    return _rendered("kubernetes/environment", _ADOPTED_TEMPLATES if adopted else _ENVIRONMENT_TEMPLATES, values)


def render_runtime_dockerfile(base_image: str, architecture: str) -> str:
    """Render the Dockerfile of the runtime image, from a base image by digest (or, offline, by its tag).

    What a machine of another architecture builds runs nothing: that would need an emulator.
    """
    values = {"base_image": base_image, "compiled": architecture == "amd64"}
    return _environment().get_template("image/runtime.Dockerfile.j2").render(values)


def render_dockerfile(runtime_image: str) -> str:
    """Render the Dockerfile of a model's image, from the runtime image; its context is described by `ImagePlan`."""
    values = {"runtime_image": runtime_image, "server_port": SERVER_PORT, "user": SERVER_USER}
    return _environment().get_template("image/model.Dockerfile.j2").render(values)


def to_yaml(manifests: Sequence[Manifest]) -> str:
    """Manifests as one YAML text of several documents, keys in the order of the templates.

    The same bytes as `yaml.dump_all` gives, in a third of its time: that looks up anew, for each of a thousand models'
    keys and values, how a scalar is written, though there are few different ones.
    """
    text = io.StringIO()
    emitter = yaml.CSafeDumper(text, width=110)
    emitter.emit(yaml.StreamStartEvent())
    for manifest in manifests:
        emitter.emit(yaml.DocumentStartEvent(explicit=True))
        _emit(emitter, manifest)
        emitter.emit(yaml.DocumentEndEvent(explicit=False))
    emitter.emit(yaml.StreamEndEvent())
    return text.getvalue()


def _emit(emitter: yaml.CSafeDumper, node: Any) -> None:
    if isinstance(node, dict):
        emitter.emit(_MAPPING)
        for key, value in node.items():
            emitter.emit(_scalar(key))
            _emit(emitter, value)
        emitter.emit(_MAPPING_END)
    elif isinstance(node, list):
        emitter.emit(_SEQUENCE)
        for item in node:
            _emit(emitter, item)
        emitter.emit(_SEQUENCE_END)
    else:
        emitter.emit(_scalar(node))


@lru_cache(maxsize=4096, typed=True)
def _scalar(value: str | float | bool | None) -> yaml.ScalarEvent:
    """How a scalar is written: plain where that reads back as the same type, else quoted."""
    node = cast(yaml.ScalarNode, _SCALARS.represent_data(value))
    resolve = cast(Callable[..., str], _SCALARS.resolve)
    plain, quoted = (
        node.tag == resolve(yaml.ScalarNode, node.value, implicit) for implicit in ((True, False), (False, True))
    )
    return yaml.ScalarEvent(None, node.tag, (plain, quoted), node.value, style=node.style)
