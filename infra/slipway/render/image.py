"""Render the Dockerfiles of a runtime's image and of a model's image."""

import json

from slipway.catalog.pod_contract import SERVER_USER
from slipway.render.templates import template_files
from slipway.runtimes.registry import RUNTIMES


def render_runtime_dockerfile(runtime: str, base_image: str, architecture: str) -> str:
    """Render the Dockerfile of a runtime's image, from a base image by digest (or, offline, by its tag).

    What a machine of another architecture builds runs nothing: that would need an emulator.
    """
    values = {
        "base_image": base_image,
        "compiled": architecture == "amd64",
        "variables": RUNTIMES[runtime].image.variables,
    }
    return template_files().get_template("image/runtime.Dockerfile.j2").render(values)


def render_dockerfile(runtime: str, runtime_image: str) -> str:
    """Render the Dockerfile of a model's image, from that of its runtime; its context is described by `ImagePlan`."""
    recipe = RUNTIMES[runtime].image
    values = {
        "runtime_image": runtime_image,
        "weights": recipe.weights,
        "server_port": RUNTIMES[runtime].port,
        "user": SERVER_USER,
        "command": json.dumps(recipe.command),
    }
    return template_files().get_template("image/model.Dockerfile.j2").render(values)
