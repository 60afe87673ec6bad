"""Load what a spec says about an image that brings its own server: the folder that it is built from, its digest."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from slipway.artifacts.onnx import Artifact, ArtifactFile, Found
from slipway.artifacts.unread import UNKNOWN
from slipway.dockerfile.context import BuildContext, read_context
from slipway.dockerfile.stages import refuse_moving
from slipway.errors.base import UserError, WrongValue
from slipway.reading.files import BadFile
from slipway.reading.findings import Locate
from slipway.spec.custom.image import Custom
from slipway.spec.model import ModelSpec
from slipway.values.quantities import compact_json

WEIGHTS_CONTEXT = ".slipway/model"
"""Where weights are in a build context."""


@dataclass(frozen=True, slots=True)
class OwnImage:
    """An image that a spec brings. `context`: what it is built from, None where it is there. `sha256`: over all."""

    context: BuildContext | None
    sha256: str

    def without_weights(self) -> Found:
        """What stands where others have weights, of an image that has them inside."""
        return Found(ArtifactFile("", Path(), 0, self.sha256), {}, 0, UNKNOWN, (), None)

    def around(self, weights: Artifact | None) -> Artifact:
        """What is served: the image, with the weights in it if any are given. Either makes another model."""
        if weights is None:
            return Artifact((), 0, self.sha256, UNKNOWN, None)
        return replace(weights, sha256=_sha256([self.sha256, weights.sha256]))


def own_image(custom: Custom, root: Path, locate: Locate, found: list[UserError]) -> OwnImage | None:
    """Read what an image is made of; None when `found` got what is wrong with it.

    Args:
        custom: what the spec says of it.
        root: folder that paths in the spec begin at, and that nothing may lead out of.
        locate: where fields are written.
        found: gets what is wrong.
    """
    words = list(custom.command or ())
    if custom.build is None:
        digest = (custom.image or "").partition("@")[2]
        return OwnImage(None, _sha256([digest, words]))
    build = custom.build
    try:
        context = read_context(root / build.context, build.dockerfile, root)
        refuse_moving(context.dockerfile, build.args)
        if any(name == WEIGHTS_CONTEXT or name.startswith(f"{WEIGHTS_CONTEXT}/") for name in context.files):
            todo = f"rename the folder {WEIGHTS_CONTEXT}"
            raise BadFile(f"has {WEIGHTS_CONTEXT}, where Slipway puts weights", "a folder without it", todo)
    except BadFile as error:
        place, field = locate(("custom", "build", "context"))
        found.append(WrongValue(place, field, build.context, error.problem, error.allowed, error.todo))
        return None
    files = [[name, file.sha256, file.executable] for name, file in sorted(context.files.items())]
    return OwnImage(context, _sha256([context.dockerfile, files, dict(build.args), build.network, words]))


def own_image_of_others(spec: ModelSpec) -> OwnImage | None:
    """The image that a spec brings for a server of others; None where Slipway builds it."""
    if spec.server is None or spec.server.image is None:
        return None
    return OwnImage(None, _sha256([spec.server.image.partition("@")[2], list(spec.server.arguments)]))


def _sha256(parts: list[object]) -> str:
    return hashlib.sha256(compact_json(parts).encode()).hexdigest()
