"""Make the image of a planned model: first, once for all models, its runtime; on it the weights and the code.

In two images, because the runtime's 200 MB would else be sent to the Docker Engine for each model.
"""

from typing import IO

from slipway.components.image.build import ImageBuilder, installed_wheels
from slipway.components.image.build_context import folder_context, planned_context
from slipway.components.image.component import ModelImageArgs
from slipway.planner.environment import ModelPlan
from slipway.render.image import render_dockerfile, render_runtime_dockerfile
from slipway.values.aliases import Tell


def image_args(model: ModelPlan, progress: Tell) -> ModelImageArgs:
    """Return how to look up and how to make a model's image. Docker is not asked before one of the two is called.

    `progress` is told what goes on, besides the engine.
    """

    def digest() -> str | None:
        return ImageBuilder().pushed(model.image.reference)

    def ensure(engine: Tell) -> str:
        def report(text: str) -> None:
            engine(text)
            progress(f"image: {text}")

        builder = ImageBuilder()
        return builder.ensure(
            model.image.reference, lambda: _model_context(builder, model, report), report, _platform(model)
        )

    return ModelImageArgs(model.image.repository, model.image.tag, digest, ensure)


def _model_context(builder: ImageBuilder, model: ModelPlan, report: Tell) -> IO[bytes]:
    """Return the build context of a model's image, on a runtime image that is there by then."""
    runtime = model.image.runtime

    def dockerfile() -> str:
        digest = builder.ensure(
            runtime.reference,
            lambda: _runtime_context(builder, model, report),
            lambda text: report(f"runtime image: {text}"),
            _platform(model),
        )
        return render_dockerfile(model.spec.runtime, f"{runtime.repository}@{digest}")

    return planned_context(model.image.files, dockerfile)


def _runtime_context(builder: ImageBuilder, model: ModelPlan, report: Tell) -> IO[bytes]:
    """Return the build context of the runtime image: the locked wheels, installed, on the base by its digest."""
    runtime = model.image.runtime
    base = builder.pinned(runtime.base_image)
    wheels = installed_wheels(runtime.requirements, runtime.requirements_digest, runtime.architecture, report)
    return folder_context(render_runtime_dockerfile(model.spec.runtime, base, runtime.architecture), "deps", wheels)


def _platform(model: ModelPlan) -> str:
    """Return the platform to build for: that of the nodes, whatever the Engine's own is."""
    return f"linux/{model.image.runtime.architecture}"
