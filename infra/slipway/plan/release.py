"""Hold one release of a model as it was deployed, and as the cluster has it."""

from dataclasses import dataclass
from typing import Any

from slipway.artifacts.golden_request import GoldenRequest


@dataclass(frozen=True)
class Release:
    """One release as it was deployed. `digest` is the release's, 64 hex digits; `image` is by digest.

    `manifests`: as rendered, with the image in place. `check`: its golden request.
    """

    model: str
    version: str
    digest: str
    image: str
    manifests: tuple[dict[str, Any], ...]
    check: GoldenRequest
