"""Have the platform's images in the account's own registry, and its charts take them from there.

Nodes without a way out reach no other registry, and a pull-through cache of ECR needs a way out for the first pull of
each image (Amazon ECR User Guide, "Considerations for Amazon ECR VPC endpoints"). So the machine that runs Slipway
copies them, byte for byte.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from slipway.catalog.platform_images import PLATFORM_IMAGES, copy_path
from slipway.catalog.platform_pins import (
    ENVOY_GATEWAY,
    GPU_OPERATOR,
    KARPENTER,
    KEDA,
    LOAD_BALANCER_CONTROLLER,
    PROMETHEUS,
    Chart,
)
from slipway.components.aws.registry import Registry, RegistryArgs
from slipway.components.aws.scope import AwsScope
from slipway.components.image.component import ModelImage, ModelImageArgs
from slipway.values import names

Values = Mapping[str, Any]
Copy = Callable[[str, str], ModelImageArgs]
"""From an image, and what its copy is called: how the copy is looked up and made."""


@dataclass(frozen=True)
class PlatformCopiesArgs:
    """`registry`: the account's. `key`: ARN of the key of images."""

    scope: AwsScope
    registry: str
    key: pulumi.Input[str]
    copy: Copy


class PlatformCopies(pulumi.ComponentResource):
    """Copies of the images of charts, made as the charts are asked for, each in a repository of its own."""

    def __init__(self, name: str, args: PlatformCopiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:PlatformCopies", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.register_outputs({})

    def values(self, chart: Chart, values: Values) -> Values:
        """The values of a chart, with its images from the copies, which are there by the time that they are known."""
        scope = self._args.scope
        copies = [self._copy(image) for image in PLATFORM_IMAGES[chart]]
        below = names.copies(self._args.registry, scope.environment)
        return with_copies(chart, values, pulumi.Output.all(*copies).apply(lambda _: below))

    def _copy(self, image: str) -> pulumi.Output[str]:
        args, path = self._args, copy_path(image)
        part = path.replace("/", "-")
        repository = names.copies("", args.scope.environment, path)
        made = Registry(
            f"{args.scope.environment}-{part}", RegistryArgs(repository, args.scope.tags, args.key), self._child
        )
        tag = image.partition("@")[0].rpartition(":")[2]
        copied = args.copy(image, f"{args.registry}/{repository}:{tag}")
        reference = ModelImage(part, replace(copied, needs=made.url), self._child).reference
        # The repository too: what runs a copy goes before it.
        return pulumi.Output.all(reference, made.url).apply(lambda both: str(both[0]))


def with_copies(chart: Chart, values: Values, below: pulumi.Input[str]) -> Values:
    """The values of a chart that takes its images from `below`, by their own paths.

    Raises:
        KeyError: nobody knows how that chart is told so.
    """
    return _merged(values, _PLACES[chart](below))


def _gpu_operator(below: pulumi.Input[str]) -> Values:
    paths = ("/nvidia", "/nvidia/cloud-native", "/nvidia/k8s")
    nvidia, cloud, k8s = (pulumi.Output.concat(below, path) for path in paths)
    return {
        **{part: {"repository": nvidia} for part in ("validator", "operator", "devicePlugin", "gfd")},
        "migManager": {"repository": cloud},
        "dcgmExporter": {"repository": k8s},
        "node-feature-discovery": {"image": {"repository": pulumi.Output.concat(below, "/nfd/node-feature-discovery")}},
    }


def _karpenter(below: pulumi.Input[str]) -> Values:
    """By its tag alone: the digest in the chart is of an image that only its publisher knows."""
    image = {"repository": pulumi.Output.concat(below, "/karpenter/controller"), "digest": ""}
    return {"controller": {"image": image}}


def _repository(path: str) -> Callable[[pulumi.Input[str]], Values]:
    return lambda below: {"image": {"repository": pulumi.Output.concat(below, "/", path)}}


_PLACES: Mapping[Chart, Callable[[pulumi.Input[str]], Values]] = {
    KARPENTER: _karpenter,
    LOAD_BALANCER_CONTROLLER: _repository("eks/aws-load-balancer-controller"),
    PROMETHEUS: lambda below: {"global": {"imageRegistry": below}},
    KEDA: lambda below: {"global": {"image": {"registry": below}}},
    ENVOY_GATEWAY: lambda below: {"global": {"imageRegistry": below}},
    GPU_OPERATOR: _gpu_operator,
}
"""How each chart is told where its images are, without their tags."""


def _merged(values: Values, more: Values) -> Values:
    """Both, at every depth; what is more comes on top."""
    merged = dict(values)
    for key, value in more.items():
        here = merged.get(key)
        merged[key] = _merged(here, value) if isinstance(here, Mapping) and isinstance(value, Mapping) else value
    return merged
