"""What is said about the version of Karpenter is what is built."""

import re

from slipway.catalog.platform_pins import KARPENTER
from slipway.local.build import karpenter


def test_the_version_is_that_of_both_modules() -> None:
    required = re.findall(r"(\S*karpenter\S*) v(\S+)", (karpenter.MODULE / "go.mod").read_text())
    assert dict(required) == {
        "github.com/aws/karpenter-provider-aws": karpenter.VERSION,
        "sigs.k8s.io/karpenter": karpenter.VERSION,
    }


def test_the_version_is_that_of_the_chart() -> None:
    assert KARPENTER.version == karpenter.VERSION
