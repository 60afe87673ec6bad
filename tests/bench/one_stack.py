"""The peer of a fleet: one Pulumi program with every model of an environment in one stack.

    python -m tests.bench.one_stack up|destroy SPECS SETTINGS ENVIRONMENT

Same manifests, images, provider, engine and order as Slipway's stacks, with one provider resource for all; without
what Slipway does beside the engine: finding what changed, golden request, record of what was right.
"""

import sys
import tempfile
import threading
from pathlib import Path

import pulumi

from slipway.commands.context import EnvironmentContext, Folders
from slipway.components.image.component import ModelImage
from slipway.components.image.planned import image_args
from slipway.components.kubernetes.environment import EnvironmentArgs, KubernetesEnvironment
from slipway.components.kubernetes.model import with_image
from slipway.components.kubernetes.object import KubernetesObject, cluster_provider
from slipway.engine.engine import Engine
from slipway.planner.environment import ModelPlan
from slipway.render.environment import render_environment
from slipway.render.model import render_model
from slipway.settings.kubernetes import Settings

_BEFORE_THE_PODS = ("ServiceAccount", "ConfigMap", "NetworkPolicy")


def program(context: EnvironmentContext) -> None:
    """Everything of an environment."""
    assert isinstance(context.settings, Settings)
    kube_context = context.settings.context
    namespace = KubernetesEnvironment(
        context.name, EnvironmentArgs(kube_context, render_environment(context.plan))
    ).namespace
    provider = cluster_provider("models", pulumi.ResourceOptions(), context=namespace.apply(lambda _: kube_context))
    for model in context.plan.models:
        _model(model, provider)


def _model(model: ModelPlan, provider: pulumi.ProviderResource) -> None:
    image = ModelImage(model.name, image_args(model, lambda _: None)).reference
    before: list[pulumi.Resource] = []
    after = []
    for manifest in render_model(model, model.image.reference):
        if manifest["kind"] in _BEFORE_THE_PODS:
            before.append(KubernetesObject(manifest, pulumi.ResourceOptions(provider=provider)))
        elif manifest["kind"] == "Deployment":
            deployment = with_image(manifest, image)
        else:
            after.append(manifest)
    pods = KubernetesObject(deployment, pulumi.ResourceOptions(provider=provider, depends_on=before))
    for manifest in after:
        KubernetesObject(manifest, pulumi.ResourceOptions(provider=provider, depends_on=[pods]))


def main() -> None:
    """Update or destroy the stack."""
    command, models, settings, environment = sys.argv[1:]
    context = EnvironmentContext(environment, Folders(Path(models), Path(settings)))
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(Path(folder), context.secrets, threading.Event())
        if command == "up":
            outcome = engine.up(environment, lambda: program(context), print, new=False)
            print(outcome.changes)
        else:
            engine.destroy(environment, print)


if __name__ == "__main__":
    main()
