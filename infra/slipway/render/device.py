"""Render what a device with Kubernetes runs of a model: those objects of its stack that one pod needs, by release."""

from typing import Any

from slipway.plan.model import ModelPlan
from slipway.render.model import model_values, placeholder_image
from slipway.render.objects import MODEL_OBJECTS
from slipway.render.templates import Manifest, rendered
from slipway.values import names
from slipway.values.quantities import compact_json

DEVICE_KINDS = ("ServiceAccount", "ConfigMap", "Deployment", "Service", "NetworkPolicy")
"""What the agent takes; no more. A device runs one replica, so that nothing scales it or spares it from eviction."""
_FOLDER = "kubernetes/model"
_ENGINES_OWN = "pulumi.com/"


def device_objects(model: ModelPlan, release: str) -> list[Manifest]:
    """The objects of one release, under names of their own, so that two releases stand beside each other.

    No image and no namespace is in them: the first is the document's, since it depends on the device, the second is
    the agent's. `release`: hex digits; what selects the pods has them, too.
    """
    name = names.config_map(model.name, release)
    selector = model.selector | {names.RELEASE_LABEL: names.short(release)}
    labels = names.model_labels(model.environment, model.name, model.version, release)
    values = model_values(model, placeholder_image(model)) | {
        "name": name,
        "config_name": name,
        "labels": labels,
        "pod_labels": labels,
        "selector": selector,
        "config": compact_json(model.server_config | {"release": release}),
        "replicas": 1,
    }
    templates = [row.template for row in MODEL_OBJECTS if row.kind in DEVICE_KINDS]
    return [_for_any_device(one) for one in rendered(_FOLDER, templates, values)]


def _for_any_device(manifest: Manifest) -> Manifest:
    metadata: dict[str, Any] = {key: value for key, value in manifest["metadata"].items() if key != "namespace"}
    if "annotations" in metadata:
        kept = {key: text for key, text in metadata["annotations"].items() if not key.startswith(_ENGINES_OWN)}
        metadata["annotations"] = kept
    made: Manifest = {**manifest, "metadata": metadata}
    if made["kind"] == "Deployment":
        for container in made["spec"]["template"]["spec"]["containers"]:
            del container["image"]
    return made
