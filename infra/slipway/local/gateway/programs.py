"""Have Envoy Gateway's controller and the objects that its charts render: built from its pinned Go module, and kept."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from slipway.local.build import golang, toolchain
from slipway.local.build.golang import Go
from slipway.local.cluster import facts, images
from slipway.local.cluster.installing import PRIORITY
from slipway.local.host.commands import explained
from slipway.local.host.steps import Report

MODULE = toolchain.MODULES / "gateway"
VERSION = "v1.9.1"
"""As in MODULE/go.mod."""

NAMESPACE = "envoy-gateway-system"
"""Of the controller, and of the proxies of every Gateway."""

IMAGE = f"{facts.REGISTRY}/slipway/envoy-gateway:{VERSION}"
_MODULE_NAME = "github.com/envoyproxy/gateway"
_CONTROLLER = toolchain.GoProgram(
    MODULE,
    f"{_MODULE_NAME}/cmd/envoy-gateway",
    f"-s -w -X {_MODULE_NAME}/internal/cmd/version.envoyGatewayVersion={VERSION}",
)
_RENDERER = toolchain.GoProgram(MODULE, "./chart", "-s -w")
_RENDER_LIMIT_S = 60

CRDS: Mapping[str, Any] = {
    # The standard channel: what the Gateway API calls experimental, no environment may stand on.
    "crds": {"gatewayAPI": {"enabled": True, "channel": "standard"}, "envoyGateway": {"enabled": True}}
}
CONTROLLER: Mapping[str, Any] = {
    "crds": {"enabled": False},  # the chart of the definitions brings them
    "global": {"images": {"envoyGateway": {"image": IMAGE, "pullPolicy": "IfNotPresent"}}},
    "deployment": {
        "priorityClassName": PRIORITY,
        "envoyGateway": {"resources": {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"memory": "512Mi"}}},
    },
    # There is one, so that nobody waits to take over. A leader that cannot renew its lease exits: an outage of the API
    # server would take the controller with it, and leave Envoys without word for as long as it takes to come back.
    "config": {
        "envoyGateway": {"provider": {"type": "Kubernetes", "kubernetes": {"leaderElection": {"disable": True}}}}
    },
    # It tells a proxy its zone by a webhook on every pod's binding; here is one node.
    "topologyInjector": {"enabled": False},
}
"""Values of the charts, where they are not the charts' own."""


@dataclass(frozen=True)
class Programs:
    """What `bring` has put into its folder."""

    folder: Path

    @property
    def controller(self) -> Path:
        """The program `envoy-gateway`, static."""
        return self.folder / "envoy-gateway"

    @property
    def image(self) -> Path:
        """Folder of the controller's image, for images.load."""
        return self.folder / "image"

    def objects(self, chart: str) -> list[dict[str, Any]]:
        """The objects of a chart: "crds" or "controller"."""
        rendered: list[dict[str, Any]] = json.loads((self.folder / f"{chart}.json").read_text())
        return rendered


def bring(go: Go, report: Report) -> Programs:
    """The controller, its image and the rendered charts, from the cache or made now.

    Raises:
        LocalError: a module cannot be had, the compiler's words, or a chart that does not render.
    """
    recipe = Path(__file__).read_bytes() + Path(str(images.__file__)).read_bytes()
    digest = toolchain.digest(MODULE, go.version.encode(), recipe)
    return Programs(toolchain.cached("gateway", digest, lambda folder: _make(go, folder, report)))


def _make(go: Go, folder: Path, report: Report) -> None:
    made = Programs(folder)
    toolchain.compile_program(_CONTROLLER, go, made.controller, report)
    renderer = folder / "chart"
    toolchain.compile_program(_RENDERER, go, renderer, report)
    charts = golang.module_folder(go, MODULE, _MODULE_NAME) / "charts"
    for name, chart, values in (("crds", "gateway-crds-helm", CRDS), ("controller", "gateway-helm", CONTROLLER)):
        (folder / f"{name}.json").write_bytes(_rendered(renderer, charts / chart, values))
    renderer.unlink()
    report("making the controller's image")
    program = PurePosixPath("/usr/local/bin/envoy-gateway")
    images.save(images.build({program: made.controller}, [str(program)], user="65532:65532"), made.image)


def _rendered(renderer: Path, chart: Path, values: Mapping[str, Any]) -> bytes:
    with explained(f"rendering the chart {chart}"):
        return subprocess.run(
            [renderer, chart, VERSION, NAMESPACE],
            input=json.dumps(values).encode(),
            capture_output=True,
            timeout=_RENDER_LIMIT_S,
            check=True,
        ).stdout
