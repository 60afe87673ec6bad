"""Compute every name and label before any resource exists."""

import hashlib
import re

DOMAIN = "slipway.dev"
MANAGED_BY = "slipway"
PROJECT = "slipway"
"""The Pulumi project that every stack belongs to."""
RELEASE_LABEL = f"{DOMAIN}/release"
VERIFIED_LABEL = f"{DOMAIN}/verified"
ENVIRONMENT_LABEL = f"{DOMAIN}/environment"

_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")
_LABEL_LIMIT = 63
SHORT = 16
"""Hex digits of a digest that go into names and labels: 64 bits."""


def stack(environment: str, model: str | None = None) -> str:
    """The Pulumi stack of an environment, or of a model in it."""
    return environment if model is None else f"{environment}.{model}"


def short(digest: str) -> str:
    """The part of a hex digest that goes into names and labels."""
    return digest[:SHORT]


def fitted(text: str, limit: int = _LABEL_LIMIT) -> str:
    """`text` as a Kubernetes label value of at most `limit` characters.

    What had to be changed ends in a hash of the whole, so that two texts never become one.
    """
    if len(text) <= limit and _LABEL_VALUE.fullmatch(text):
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    head = re.sub(r"[^A-Za-z0-9._-]", "_", text)[: limit - len(tail) - 1].strip("._-")
    return f"{head}-{tail}" if head else tail


def environment_labels(environment: str) -> dict[str, str]:
    """Labels on every object of an environment's own stack."""
    return {"app.kubernetes.io/managed-by": MANAGED_BY, ENVIRONMENT_LABEL: fitted(environment)}


def model_labels(environment: str, model: str, version: str, release_digest: str) -> dict[str, str]:
    """Labels on every object of a model."""
    return {
        "app.kubernetes.io/name": model,
        "app.kubernetes.io/instance": model,
        "app.kubernetes.io/version": fitted(version),
        "app.kubernetes.io/managed-by": MANAGED_BY,
        ENVIRONMENT_LABEL: fitted(environment),
        RELEASE_LABEL: short(release_digest),
    }


def selector(model: str) -> dict[str, str]:
    """Labels that select a model's pods; never one that changes between releases, a selector is immutable."""
    return {"app.kubernetes.io/name": model, "app.kubernetes.io/managed-by": MANAGED_BY}


def config_map(model: str, release_digest: str) -> str:
    """The ConfigMap of one release of a model."""
    return f"{model}-{short(release_digest)}"


def image_repository(registry: str, model: str) -> str:
    """The repository of a model's images, without tag or digest."""
    return f"{registry}/slipway/{model}"


def lock(model: str) -> str:
    """The Lease that one run holds while it deploys a model."""
    return f"{model}-deploying"


def record(model: str) -> str:
    """The ConfigMap that keeps the last release of a model whose golden request was answered right."""
    return f"{model}-verified"
