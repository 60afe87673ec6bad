"""Render the Dockerfiles of a runtime's image, of a model's image, and of those of keys service, judge and fleet."""

import json
from collections.abc import Sequence

from slipway.artifacts.around import CONTEXT_FOLDER, IMAGE_FOLDER
from slipway.catalog.pod_contract import FETCHING, FETCHING_FOLDER, SERVER_USER, TRACES_FOLDER
from slipway.plan.image import ImagePlan
from slipway.render.templates import template_files
from slipway.runtimes.registry import RUNTIMES, recipe


def render_runtime_dockerfile(runtime: str, base_image: str, architecture: str) -> str:
    """Render the Dockerfile of a runtime's image, from a base image by digest (or, offline, by its tag).

    What a machine of another architecture builds runs nothing: that would need an emulator.
    """
    return _wheels(base_image, architecture, recipe(runtime).variables)


def render_dockerfile(
    runtime: str,
    runtime_image: str,
    *,
    fetching: bool = False,
    carried: bool = True,
    steps: bool = False,
    capturing: bool = False,
    traces: bool = False,
) -> str:
    """Render the Dockerfile of a model's image, from that of its runtime; its context is described by `ImagePlan`.

    `fetching`: whether it has what speaks to the model store. `carried`: whether it has the weights. `steps`: whether
    the context has files of what stands before and after the model. `capturing`: whether the server stores samples.
    `traces`: whether it has what makes spans of requests.
    """
    made = recipe(runtime)
    beside = [*([f"{FETCHING_FOLDER}/deps"] if capturing else []), *([TRACES_FOLDER] if traces else [])]
    values = {
        "runtime_image": runtime_image,
        "weights": made.weights if carried and RUNTIMES[runtime].formats else None,
        "beside": beside,
        "fetching": FETCHING if fetching else None,
        "fetching_folder": FETCHING_FOLDER,
        "steps": (CONTEXT_FOLDER, IMAGE_FOLDER) if steps else None,
        "traces": TRACES_FOLDER if traces else None,
        "server_port": RUNTIMES[runtime].port,
        "user": SERVER_USER,
        "command": json.dumps(made.command),
    }
    return template_files().get_template("image/model.Dockerfile.j2").render(values)


def dockerfile_of(runtime: str, image: ImagePlan, runtime_image: str) -> str:
    """Render the Dockerfile of a planned image of a model."""
    return render_dockerfile(
        runtime,
        runtime_image,
        fetching=image.wheels is not None,
        carried=image.has_weights,
        steps=image.has_steps,
        capturing=image.capturing,
        traces=image.traces is not None,
    )


def render_own_dockerfile(written: str, command: Sequence[str] | None, weights: tuple[str, str] | None) -> str:
    """Render the Dockerfile of an image that brings its own server: as it is written, with what the spec adds.

    What is added belongs to the last stage, which is the one that is built. `weights`: their folder in the context, and
    in the image.
    """
    added = None if command is None else json.dumps(list(command))
    values = {"written": written.rstrip("\n"), "command": added, "weights": weights}
    return template_files().get_template("image/own.Dockerfile.j2").render(values)


def render_own_wheels_dockerfile(base_image: str, architecture: str) -> str:
    """Render the Dockerfile of the image below that of the keys service, or of the judge; as a runtime's."""
    return _wheels(base_image, architecture, ())


def render_keys_dockerfile(wheels_image: str) -> str:
    """Render the Dockerfile of the keys service's image, from the one with its wheels."""
    return _own("keys", wheels_image)


def render_judge_dockerfile(wheels_image: str) -> str:
    """Render the Dockerfile of the judge's image, from the one with its wheels."""
    return _own("judge", wheels_image)


def render_fleet_dockerfile(wheels_image: str) -> str:
    """Render the Dockerfile of the image of a fleet's control side, from the one with its wheels."""
    return _own("fleet", wheels_image)


def _own(name: str, wheels_image: str) -> str:
    values = {"wheels_image": wheels_image, "user": SERVER_USER}
    return template_files().get_template(f"image/{name}.Dockerfile.j2").render(values)


def _wheels(base_image: str, architecture: str, variables: Sequence[tuple[str, str]]) -> str:
    values = {"base_image": base_image, "compiled": architecture == "amd64", "variables": variables}
    return template_files().get_template("image/runtime.Dockerfile.j2").render(values)
