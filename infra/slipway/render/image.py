"""Render the Dockerfiles of the runtime image and of a model's image."""

from slipway.catalog.pod_contract import SERVER_PORT, SERVER_USER
from slipway.render.templates import template_files


def render_runtime_dockerfile(base_image: str, architecture: str) -> str:
    """Render the Dockerfile of the runtime image, from a base image by digest (or, offline, by its tag).

    What a machine of another architecture builds runs nothing: that would need an emulator.
    """
    values = {"base_image": base_image, "compiled": architecture == "amd64"}
    return template_files().get_template("image/runtime.Dockerfile.j2").render(values)


def render_dockerfile(runtime_image: str) -> str:
    """Render the Dockerfile of a model's image, from the runtime image; its context is described by `ImagePlan`."""
    values = {"runtime_image": runtime_image, "server_port": SERVER_PORT, "user": SERVER_USER}
    return template_files().get_template("image/model.Dockerfile.j2").render(values)
