"""Have the images of Prometheus and what runs it, and their objects: built from pinned Go modules, and kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.local.build import golang, kustomize, toolchain
from slipway.local.build.golang import Go
from slipway.local.cluster import facts, program_images
from slipway.local.cluster.installing import PRIORITY
from slipway.local.cluster.program_images import Kept, ProgramImage
from slipway.local.host.steps import Report

NAMESPACE = "monitoring"
OPERATOR = "prometheus-operator"
"""The name of its Deployment, of its container and of its image."""

_VERSION_STAMP = "github.com/prometheus/common/version.Version"
_OPERATOR_MODULE = "github.com/prometheus-operator/prometheus-operator"


def _program(module: str, package: str, version: str, tags: str = "") -> toolchain.GoProgram:
    return toolchain.GoProgram(toolchain.MODULES / module, package, f"-s -w -X {_VERSION_STAMP}={version}", tags)


PROMETHEUS = ProgramImage(
    "prometheus",
    "3.16.0",
    {
        "/bin/prometheus": _program(
            "prometheus",
            "github.com/prometheus/prometheus/cmd/prometheus",
            "3.16.0",
            # Without the clients of thirty clouds, by which it would find what to scrape there.
            tags="remove_all_sd,enable_kubernetes_sd",
        )
    },
)
"""Its module has no web pages, which are not written in Go; the API has everything that they show."""

ALERTMANAGER = ProgramImage(
    "alertmanager",
    "0.31.1",
    {"/bin/alertmanager": _program("alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", "0.31.1")},
)
"""The last one that builds from its module: later ones embed web pages that the module does not have."""

_OPERATOR_VERSION = "0.85.0"
OPERATOR_IMAGE = ProgramImage(
    OPERATOR,
    _OPERATOR_VERSION,
    {"/bin/operator": _program(OPERATOR, f"{_OPERATOR_MODULE}/cmd/operator", _OPERATOR_VERSION)},
)
RELOADER = ProgramImage(
    "prometheus-config-reloader",
    _OPERATOR_VERSION,
    {
        "/bin/prometheus-config-reloader": _program(
            OPERATOR, f"{_OPERATOR_MODULE}/cmd/prometheus-config-reloader", _OPERATOR_VERSION
        )
    },
)
IMAGES = (PROMETHEUS, ALERTMANAGER, OPERATOR_IMAGE, RELOADER)
MODULES = tuple(toolchain.MODULES / name for name in ("prometheus", "alertmanager", OPERATOR))
"""The Go modules of these images; kustomize is one more, and asks for no newer Go."""


@dataclass(frozen=True)
class Programs:
    """What `bring` made: the images by name, and a folder with the operator's objects."""

    images: Mapping[str, Kept]
    folder: Path

    def objects(self) -> list[dict[str, Any]]:
        """The definitions, and the objects that the operator consists of on the cluster."""
        rendered: list[dict[str, Any]] = json.loads((self.folder / "objects.json").read_text())
        return rendered


def bring(go: Go, report: Report) -> Programs:
    """The images and the operator's objects, from the cache or made now.

    Raises:
        LocalError: a module cannot be had, the compiler's words, or a configuration that does not render.
    """
    images = {image.name: program_images.bring(image, go, report) for image in IMAGES}
    module = toolchain.MODULES / OPERATOR
    references = "".join(kept.reference for kept in images.values()).encode()
    digest = toolchain.digest(module, Path(__file__).read_bytes(), references, kustomize.fingerprint())

    def render(folder: Path) -> None:
        base = golang.module_folder(go, module, _OPERATOR_MODULE)
        (folder / "objects.json").write_text(json.dumps(kustomize.render(go, base, overlay(images), report)))

    return Programs(images, toolchain.cached("monitoring", digest, render))


def overlay(images: Mapping[str, Kept]) -> Mapping[str, Any]:
    """What is changed of the operator's own configuration, as kustomize takes it."""
    operator, reloader = images[OPERATOR], images[RELOADER.name]
    container = {
        "name": OPERATOR,
        "args": [
            f"--prometheus-config-reloader={reloader.reference}",
            "--config-reloader-cpu-request=5m",
            "--config-reloader-cpu-limit=0",
            "--config-reloader-memory-request=16Mi",
            "--config-reloader-memory-limit=64Mi",
        ],
        # None takes away what is there: it is held to a fifth of a CPU, and takes a minute for its definitions then.
        "resources": {"requests": {"cpu": "10m", "memory": "48Mi"}, "limits": {"cpu": None, "memory": "256Mi"}},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": OPERATOR, "namespace": "default"},
        "spec": {"template": {"spec": {"priorityClassName": PRIORITY, "containers": [container]}}},
    }
    image = {"newName": f"{facts.REGISTRY}/{OPERATOR_IMAGE.repository}", "digest": operator.digest}
    return {
        "namespace": NAMESPACE,
        "images": [{"name": "quay.io/prometheus-operator/prometheus-operator", **image}],
        "patches": [{"patch": json.dumps(deployment)}],
    }
