"""Contains what stands before and after a model: the server's own steps, and the files that they read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway_server.steps.assembled import Steps
from slipway_server.values.tensors import Array

IMAGE_FOLDER = "/opt/slipway/steps"
"""Of these files, in the image of a model."""
CONTEXT_FOLDER = "steps"
"""The same in the build context of the image."""
_NO_LIMIT_S = 0.0


@dataclass(frozen=True, slots=True)
class StepFile:
    """A file that goes into the image: its name there, where it is, its sha256 in hex."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Around:
    """What a spec says before and after a model that fits it.

    Attributes:
        steps: what the server itself would have, but for a user's own functions, which nobody runs here.
        files: what goes into the image.
        sections: `input`, `output` and `quality` of the model server's configuration.
        hooked: whether a user's own function reads the bodies of requests.
    """

    steps: Steps
    files: tuple[StepFile, ...]
    sections: Mapping[str, Any]
    hooked: bool

    def read(self, body: object) -> Mapping[str, Array] | None:
        """The model's inputs in a body of `POST /predict`; None where a user's own function reads it.

        Raises:
            BadRequest: it is not a request that the steps take.
        """
        return None if self.hooked else self.steps.read(body, _NO_LIMIT_S)
