"""Have what the one-node cluster runs on: built by slipway.local.cluster.build, kept by the digest of its sources."""

from pathlib import Path

from slipway.local.build import toolchain
from slipway.local.build.golang import Go
from slipway.local.cluster import Tools
from slipway.local.cluster import build as cluster_build
from slipway.local.host.steps import Report

MODULE = cluster_build.SOURCES
KUBERNETES_VERSION = cluster_build.KUBERNETES_VERSION


def bring(go: Go, report: Report) -> Tools:
    """The cluster's tools, from the cache or built now."""
    recipe = Path(cluster_build.__file__).read_bytes()
    digest = toolchain.digest(MODULE, go.version.encode(), recipe)

    def make(folder: Path) -> None:
        cluster_build.build(go, folder, report)

    return cluster_build.tools(toolchain.cached("node", digest, make))
