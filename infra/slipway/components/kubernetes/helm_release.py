"""One Helm chart in a cluster, registered with the pulumi-kubernetes provider, which installs and updates it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from slipway.catalog.platform_pins import PULUMI_KUBERNETES, Chart

_TIMEOUT_S = 900
"""The first pods of a new cluster wait for images and for each other."""


@dataclass(frozen=True)
class HelmReleaseArgs:
    """`namespace`: of the release, which has to be there. `values`: may hold outputs at any depth."""

    chart: Chart
    namespace: str
    values: Mapping[str, Any]


class HelmRelease(pulumi.CustomResource):
    """A release; like the SDK's class of it, whose import takes a second.

    A first installation that fails is taken back, so that the next run can install again; a failed update is undone.
    """

    def __init__(self, name: str, args: HelmReleaseArgs, opts: pulumi.ResourceOptions) -> None:
        repository = {"repositoryOpts": {"repo": args.chart.repository}} if args.chart.repository else {}
        inputs = {
            "name": name,
            "chart": args.chart.chart,
            "version": args.chart.version,
            **repository,
            "namespace": args.namespace,
            "values": dict(args.values),
            "atomic": True,
            "timeout": _TIMEOUT_S,
            # What the SDK's class says of itself.
            "compat": "true",
        }
        merged = pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=PULUMI_KUBERNETES), opts)
        super().__init__("kubernetes:helm.sh/v3:Release", name, inputs, merged)
