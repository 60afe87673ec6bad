"""Hold one release of a model as it was deployed, and as the cluster has it; and what it was made from."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from slipway.artifacts.golden_request import GoldenRequest


@dataclass(frozen=True, slots=True)
class Origin:
    """What a release was made by and from, to tell later whose change makes another of it.

    Attributes:
        slipway: version of Slipway.
        spec: sha256 of the spec as it is written, with what the environment overrides.
        files: sha256 over the weights and the golden request's body.
        settings: sha256 of the environment's settings as they are written, but for its models and `slipway`.
        image: sha256 over all that goes into the image, what Slipway adds to it included.
    """

    slipway: str
    spec: str
    files: str
    settings: str
    image: str


@dataclass(frozen=True)
class Release:
    """One release as it was deployed. `digest` is the release's, 64 hex digits; `image` is by digest.

    `manifests`: as rendered, with the image in place. `check`: its golden request. `origin`: None when nothing is known
    of it.
    """

    model: str
    version: str
    digest: str
    image: str
    manifests: tuple[dict[str, Any], ...]
    check: GoldenRequest
    origin: Origin | None = None


def digest_of(value: object) -> str:
    """The sha256 of JSON values, in hex, the same in every process and on every machine."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
