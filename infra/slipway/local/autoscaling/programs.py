"""Have KEDA's image and the objects of its own configuration: built from its pinned Go module, and kept."""

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

MODULE = toolchain.MODULES / "keda"
VERSION = "2.20.1"
"""As in MODULE/go.mod, and as on AWS."""

NAMESPACE = "keda"
"""As KEDA's own configuration has it."""

_MODULE_NAME = "github.com/kedacore/keda/v2"


def _program(package: str) -> toolchain.GoProgram:
    # The image has no time zones, which schedules name; so the programs carry them.
    return toolchain.GoProgram(
        MODULE, f"{_MODULE_NAME}/{package}", f"-s -w -X {_MODULE_NAME}/version.Version={VERSION}", tags="timetzdata"
    )


IMAGE = ProgramImage("keda", VERSION, {"/keda": _program("cmd/operator"), "/keda-adapter": _program("cmd/adapter")})
"""The operator, and what answers the API server's questions for metrics; without the admission webhooks."""

_RESOURCES = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": None, "memory": "256Mi"}}
"""None takes away what KEDA's configuration says: it asks for a tenth of a CPU and is held to one."""

_READY = {"initialDelaySeconds": 1, "periodSeconds": 2}


@dataclass(frozen=True)
class Programs:
    """What `bring` made: the image, and a folder with the objects."""

    image: Kept
    folder: Path

    def objects(self) -> list[dict[str, Any]]:
        """The objects that KEDA consists of on the cluster."""
        rendered: list[dict[str, Any]] = json.loads((self.folder / "objects.json").read_text())
        return rendered


def bring(go: Go, report: Report) -> Programs:
    """The image and the objects, from the cache or made now.

    Raises:
        LocalError: a module cannot be had, the compiler's words, or a configuration that does not render.
    """
    image = program_images.bring(IMAGE, go, report)
    recipe = (Path(__file__).read_bytes(), image.reference.encode(), kustomize.fingerprint())
    digest = toolchain.digest(MODULE, *recipe)

    def render(folder: Path) -> None:
        base = golang.module_folder(go, MODULE, _MODULE_NAME) / "config" / "minimal"
        (folder / "objects.json").write_text(json.dumps(kustomize.render(go, base, overlay(image), report)))

    return Programs(image, toolchain.cached("keda", digest, render))


def overlay(image: Kept) -> Mapping[str, Any]:
    """What is changed of KEDA's own configuration, as kustomize takes it."""
    ours = {"newName": f"{facts.REGISTRY}/{IMAGE.repository}", "digest": image.digest}
    theirs = ("ghcr.io/kedacore/keda", "ghcr.io/kedacore/keda-metrics-apiserver")
    # There is one operator, so that nobody waits to take over; a leader that cannot renew its lease exits, and an
    # outage of the API server would take it along.
    operator = {"args": ["--zap-log-level=info", "--zap-encoder=console", "--enable-cert-rotation=true"]}
    return {
        "images": [{"name": name, **ours} for name in theirs],
        "patches": [_patch("keda-operator", operator), _patch("keda-metrics-apiserver", {})],
    }


def _patch(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes of a Deployment's one container, which is called as the Deployment."""
    container = {
        "name": name,
        "imagePullPolicy": "IfNotPresent",
        "resources": _RESOURCES,
        "readinessProbe": _READY,
        **changes,
    }
    template = {"spec": {"priorityClassName": PRIORITY, "containers": [container]}}
    metadata = {"name": name, "namespace": NAMESPACE}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}
    return {"patch": json.dumps(deployment)}
